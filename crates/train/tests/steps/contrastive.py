"""Methods that tell a sample from others."""

import math

import torch
import torch.nn.functional as F

from method import BATCH, D_FEATURES, Method, cosine_momenta


def nt_xent(views, temperature):
    """Each row's other view against all other rows of both views."""
    rows = F.normalize(torch.cat(views))
    scores = (rows @ rows.T / temperature).fill_diagonal_(-math.inf)
    return F.cross_entropy(scores, torch.arange(2 * BATCH).roll(BATCH))


def told_apart(anchors, others, temperature):
    """Each anchor's own row of the others against all of them."""
    return F.cross_entropy(anchors @ others.T / temperature, torch.arange(len(anchors)))


class SimClr(Method):
    config = {"d_hidden": 8, "d_output": 6, "temperature": 0.5}

    def draw(self, draws):
        draws.resnet("encoder")
        draws.mlp("projector", [D_FEATURES, 8, 6])

    def loss(self, w, views, step):
        return nt_xent([w.branch("", view) for view in views], self.config["temperature"]), {}


class SimClrV2(SimClr):
    config = SimClr.config | {"layers": 3}

    def draw(self, draws):
        draws.resnet("encoder")
        draws.mlp("projector", [D_FEATURES, 8, 8, 6])


class SimClrDcl(SimClr):
    """Decoupled: the positive is not among what the anchor is told from."""

    config = SimClr.config | {"temperature": 0.2, "loss": "dcl"}

    def weights(self, a, b):
        return 1

    def loss(self, w, views, step):
        a, b = [F.normalize(w.branch("", view)) for view in views]
        weight = self.weights(a, b)
        values = []
        for one, other in ((a, b), (b, a)):
            scores = one @ torch.cat([one, other]).T / self.config["temperature"]
            same_sample = torch.eye(BATCH, dtype=torch.bool).repeat(1, 2)
            negatives = scores.masked_fill(same_sample, -math.inf).logsumexp(1)
            positives = (one * other).sum(1) / self.config["temperature"]
            values.append(negatives - weight * positives)
        return torch.cat(values).mean(), {}


class SimClrDclw(SimClrDcl):
    """A positive counts the less, the closer it is already. The weights are 1 in the mean."""

    config = SimClr.config | {"temperature": 0.2, "loss": {"dclw": {"sigma": 0.5}}}

    def weights(self, a, b):
        near = ((a * b).sum(1).detach() / self.config["loss"]["dclw"]["sigma"]).exp()
        return 2 - near / near.mean()


class DirectClr(Method):
    """The encoder's first features alone."""

    config = {"columns": 5, "temperature": 0.1}

    def draw(self, draws):
        draws.resnet("encoder")

    def loss(self, w, views, step):
        rows = [w.resnet("encoder", view)[:, : self.config["columns"]] for view in views]
        return nt_xent(rows, self.config["temperature"]), {}


class SupCon(Method):
    config = {"d_hidden": 8, "d_output": 6, "temperature": 0.1}
    labels = [0, 1, 0, 2, 1, 0]

    def draw(self, draws):
        draws.resnet("encoder")
        draws.mlp("projector", [D_FEATURES, 8, 6], norm=False)

    def loss(self, w, views, step):
        rows = F.normalize(torch.cat([w.branch("", view) for view in views]))
        labels = torch.tensor(self.labels * 2)
        others = ~torch.eye(len(rows), dtype=torch.bool)
        positives = (labels == labels[:, None]) & others
        scores = (rows @ rows.T / self.config["temperature"]).masked_fill(~others, -math.inf)
        chances = scores.log_softmax(1).masked_fill(~positives, 0)
        return -(chances.sum(1) / positives.sum(1)).mean(), {}


class AlignUniform(Method):
    config = {"d_hidden": 8, "d_output": 6, "alpha": 2.0, "t": 2.0, "uniformity": 0.7}

    def draw(self, draws):
        draws.resnet("encoder")
        draws.mlp("projector", [D_FEATURES, 8, 6])

    def loss(self, w, views, step):
        a, b = [F.normalize(w.branch("", view)) for view in views]
        uniform = lambda x: F.pdist(x).square().mul(-self.config["t"]).exp().mean().log()
        terms = {
            "alignment": (a - b).norm(dim=1).pow(self.config["alpha"]).mean(),
            "uniformity": self.config["uniformity"] * (uniform(a) + uniform(b)) / 2,
        }
        return sum(terms.values()), terms


