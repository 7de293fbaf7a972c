"""Methods that predict one view from another."""

import torch
import torch.nn.functional as F

from method import D_FEATURES, Method, cosine_momenta


class SimSiam(Method):
    config = {"d_output": 8, "d_predictor": 4, "layers": 2}
    constant_rate = {"predictor": 0.05}

    def draw(self, draws):
        draws.resnet("encoder")
        draws.mlp("projector", [D_FEATURES, 8, 8], output="norm")
        draws.mlp("predictor", [8, 4, 8])

    def loss(self, w, views, step):
        z_a, z_b = [w.branch("", view) for view in views]
        p_a, p_b = [w.mlp("predictor", z) for z in (z_a, z_b)]
        way = lambda p, z: -F.cosine_similarity(p, z.detach()).mean() / 2
        return way(p_a, z_b) + way(p_b, z_a), {}


class FastSiam(SimSiam):
    """Each view predicts the mean of the others."""

    def views(self, draws):
        return draws.views(3)

    def loss(self, w, views, step):
        z = [w.branch("", view) for view in views]
        predictions = [w.mlp("predictor", rows) for rows in z]
        total = 0
        for v, prediction in enumerate(predictions):
            others = [rows for u, rows in enumerate(z) if u != v]
            target = torch.stack(others).mean(0).detach()
            total = total - F.cosine_similarity(prediction, target).mean()
        return total / len(views), {}


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
