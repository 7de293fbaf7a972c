"""Methods that spread embeddings over all directions."""

import torch
import torch.nn.functional as F

from method import BATCH, D_FEATURES, Method, cosine_momenta
from streams import ChaCha8, key, number


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


class VIbCReg(Method):
    """As VICReg, with correlations, and embeddings that are whitened in groups of features."""

    config = {
        "d_output": 6, "groups": 2, "invariance": 25.0, "variance": 25.0, "correlation": 200.0
    }
    rates = [3e-4, 2e-4]

    def draw(self, draws):
        draws.resnet("encoder")
        draws.mlp("projector", [D_FEATURES, 6, 6, 6])
        draws.values["norm.gamma"] = draws.uniform(6, 0.5, 1.5)
        draws.values["norm.beta"] = draws.normal(6, 0.2)

    def whiten(self, w, z):
        """Five Newton steps towards the inverse root of each group's covariance."""
        groups = self.config["groups"]
        x = (z - z.mean(0)).T.reshape(groups, -1, len(z))
        identity = torch.eye(x.shape[1], dtype=z.dtype).expand(groups, -1, -1)
        covariance = x @ x.mT / len(z) + 1e-5 * identity
        trace = covariance.diagonal(dim1=1, dim2=2).sum(1)[:, None, None]
        root = identity
        for _ in range(5):
            root = 1.5 * root - 0.5 * root.matrix_power(3) @ (covariance / trace)
        white = (root @ x / trace.sqrt()).reshape(-1, len(z)).T
        return white * w["norm.gamma"] + w["norm.beta"]

    def loss(self, w, views, step):
        config = self.config
        a, b = [self.whiten(w, w.branch("", view)) for view in views]
        hinge = lambda x: w.relu(1 - (x.var(0) + 1e-4).sqrt()).mean()

        def correlation(x):
            x = F.normalize(x - x.mean(0), dim=0)
            c = x.T @ x
            return (c - torch.diag(c.diagonal())).square().mean()

        terms = {
            "invariance": config["invariance"] * F.mse_loss(a, b),
            "variance": config["variance"] * (hinge(a) + hinge(b)),
            "correlation": config["correlation"] * (correlation(a) + correlation(b)),
        }
        return sum(terms.values()), terms


class WMse(Method):
    """Views agree after whitening, of some rows at a time."""

    batch = 12
    config = {"d_hidden": 8, "d_output": 3, "rows": 6, "epsilon": 0.01}

    def views(self, draws):
        return draws.views(3, self.batch)

    def draw(self, draws):
        draws.resnet("encoder")
        draws.mlp("projector", [D_FEATURES, 8, 3])

    def whiten(self, rows):
        covariance = rows.T.cov()
        share, dim = self.config["epsilon"], len(covariance)
        identity = torch.eye(dim, dtype=rows.dtype)
        covariance = (1 - share) * covariance + share * covariance.trace() / dim * identity
        lower = torch.linalg.cholesky(covariance)
        return torch.linalg.solve_triangular(lower, (rows - rows.mean(0)).T, upper=False).T

    def loss(self, w, views, step):
        z = [w.branch("", view) for view in views]
        white = [torch.cat([self.whiten(x) for x in rows.split(self.config["rows"])]) for rows in z]
        pairs = [
            (2 - 2 * F.cosine_similarity(white[i], white[j])).mean()
            for j in range(len(z))
            for i in range(j)
        ]
        return sum(pairs) / len(pairs), {}


class TiCo(Method):
    config = {
        "d_hidden": 8,
        "d_output": 6,
        "covariance_momentum": 0.9,
        "covariance": 8.0,
        "momentum": {"name": "cosine", "first": 0.99, "last": 1.0},
    }
    momenta = cosine_momenta(0.99)
    constants = ("target.", "covariance.")

    def draw(self, draws):
        draws.branch("online", [D_FEATURES, 8, 6])
        draws.branch("target.network", [D_FEATURES, 8, 6])
        rows = draws.unit_rows(20, 6)
        draws.values["covariance.matrix"] = rows.T @ rows / 20

    def loss(self, w, views, step):
        kept = self.config["covariance_momentum"]
        a = F.normalize(w.branch("online", views[0]))
        with torch.no_grad():
            b = F.normalize(w.branch("target.network", views[1]))
            self.next = kept * w["covariance.matrix"] + (1 - kept) * a.T @ a / len(a)
        terms = {
            "invariance": 1 - (a * b).sum(1).mean(),
            "covariance": self.config["covariance"] * ((a @ self.next) * a).sum(1).mean(),
        }
        return sum(terms.values()), terms

    def after_update(self, w, step):
        w.follow("target.network", "online", self.momenta[step])
        w["covariance.matrix"] = self.next


class FroSsl(Method):
    config = {"d_hidden": 8, "d_output": 5, "invariance": 1.4}

    def views(self, draws):
        return draws.views(3)

    def draw(self, draws):
        draws.resnet("encoder")
        draws.mlp("projector", [D_FEATURES, 8, 8, 5])

    def loss(self, w, views, step):
        z = [F.normalize(w.branch("", view), dim=0) for view in views]
        mean = torch.stack(z).mean(0)
        gram = lambda x: x.T @ x
        weight = self.config["invariance"] * len(z) * self.config["d_output"]
        terms = {
            "invariance": weight * sum(F.mse_loss(x, mean) for x in z),
            "regularization": sum((gram(x) / gram(x).trace()).norm().square().log() for x in z),
        }
        return sum(terms.values()), terms


