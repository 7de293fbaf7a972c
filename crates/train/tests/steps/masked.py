"""Methods that hide patches."""

import math

import torch
import torch.nn.functional as F

import vit
from clustering import sinkhorn
from method import Method, linear_momenta
from streams import ChaCha8, key, number


def shuffled(count, *words):
    """The tokens in the order of one word each, of the stream with this key."""
    stream = ChaCha8(key(*words))
    return [token for _, token in sorted((stream.word(), token) for token in range(count))]


class Masked(Method):
    """Draws which patches of a sample are hidden, by seed, epoch, sample and view."""

    batch = 4
    indices = [3, 11, 0, 258]
    encoder = vit.CONFIG

    def views(self, draws):
        return [draws.normal((self.batch, 3, vit.IMAGE, vit.IMAGE), 1.0)]

    def order(self, count, step, view=0):
        """For each sample, in a batch of which a step is an epoch."""
        return [shuffled(count, number(0, "draws"), step, i, view) for i in self.indices]

    def kept(self, count, step, view=0):
        left = max(1, math.floor(count * (1 - self.config["mask_ratio"])))
        return torch.tensor([sorted(order[:left]) for order in self.order(count, step, view)])


class Mae(Masked):
    config = {
        "mask_ratio": 0.75,
        "normalize_targets": True,
        "d_decoder": 8,
        "decoder_depth": 1,
        "decoder_heads": 2,
    }

    def draw(self, draws):
        width = self.config["d_decoder"]
        vit.draw(draws, "encoder")
        draws.linear("decoder_embed", vit.DIM, width, bias=True)
        draws.values["mask_token"] = draws.normal((1, 1, width), 0.5)
        for k in range(self.config["decoder_depth"]):
            vit.draw_block(draws, f"decoder_blocks.{k}", width, 4)
        vit.draw_norm(draws, "decoder_norm", width)
        draws.linear("decoder_pred", width, vit.D_PATCH, bias=True)

    def loss(self, w, views, step):
        [images] = views
        width, side = self.config["d_decoder"], math.isqrt(vit.TOKENS)
        kept = self.kept(vit.TOKENS, step)
        x = w.linear("decoder_embed", vit.encode(w, "encoder", images, kept=kept))
        patches = w["mask_token"].expand(len(images), vit.TOKENS, -1)
        patches = patches.scatter(1, kept[:, :, None].expand(-1, -1, width), x[:, 1:])
        patches = patches + vit.fixed_positions(width, side).to(x)
        x = torch.cat([x[:, :1], patches], 1)
        for k in range(self.config["decoder_depth"]):
            x = vit.block(w, f"decoder_blocks.{k}", x, self.config["decoder_heads"])
        predicted = w.linear("decoder_pred", vit.norm(w, "decoder_norm", x))[:, 1:]
        pixels = vit.cut(images)
        variance, mean = torch.var_mean(pixels, 2, keepdim=True)
        targets = (pixels - mean) / (variance + 1e-6).sqrt()
        hidden = torch.ones(predicted.shape[:2], dtype=torch.bool).scatter(1, kept, False)
        return (predicted - targets)[hidden].square().mean(), {}


class SimMim(Masked):
    encoder = vit.CONFIG | {"registers": 2, "layer_scale": 0.1}
    config = {"mask_ratio": 0.6, "mask_side": 2}

    def draw(self, draws):
        vit.draw(draws, "encoder", self.encoder)
        draws.values["mask_token"] = draws.normal((1, 1, vit.DIM), 0.5)
        draws.linear("decoder", vit.DIM, vit.D_PATCH, bias=True)

    def hidden(self, step):
        """Whole squares of patches."""
        side, square = math.isqrt(vit.TOKENS), self.config["mask_side"]
        units = side // square
        count = math.ceil(units**2 * self.config["mask_ratio"])
        masks = torch.zeros(self.batch, units**2, dtype=torch.bool)
        for row, order in enumerate(self.order(units**2, step)):
            masks[row, order[:count]] = True
        masks = masks.reshape(-1, units, units)
        return masks.repeat_interleave(square, 1).repeat_interleave(square, 2).flatten(1)

    def loss(self, w, views, step):
        [images] = views
        hidden = self.hidden(step)
        x = vit.encode(w, "encoder", images, self.encoder, None, hidden, w["mask_token"])
        predicted = w.linear("decoder", x[:, 1 + self.encoder["registers"] :])
        apart = (predicted - vit.cut(images))[hidden]
        w.apart(apart)
        return apart.abs().mean(), {}


class Msn(Masked):
    encoder = vit.CONFIG | {"depth": 1}
    config = {
        "d_hidden": 8,
        "d_output": 6,
        "prototypes": 5,
        "mask_ratio": 0.15,
        "temperature": 0.1,
        "sharpening": 0.25,
        "iterations": 3,
        "regularization": 0.8,
        "momentum": {"name": "linear", "first": 0.996, "last": 1.0},
    }
    rates = [2e-3, 1e-3]
    momenta = linear_momenta(0.996)
    constants = ("target.",)

    def views(self, draws):
        """The target's, one as large that loses patches, and a smaller one."""
        [images] = super().views(draws)
        parts = [images, images, images[:, :, 2:8, 5:11]]
        return [part + draws.normal(part.shape, 0.6) for part in parts]

    def draw(self, draws):
        for network in ("online", "target.network"):
            vit.draw(draws, f"{network}.encoder", self.encoder)
            draws.mlp(f"{network}.projector", [vit.DIM, 8, 8, 6])
        draws.values["prototypes.rows"] = draws.unit_rows(self.config["prototypes"], 6)

    def branch(self, w, network, view, kept=None):
        x = vit.encode(w, f"{network}.encoder", view, self.encoder, kept)[:, 0]
        return F.normalize(w.mlp(f"{network}.projector", x, activation=F.gelu))

    def loss(self, w, views, step):
        config = self.config
        prototypes = F.normalize(w["prototypes.rows"])
        anchors = [
            self.branch(w, "online", views[1], self.kept(vit.TOKENS, step, view=1)),
            self.branch(w, "online", views[2]),
        ]
        with torch.no_grad():
            target = self.branch(w, "target.network", views[0])
            chances = (target @ prototypes.T / config["temperature"]).softmax(1)
            sharp = chances ** (1 / config["sharpening"])
            targets = sinkhorn(sharp / sharp.sum(1, keepdim=True), config["iterations"])
        predicted = (torch.cat(anchors) @ prototypes.T / config["temperature"]).softmax(1)
        distance = -(targets.repeat(len(anchors), 1) * predicted.log()).sum(1).mean()
        use = predicted.mean(0)
        unevenness = math.log(len(use)) + (use * use.log()).sum()
        return distance + config["regularization"] * unevenness, {}

    def after_update(self, w, step):
        w.follow("target.network", "online", self.momenta[step])
