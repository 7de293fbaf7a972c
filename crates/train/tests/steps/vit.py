"""Vision transformers: their weights, and what they make of patches."""

import math

import torch
import torch.nn.functional as F

IMAGE = 12
PATCH = 3
TOKENS = (IMAGE // PATCH) ** 2
CONFIG = {
    "image": IMAGE,
    "patch": PATCH,
    "channels": 3,
    "dim": 8,
    "depth": 2,
    "heads": 2,
    "mlp_ratio": 2,
    "pooling": "class",
    "registers": 0,
    "layer_scale": None,
    "drop_path": 0.0,
}
DIM = CONFIG["dim"]
D_PATCH = CONFIG["channels"] * PATCH**2


def draw(draws, name, config=CONFIG):
    dim, registers = config["dim"], config["registers"]
    draws.values[f"{name}.cls_token"] = draws.normal((1, 1, dim), 0.5)
    if registers:
        draws.values[f"{name}.reg_token"] = draws.normal((1, registers, dim), 0.5)
    # With registers the class token has no position.
    positions = TOKENS if registers else TOKENS + 1
    draws.values[f"{name}.pos_embed"] = draws.normal((1, positions, dim), 0.3)
    shape = (dim, config["channels"], PATCH, PATCH)
    weight = draws.normal(shape, math.sqrt(1 / D_PATCH))
    draws.values[f"{name}.patch_embed.proj.weight"] = weight
    draws.values[f"{name}.patch_embed.proj.bias"] = draws.normal(dim, 0.2)
    for k in range(config["depth"]):
        draw_block(draws, f"{name}.blocks.{k}", dim, config["mlp_ratio"], config["layer_scale"])
    draw_norm(draws, f"{name}.norm", dim)


def draw_block(draws, name, dim, mlp_ratio, layer_scale=None):
    draw_norm(draws, f"{name}.norm1", dim)
    draws.linear(f"{name}.attn.qkv", dim, 3 * dim, bias=True)
    draws.linear(f"{name}.attn.proj", dim, dim, bias=True)
    draw_norm(draws, f"{name}.norm2", dim)
    draws.linear(f"{name}.mlp.fc1", dim, mlp_ratio * dim, bias=True)
    draws.linear(f"{name}.mlp.fc2", mlp_ratio * dim, dim, bias=True)
    if layer_scale:
        for scale in ("ls1", "ls2"):
            draws.values[f"{name}.{scale}.gamma"] = draws.uniform(dim, 0.5, 1.5)


def draw_norm(draws, name, width):
    draws.values[f"{name}.gamma"] = draws.uniform(width, 0.5, 1.5)
    draws.values[f"{name}.beta"] = draws.normal(width, 0.2)


def norm(w, name, x):
    gamma, beta = w[f"{name}.gamma"], w[f"{name}.beta"]
    return F.layer_norm(x, x.shape[-1:], gamma, beta, eps=1e-6)


def block(w, name, x, heads):
    batch, tokens, dim = x.shape
    qkv = w.linear(f"{name}.attn.qkv", norm(w, f"{name}.norm1", x))
    q, k, v = qkv.reshape(batch, tokens, 3, heads, dim // heads).permute(2, 0, 3, 1, 4)
    attention = (q @ k.mT / math.sqrt(dim // heads)).softmax(-1)
    mixed = (attention @ v).transpose(1, 2).reshape(batch, tokens, dim)
    x = x + w.get(f"{name}.ls1.gamma", 1) * w.linear(f"{name}.attn.proj", mixed)
    hidden = F.gelu(w.linear(f"{name}.mlp.fc1", norm(w, f"{name}.norm2", x)))
    return x + w.get(f"{name}.ls2.gamma", 1) * w.linear(f"{name}.mlp.fc2", hidden)


def positions(w, name, side):
    """Of the class token, zero if it has none, and of patches in a square of this side."""
    embedded = w[f"{name}.pos_embed"]
    front = embedded[:, : embedded.shape[1] - TOKENS]
    patches = embedded[:, embedded.shape[1] - TOKENS :]
    known = math.isqrt(TOKENS)
    if side != known:
        grid = patches.reshape(1, known, known, -1).permute(0, 3, 1, 2)
        grid = F.interpolate(grid, size=(side, side), mode="bicubic", antialias=True)
        patches = grid.permute(0, 2, 3, 1).flatten(1, 2)
    return (front if front.shape[1] else 0), patches


def encode(w, name, images, config=CONFIG, kept=None, masked=None, mask_token=None):
    """Features of class token, registers, and of the patches: all, or those kept of each image.

    A patch that is masked is replaced by the token, before positions are added.
    """
    weight, bias = w[f"{name}.patch_embed.proj.weight"], w[f"{name}.patch_embed.proj.bias"]
    x = F.conv2d(images, weight, bias, stride=PATCH)
    side = x.shape[-1]
    x = x.flatten(2).mT
    if masked is not None:
        x = torch.where(masked[:, :, None], mask_token, x)
    class_position, patch_positions = positions(w, name, side)
    x = x + patch_positions
    if kept is not None:
        x = x.gather(1, kept[:, :, None].expand(-1, -1, x.shape[2]))
    front = [w[f"{name}.cls_token"] + class_position]
    if config["registers"]:
        front.append(w[f"{name}.reg_token"])
    x = torch.cat([token.expand(len(x), -1, -1) for token in front] + [x], 1)
    for k in range(config["depth"]):
        x = block(w, f"{name}.blocks.{k}", x, config["heads"])
    return norm(w, f"{name}.norm", x)


def cut(images):
    """The values of each patch: by channel, row and column."""
    return F.unfold(images, PATCH, stride=PATCH).mT


def fixed_positions(dim, side):
    """Sines and cosines of the column, then of the row, of each patch."""
    frequencies = 10000.0 ** -(torch.arange(dim // 4, dtype=torch.float64) / (dim // 4))
    place = torch.arange(side, dtype=torch.float64)
    angles = torch.outer(place, frequencies)
    waves = torch.cat([angles.sin(), angles.cos()], 1)  # [side, dim / 2]
    columns, rows = waves[None].expand(side, -1, -1), waves[:, None].expand(-1, side, -1)
    return torch.cat([columns, rows], 2).reshape(side * side, dim)