class Mmcr(Method):
    config = {"d_hidden": 8, "d_output": 6, "compactness": 0.1, "momentum": 0.99}
    momenta = [0.99, 0.99]
    constants = ("target.",)

    def views(self, draws):
        return draws.views(3)

    def draw(self, draws):
        draws.branch("online", [D_FEATURES, 8, 6])
        draws.branch("target.network", [D_FEATURES, 8, 6])

    def loss(self, w, views, step):
        online = [F.normalize(w.branch("online", view)) for view in views]
        with torch.no_grad():
            target = [F.normalize(w.branch("target.network", view)) for view in views]
        z = torch.stack(online + target, 1)
        spread = torch.linalg.matrix_norm(z.mean(1), "nuc")
        size = torch.linalg.matrix_norm(z, "nuc").mean()
        return self.config["compactness"] * size - spread, {}

    def after_update(self, w, step):
        w.follow("target.network", "online", self.momenta[step])


class EmpSsl(Method):
    config = {"d_hidden": 8, "d_output": 6, "epsilon": 0.2, "invariance": 200.0}
    rates = [5e-4, 3e-4]

    def views(self, draws):
        return draws.views(3)

    def draw(self, draws):
        draws.resnet("encoder")
        draws.mlp("projector", [D_FEATURES, 8, 8, 6])

    def loss(self, w, views, step):
        z = [F.normalize(w.branch("", view)) for view in views]
        mean = torch.stack(z).mean(0)

        def coding_rate(x):
            batch, dim = x.shape
            factor = dim / (batch * self.config["epsilon"])
            return torch.logdet(torch.eye(dim, dtype=x.dtype) + factor * x.T @ x) / 2

        similarity = sum(F.cosine_similarity(x, mean).mean() for x in z) / len(z)
        terms = {
            "invariance": -self.config["invariance"] * similarity,
            "regularization": -sum(coding_rate(x) for x in z) / len(z),
        }
        return sum(terms.values()), terms


class Sliced(Method):
    """Views near the mean global view, and of a normal distribution along random directions."""

    def views(self, draws):
        return draws.crops()

    def draw(self, draws):
        draws.resnet("encoder")
        draws.mlp("projector", [D_FEATURES, 8, 8, 6])

    def slices(self, like, step):
        """Unit columns, drawn by the seed of the method and the step."""
        stream = ChaCha8(key(number(0, "slices"), step))
        columns = [[stream.normal() for _ in range(6)] for _ in range(self.config["slices"])]
        # Rounded as the method rounds them, whatever the precision of the rest.
        return F.normalize(torch.tensor(columns, dtype=torch.float64)).T.float().to(like)

    def invariance(self, z):
        mean = torch.stack(z[: self.config["global_views"]]).mean(0)
        weight = 1 - self.config["regularization"]
        return weight * (torch.stack(z) - mean).square().mean()


class LeJepa(Sliced):
    config = {
        "d_hidden": 8,
        "d_output": 6,
        "global_views": 2,
        "regularization": 0.05,
        "slices": 16,
        "knots": 17,
        "t_max": 3.0,
    }

    def test(self, projected):
        """Epps and Pulley's, of each column: how far its characteristic function is from a normal."""
        t = torch.linspace(0, self.config["t_max"], self.config["knots"], dtype=projected.dtype)
        normal = (-t.square() / 2).exp()
        angles = projected[:, :, None] * t
        apart = (angles.cos().mean(0) - normal).square() + angles.sin().mean(0).square()
        # The other half of the line is as large.
        return 2 * len(projected) * torch.trapezoid(apart * normal, t, dim=1)

    def loss(self, w, views, step):
        z = [w.branch("", view) for view in views]
        slices = self.slices(z[0], step)
        tests = torch.stack([self.test(x @ slices) for x in z])
        terms = {
            "invariance": self.invariance(z),
            "regularization": self.config["regularization"] * tests.mean(),
        }
        return sum(terms.values()), terms


class VisReg(Sliced):
    config = {
        "d_hidden": 8, "d_output": 6, "global_views": 2, "regularization": 0.6, "slices": 8
    }

    def shape(self, w, x, slices):
        """How far the sorted values along each direction are from a normal's quantiles."""
        centered = x - x.mean(0)
        deviation = centered.square().mean(0).sqrt().detach()
        values = (centered / (deviation + 1e-4) @ slices).sort(0).values
        w.apart(values.diff(dim=0))
        places = torch.arange(1, len(x) + 1, dtype=x.dtype) / (len(x) + 1)
        quantiles = torch.special.ndtri(places)
        return (values - quantiles[:, None]).square().mean()

    def loss(self, w, views, step):
        z = [w.branch("", view) for view in views]
        slices = self.slices(z[0], step)
        mean = lambda values: self.config["regularization"] * torch.stack(values).mean()
        scale = lambda x: (1 - x.var(0, correction=0).sqrt()).square().mean()
        terms = {
            "invariance": self.invariance(z),
            "center": mean([x.mean(0).square().mean() for x in z]),
            "scale": mean([scale(x) for x in z]),
            "shape": mean([self.shape(w, x, slices) for x in z]),
        }
        return sum(terms.values()), terms
