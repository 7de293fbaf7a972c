"""Methods that agree on the prototypes of a sample."""

import torch
import torch.nn.functional as F

from method import BATCH, D_FEATURES, Method, cosine_momenta


class Dino(Method):
    config = {
        "layers": 3,
        "d_hidden": 8,
        "d_bottleneck": 5,
        "d_output": 10,
        "student_temperature": 0.1,
        "teacher_temperature": 0.04,
        "center_momentum": 0.9,
        "frozen_epochs": 1,
        "momentum": 0.99,
    }
    momenta = cosine_momenta(0.99)
    constants = ("teacher.", "center.")
    frozen = [("student.projector.last.direction",), ()]

    def views(self, draws):
        return draws.crops()

    def draw(self, draws):
        widths = [D_FEATURES, 8, 8, 5]
        for network in ("student", "teacher.network"):
            draws.resnet(f"{network}.encoder")
            for layer, (d_input, d_output) in enumerate(zip(widths, widths[1:])):
                name = f"{network}.projector.layers.{layer}"
                draws.linear(name, d_input, d_output, bias=True)
            direction = draws.normal((self.config["d_output"], 5), 0.5)
            draws.values[f"{network}.projector.last.direction"] = direction
        draws.values["center.values"] = draws.normal((1, self.config["d_output"]), 0.1)

    def scores(self, w, network, view):
        x = w.resnet(f"{network}.encoder", view)
        for layer in range(3):
            x = w.linear(f"{network}.projector.layers.{layer}", x if layer == 0 else F.gelu(x))
        direction = w[f"{network}.projector.last.direction"]
        return F.normalize(x, eps=1e-12) @ (direction / direction.norm(dim=1, keepdim=True)).T

    def loss(self, w, views, step):
        config = self.config
        with torch.no_grad():
            self.teacher = [self.scores(w, "teacher.network", view) for view in views[:2]]
        targets = [
            F.softmax((scores - w["center.values"]) / config["teacher_temperature"], 1)
            for scores in self.teacher
        ]
        predictions = [
            F.log_softmax(self.scores(w, "student", view) / config["student_temperature"], 1)
            for view in views
        ]
        pairs = [
            -(target * prediction).sum(1).mean()
            for i, target in enumerate(targets)
            for v, prediction in enumerate(predictions)
            if i != v
        ]
        return sum(pairs) / len(pairs), {}

    def after_update(self, w, step):
        kept = self.config["center_momentum"]
        mean = torch.cat(self.teacher).mean(0, keepdim=True)
        w["center.values"] = kept * w["center.values"] + (1 - kept) * mean
        w.follow("teacher.network", "student", self.momenta[step])


class Swav(Method):
    config = {
        "d_hidden": 8,
        "d_output": 6,
        "prototypes": 5,
        "global_views": 2,
        "temperature": 0.1,
        "epsilon": 0.05,
        "iterations": 3,
        "frozen_epochs": 1,
        "queue": 6,
        "queue_epoch": 1,
    }
    constants = ("queues.",)
    frozen = [("prototypes.rows",), ()]

    def views(self, draws):
        return draws.crops()

    def draw(self, draws):
        draws.resnet("encoder")
        draws.mlp("projector", [D_FEATURES, 8, 6])
        draws.values["prototypes.rows"] = draws.unit_rows(self.config["prototypes"], 6)
        for view in range(2):
            draws.values[f"queues.{view}.rows"] = draws.unit_rows(self.config["queue"], 6)

    def loss(self, w, views, step):
        config = self.config
        rows = [F.normalize(w.branch("", view)) for view in views]
        scores = [one @ w["prototypes.rows"].T for one in rows]
        self.pushed = [one.detach() for one in rows[:2]]
        pairs = []
        for i in range(2):
            assigned = scores[i].detach()
            if step >= config["queue_epoch"]:  # a step is an epoch, and fills the queue
                past = w[f"queues.{i}.rows"] @ w["prototypes.rows"].detach().T
                assigned = torch.cat([past, assigned])
            plan = (assigned / config["epsilon"]).exp()
            codes = sinkhorn(plan, config["iterations"])[-BATCH:]
            for v, score in enumerate(scores):
                if v != i:
                    pairs.append(F.cross_entropy(score / config["temperature"], codes))
        return sum(pairs) / len(pairs), {}

    def after_update(self, w, step):
        w["prototypes.rows"].copy_(F.normalize(w["prototypes.rows"]))
        for view, rows in enumerate(self.pushed):
            w.push(f"queues.{view}.rows", rows)


def sinkhorn(plan, iterations):
    """Shares samples evenly among prototypes: rows of sum 1 after columns of equal sums."""
    for _ in range(iterations):
        plan = plan / plan.sum(0, keepdim=True)
        plan = plan / plan.sum(1, keepdim=True)
    return plan
