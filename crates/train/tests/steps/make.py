"""Makes the golden steps: two optimizer steps of seven methods, computed by PyTorch alone.

Weights, state and views are drawn in single precision. The two steps are computed from them in
double precision and rounded at the end; single precision is computed too, to see how far rounding
goes. README.md says what is in a file.
"""

import argparse
import json
import math
from pathlib import Path

import numpy
import torch
import torch.nn.functional as F
from safetensors.numpy import save

BATCH = 6
SIDE = 8
ENCODER = {"blocks": [1, 1], "width": 4, "channels": 3}
D_FEATURES = ENCODER["width"] << (len(ENCODER["blocks"]) - 1)
OPTIMIZER = {"name": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 5e-4}
VECTORS = ("bias", "gamma", "beta")  # have no decay
# One step an epoch, so that the second step is in the second epoch.
CLOCK = {"steps_per_epoch": 1, "epochs": 10}
# The smallest distance of any input of a ReLU from 0: rounding must not decide which side it is on.
MARGIN = 1e-5


class Draws:
    """Values in single precision, by name, from a stream that NumPy does not change."""

    def __init__(self, *seed):
        self.stream = numpy.random.RandomState(seed)
        self.values = {}

    def normal(self, shape, deviation, mean=0.0):
        return (mean + deviation * self.stream.standard_normal(shape)).astype(numpy.float32)

    def uniform(self, shape, low, high):
        return self.stream.uniform(low, high, shape).astype(numpy.float32)

    def norm(self, name, width, affine=True):
        if affine:
            self.values[f"{name}.gamma"] = self.uniform(width, 0.5, 1.5)
            self.values[f"{name}.beta"] = self.normal(width, 0.2)
        self.values[f"{name}.running_mean"] = self.normal(width, 0.3)
        self.values[f"{name}.running_var"] = self.uniform(width, 0.5, 1.5)

    def conv_norm(self, name, d_input, d_output, kernel):
        shape = (d_output, d_input, kernel, kernel)
        deviation = math.sqrt(2 / (d_input * kernel**2))
        self.values[f"{name}.conv.weight"] = self.normal(shape, deviation)
        self.norm(f"{name}.norm", d_output)

    def linear(self, name, d_input, d_output, bias):
        self.values[f"{name}.weight"] = self.normal((d_input, d_output), math.sqrt(2 / d_input))
        if bias:
            self.values[f"{name}.bias"] = self.normal(d_output, 0.2)

    def resnet(self, name):
        d_input = ENCODER["width"]
        self.conv_norm(f"{name}.stem", ENCODER["channels"], d_input, 3)
        for block in range(len(ENCODER["blocks"])):
            d_output = ENCODER["width"] << block
            self.conv_norm(f"{name}.blocks.{block}.first", d_input, d_output, 3)
            self.conv_norm(f"{name}.blocks.{block}.second", d_output, d_output, 3)
            if block > 0:
                self.conv_norm(f"{name}.blocks.{block}.shortcut", d_input, d_output, 1)
            d_input = d_output

    def mlp(self, name, widths, norm=True, normalize_output=False):
        for layer, (d_input, d_output) in enumerate(zip(widths[:-2], widths[1:-1])):
            self.linear(f"{name}.hidden.{layer}.linear", d_input, d_output, bias=not norm)
            if norm:
                self.norm(f"{name}.hidden.{layer}.norm", d_output)
        self.linear(f"{name}.output", widths[-2], widths[-1], bias=not normalize_output)
        if normalize_output:
            self.norm(f"{name}.norm", widths[-1], affine=False)

    def branch(self, name, widths, norm=True):
        self.resnet(f"{name}.encoder")
        self.mlp(f"{name}.projector", widths, norm)

    def views(self):
        """Two views of the same images: the images with different noise."""
        images = self.normal((BATCH, 3, SIDE, SIDE), 0.8)
        return [images + self.normal(images.shape, 0.6) for _ in range(2)]

    def crops(self):
        """Two views of the same images, and two of parts of them, with different noise."""
        images = self.normal((BATCH, 3, SIDE, SIDE), 0.8)
        parts = [images, images, images[:, :, :6, 1:7], images[:, :, 2:, :6]]
        return [part + self.normal(part.shape, 0.6) for part in parts]