class MoCoV2(Method):
    config = {"d_hidden": 8, "d_output": 6, "temperature": 0.2, "queue": 12, "momentum": 0.99}
    momenta = [0.99, 0.99]
    constants = ("target.", "queue.")

    def draw(self, draws):
        draws.branch("online", [D_FEATURES, 8, 6], norm=False)
        draws.branch("target.network", [D_FEATURES, 8, 6], norm=False)
        draws.values["queue.rows"] = draws.unit_rows(self.config["queue"], 6)

    def loss(self, w, views, step):
        query = F.normalize(w.branch("online", views[0]))
        with torch.no_grad():
            self.keys = F.normalize(w.branch("target.network", views[1]))
        positives = (query * self.keys).sum(1, keepdim=True)
        scores = torch.cat([positives, query @ w["queue.rows"].T], 1) / self.config["temperature"]
        return F.cross_entropy(scores, torch.zeros(BATCH, dtype=torch.long)), {}

    def after_update(self, w, step):
        w.follow("target.network", "online", self.momenta[step])
        w.push("queue.rows", self.keys)


class MoCoV3(Method):
    config = {
        "d_hidden": 8,
        "d_output": 6,
        "layers": 2,
        "normalize_prediction": False,
        "temperature": 0.2,
        "momentum": {"name": "cosine", "first": 0.99, "last": 1.0},
    }
    momenta = cosine_momenta(0.99)
    constants = ("target.",)

    def draw(self, draws):
        draws.branch("online", [D_FEATURES, 8, 6], output="norm")
        draws.mlp("predictor", [6, 8, 6], output="bare")
        draws.branch("target.network", [D_FEATURES, 8, 6], output="norm")

    def loss(self, w, views, step):
        queries = [F.normalize(w.mlp("predictor", w.branch("online", view))) for view in views]
        with torch.no_grad():
            keys = [F.normalize(w.branch("target.network", view)) for view in views]
        temperature = self.config["temperature"]
        ways = [told_apart(queries[v], keys[1 - v], temperature) for v in range(2)]
        return 2 * temperature * sum(ways), {}

    def after_update(self, w, step):
        w.follow("target.network", "online", self.momenta[step])


class Nnclr(Method):
    config = {"d_hidden": 8, "d_output": 6, "d_predictor": 8, "temperature": 0.1, "queue": 12}
    rates = [0.02, 0.01]
    constants = ("queue.",)

    def draw(self, draws):
        draws.resnet("encoder")
        draws.mlp("projector", [D_FEATURES, 8, 8, 6], output="affine norm")
        draws.mlp("predictor", [6, 8, 6])
        draws.values["queue.rows"] = draws.unit_rows(self.config["queue"], 6)

    def neighbors(self, w, z):
        queue = F.normalize(w["queue.rows"])
        scores = F.normalize(z.detach()) @ queue.T
        best, second = scores.topk(2).values.T
        w.apart(best - second)
        return queue[scores.argmax(1)]

    def loss(self, w, views, step):
        z_a, z_b = [w.branch("", view) for view in views]
        p_a, p_b = [F.normalize(w.mlp("predictor", z)) for z in (z_a, z_b)]
        self.pushed = z_a.detach()
        temperature = self.config["temperature"]
        ways = [
            told_apart(self.neighbors(w, z_a), p_b, temperature),
            told_apart(self.neighbors(w, z_b), p_a, temperature),
        ]
        return sum(ways) / 2, {}

    def after_update(self, w, step):
        w.push("queue.rows", self.pushed)


class ReSsl(Method):
    config = {
        "d_hidden": 8,
        "d_output": 6,
        "student_temperature": 0.1,
        "teacher_temperature": 0.04,
        "momentum": 0.99,
        "queue": 12,
    }
    momenta = [0.99, 0.99]
    constants = ("teacher.", "queue.")

    def draw(self, draws):
        draws.branch("student", [D_FEATURES, 8, 6], norm=False)
        draws.branch("teacher.network", [D_FEATURES, 8, 6], norm=False)
        draws.values["queue.rows"] = draws.unit_rows(self.config["queue"], 6)

    def loss(self, w, views, step):
        query = F.normalize(w.branch("student", views[0]))
        with torch.no_grad():
            self.keys = F.normalize(w.branch("teacher.network", views[1]))
            relations = self.keys @ w["queue.rows"].T / self.config["teacher_temperature"]
        scores = query @ w["queue.rows"].T / self.config["student_temperature"]
        return F.cross_entropy(scores, relations.softmax(1)), {}

    def after_update(self, w, step):
        w.follow("teacher.network", "student", self.momenta[step])
        w.push("queue.rows", self.keys)