class Weights(dict):
    """Tensors by name, and the networks they belong to. Every forward pass is in training mode."""

    margin = math.inf

    def relu(self, x):
        self.margin = min(self.margin, x.detach().abs().min().item())
        return F.relu(x)

    def norm(self, name, x):
        running = self[f"{name}.running_mean"], self[f"{name}.running_var"]
        gamma, beta = self.get(f"{name}.gamma"), self.get(f"{name}.beta")
        return F.batch_norm(x, *running, gamma, beta, training=True, momentum=0.1, eps=1e-5)

    def conv_norm(self, name, x, stride=1):
        weight = self[f"{name}.conv.weight"]
        x = F.conv2d(x, weight, stride=stride, padding=weight.shape[2] // 2)
        return self.norm(f"{name}.norm", x)

    def linear(self, name, x):
        return F.linear(x, self[f"{name}.weight"].T, self.get(f"{name}.bias"))

    def resnet(self, name, x):
        x = self.relu(self.conv_norm(f"{name}.stem", x))
        for block in range(len(ENCODER["blocks"])):
            inside, stride = f"{name}.blocks.{block}", 1 if block == 0 else 2
            y = self.relu(self.conv_norm(f"{inside}.first", x, stride))
            y = self.conv_norm(f"{inside}.second", y)
            if block > 0:
                x = self.conv_norm(f"{inside}.shortcut", x, stride)
            x = self.relu(x + y)
        return x.mean((2, 3))

    def mlp(self, name, x):
        layer = 0
        while f"{name}.hidden.{layer}.linear.weight" in self:
            x = self.linear(f"{name}.hidden.{layer}.linear", x)
            if f"{name}.hidden.{layer}.norm.gamma" in self:
                x = self.norm(f"{name}.hidden.{layer}.norm", x)
            x, layer = self.relu(x), layer + 1
        x = self.linear(f"{name}.output", x)
        return self.norm(f"{name}.norm", x) if f"{name}.norm.running_mean" in self else x

    def branch(self, name, x):
        name = f"{name}." if name else ""
        return self.mlp(f"{name}projector", self.resnet(f"{name}encoder", x))

    def follow(self, target, online, momentum):
        """Moves the parameters of one network towards another's; running statistics stay."""
        for name in self:
            if name.startswith(f"{target}.") and "running_" not in name:
                other = self[online + name.removeprefix(target)]
                self[name].mul_(momentum).add_(other, alpha=1 - momentum)


class Method:
    """A method: draws its weights and views, computes its loss and terms, moves its state."""

    config = {}
    rates = [0.05, 0.03]
    constant_rate = {}  # path of a module -> its rate in every step
    momenta = []  # of the target in each step
    constants = ()  # the start of the path of what no gradient reaches
    frozen = [(), ()]  # what is not trained in each step

    def views(self, draws):
        return draws.views()

    def after_update(self, w, step):
        pass


class SimClr(Method):
    config = {"d_hidden": 8, "d_output": 6, "temperature": 0.5}

    def draw(self, draws):
        draws.resnet("encoder")
        draws.mlp("projector", [D_FEATURES, 8, 6])

    def loss(self, w, views, step):
        rows = F.normalize(torch.cat([w.branch("", view) for view in views]))
        scores = (rows @ rows.T / self.config["temperature"]).fill_diagonal_(-math.inf)
        return F.cross_entropy(scores, torch.arange(2 * BATCH).roll(BATCH)), {}


class SimSiam(Method):
    config = {"d_output": 8, "d_predictor": 4, "layers": 2}
    constant_rate = {"predictor": 0.05}

    def draw(self, draws):
        draws.resnet("encoder")
        draws.mlp("projector", [D_FEATURES, 8, 8], normalize_output=True)
        draws.mlp("predictor", [8, 4, 8])

    def loss(self, w, views, step):
        z_a, z_b = [w.branch("", view) for view in views]
        p_a, p_b = [w.mlp("predictor", z) for z in (z_a, z_b)]
        way = lambda p, z: -F.cosine_similarity(p, z.detach()).mean() / 2
        return way(p_a, z_b) + way(p_b, z_a), {}


class BarlowTwins(Method):
    config = {"d_output": 8, "off_diagonal": 0.0051, "scale": 0.1, "epsilon": 1e-5}

    def draw(self, draws):
        draws.resnet("encoder")
        draws.mlp("projector", [D_FEATURES, 8, 8, 8])

    def loss(self, w, views, step):
        standardized = lambda x: F.batch_norm(
            x, None, None, training=True, eps=self.config["epsilon"]
        )
        a, b = [standardized(w.branch("", view)) for view in views]
        c = a.T @ b / BATCH
        diagonal = c.diagonal()
        off_diagonal = c - torch.diag(diagonal)
        distance = (1 - diagonal).square().sum()
        distance = distance + self.config["off_diagonal"] * off_diagonal.square().sum()
        return self.config["scale"] * distance, {}


class VicReg(Method):
    config = {
        "d_output": 8, "invariance": 25.0, "variance": 25.0, "covariance": 1.0, "epsilon": 1e-4
    }
    rates = [1e-3, 6e-4]

    def draw(self, draws):
        draws.resnet("encoder")
        draws.mlp("projector", [D_FEATURES, 8, 8, 8])

    def loss(self, w, views, step):
        a, b = [w.branch("", view) for view in views]
        config = self.config

        def hinge(x):
            return w.relu(1 - (x.var(0) + config["epsilon"]).sqrt()).mean()

        def off_diagonal(x):
            c = x.T.cov()
            return (c - torch.diag(c.diagonal())).square().sum() / x.shape[1]

        terms = {
            "invariance": config["invariance"] * F.mse_loss(a, b),
            "variance": config["variance"] * (hinge(a) + hinge(b)) / 2,
            "covariance": config["covariance"] * (off_diagonal(a) + off_diagonal(b)),
        }
        return sum(terms.values()), terms


def cosine_momenta(first):
    """From `first` at step 0 to 1 at the end of the run."""
    total = CLOCK["steps_per_epoch"] * CLOCK["epochs"]
    return [1 - (1 - first) * (math.cos(math.pi * step / total) + 1) / 2 for step in range(2)]


class Byol(Method):
    config = {"d_hidden": 8, "d_output": 6, "d_predictor": 8, "momentum": 0.99}
    momenta = cosine_momenta(0.99)
    constants = ("target.",)

    def draw(self, draws):
        draws.branch("online", [D_FEATURES, 8, 6])
        draws.mlp("predictor", [6, 8, 6])
        draws.branch("target.network", [D_FEATURES, 8, 6])

    def loss(self, w, views, step):
        p_a, p_b = [w.mlp("predictor", w.branch("online", view)) for view in views]
        with torch.no_grad():
            z_a, z_b = [w.branch("target.network", view) for view in views]
        way = lambda p, z: (F.normalize(p) - F.normalize(z)).square().sum(1).mean()
        return way(p_a, z_b) + way(p_b, z_a), {}

    def after_update(self, w, step):
        w.follow("target.network", "online", self.momenta[step])


class MoCoV2(Method):
    config = {"d_hidden": 8, "d_output": 6, "temperature": 0.2, "queue": 12, "momentum": 0.99}
    momenta = [0.99, 0.99]
    constants = ("target.", "queue.")

    def draw(self, draws):
        draws.branch("online", [D_FEATURES, 8, 6], norm=False)
        draws.branch("target.network", [D_FEATURES, 8, 6], norm=False)
        rows = draws.normal((self.config["queue"], 6), 1.0)
        draws.values["queue.rows"] = rows / numpy.linalg.norm(rows, axis=1, keepdims=True)

    def loss(self, w, views, step):
        query = F.normalize(w.branch("online", views[0]))
        with torch.no_grad():
            self.keys = F.normalize(w.branch("target.network", views[1]))
        positives = (query * self.keys).sum(1, keepdim=True)
        scores = torch.cat([positives, query @ w["queue.rows"].T], 1) / self.config["temperature"]
        return F.cross_entropy(scores, torch.zeros(BATCH, dtype=torch.long)), {}

    def after_update(self, w, step):
        w.follow("target.network", "online", self.momenta[step])
        w["queue.rows"] = torch.cat([self.keys, w["queue.rows"]])[: self.config["queue"]]


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


METHODS = {
    "simclr": SimClr,
    "simsiam": SimSiam,
    "barlow_twins": BarlowTwins,
    "vicreg": VicReg,
    "byol": Byol,
    "moco_v2": MoCoV2,
    "dino": Dino,
}


def run(method, before, views, dtype):
    """Takes two steps; returns losses, terms and the weights after each, and the margin."""
    w = Weights((name, torch.tensor(values, dtype=dtype)) for name, values in before.items())
    trained = [n for n in w if not n.startswith(method.constants) and "running_" not in n]
    groups = []
    for name in trained:
        vector = name.rsplit(".", 1)[1] in VECTORS
        decay = 0.0 if vector else OPTIMIZER["weight_decay"]
        groups.append({"params": [w[name].requires_grad_()], "weight_decay": decay})
    optimizer = torch.optim.SGD(
        groups, lr=0.0, momentum=OPTIMIZER["momentum"], nesterov=OPTIMIZER["nesterov"]
    )
    found = {}
    for step in range(2):
        optimizer.zero_grad()
        inputs = [torch.tensor(view, dtype=dtype) for view in views[step]]
        loss, terms = method.loss(w, inputs, step)
        loss.backward()
        for name, group in zip(trained, optimizer.param_groups):
            assert w[name].grad is not None, f"{name} has no gradient"
            if name in method.frozen[step]:
                w[name].grad = None  # which the optimizer passes over
            group["lr"] = method.constant_rate.get(name.split(".")[0], method.rates[step])
        optimizer.step()
        with torch.no_grad():
            method.after_update(w, step)
        found[f"loss{step + 1}"] = loss.detach().reshape(1)
        for name, term in terms.items():
            found[f"term{step + 1}.{name}"] = term.detach().reshape(1)
        for name, tensor in w.items():
            found[f"after{step + 1}.{name}"] = tensor.detach().clone()
    return {name: tensor.numpy() for name, tensor in found.items()}, w.margin


def make(name, seed):
    """Returns the tensors of a file, its header, and the largest error of single precision."""
    method = METHODS[name]()
    for attempt in range(1000):
        draws = Draws(seed, list(METHODS).index(name), attempt)
        method.draw(draws)
        before, views = draws.values, [method.views(draws) for _ in range(2)]
        exact, margin = run(method, before, views, torch.float64)
        if margin > MARGIN:
            break
    else:
        raise RuntimeError(f"no draw keeps the inputs of ReLU {MARGIN} from 0")
    single, _ = run(method, before, views, torch.float32)
    errors = {key: numpy.abs(single[key] - value).max() for key, value in exact.items()}
    worst = max(errors, key=errors.get)
    tensors = {f"before.{key}": value for key, value in before.items()}
    tensors |= {
        f"view{step + 1}.{v}": view for step in range(2) for v, view in enumerate(views[step])
    }
    tensors |= {key: value.astype(numpy.float32) for key, value in exact.items()}
    header = {
        "method": name,
        "seed": seed,
        "attempt": attempt,
        "torch": torch.__version__.split("+")[0],  # without the name of the build
        "batch": BATCH,
        "encoder": ENCODER,
        "config": method.config,
        "clock": CLOCK,
        "optimizer": OPTIMIZER,
        "rates": method.rates,
        "constant_rate": method.constant_rate,
        "momenta": method.momenta,
    }
    return tensors, header, f"{errors[worst]:.1e} in {worst}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # one order of summation
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in METHODS:
        tensors, header, rounding = make(name, arguments.seed)
        path = arguments.out / f"{name}.safetensors"
        path.write_bytes(save(tensors, {"selfsame": json.dumps(header, sort_keys=True)}))
        losses = [float(tensors[f"loss{step}"][0]) for step in (1, 2)]
        print(
            f"{path.name}: {path.stat().st_size / 1024:.0f} KiB, {len(tensors)} tensors, "
            f"losses {losses[0]:.6f} and {losses[1]:.6f}, draw {header['attempt']}, "
            f"single precision differs by up to {rounding}"
        )


if __name__ == "__main__":
    main()
