"""The peer's side of the losses: lightly on PyTorch, forward and backward."""

import json
import math
import resource
import sys
import time

import lightly
import lightly.loss as peer
import torch
from lightly.loss.hypersphere_loss import HypersphereLoss

# loss -> (dim, what is computed from two leaves).
LOSSES = {
    "nt_xent": (128, lambda a, b: peer.NTXentLoss(temperature=0.5)(a, b)),
    "dcl": (128, lambda a, b: peer.DCLLoss(temperature=0.1)(a, b)),
    "dclw": (128, lambda a, b: peer.DCLWLoss(temperature=0.1)(a, b)),
    "negative_cosine": (2048, lambda a, b: symmetric(peer.NegativeCosineSimilarity(), a, b)),
    "barlow_twins": (2048, lambda a, b: peer.BarlowTwinsLoss()(a, b)),
    "vicreg": (2048, lambda a, b: peer.VICRegLoss()(a, b)),
    "tico": (256, lambda a, b: peer.TiCoLoss()(a, b)),
    "hypersphere": (128, lambda a, b: HypersphereLoss()(a, b)),
    "direct_clr": (512, lambda a, b: peer.DirectCLRLoss(loss_dim=64)(a, b)),
    "macl": (128, lambda a, b: peer.MACLLoss()(a, b)),
    "w_mse": (64, lambda a, b: peer.WMSELoss(embedding_dim=64, w_size=128)(torch.cat([a, b]))),
}


def symmetric(loss, a, b):
    return 0.5 * (loss(a, b.detach()) + loss(b, a.detach()))


def sizes(loss):
    # W-MSE whitens 128 rows at a time; wide views of 4096 rows take the peer seconds a step.
    if loss == "w_mse":
        return 256, 1024, 4096
    return (64, 256, 1024) if loss in {"vicreg", "barlow_twins"} else (64, 256, 1024, 4096)


def step(loss, a, b):
    a.grad = b.grad = None
    LOSSES[loss][1](a, b).backward()


def leaves(batch, dim):
    torch.manual_seed(0)
    return [torch.randn(batch, dim, requires_grad=True) for _ in range(2)]


def milliseconds(loss, batch):
    """The fastest of as many steps as fit into a fifth of a second, at least one."""
    a, b = leaves(batch, LOSSES[loss][0])
    step(loss, a, b)
    best, spent, steps = math.inf, 0.0, 0
    while spent < 0.2 or steps < 1:
        start = time.perf_counter()
        step(loss, a, b)
        took = time.perf_counter() - start
        best, spent, steps = min(best, took), spent + took, steps + 1
    return best * 1e3


def megabytes(loss, batch):
    """How far a step raises the peak of resident memory above its inputs."""
    a, b = leaves(batch, LOSSES[loss][0])
    step(loss, *leaves(8, LOSSES[loss][0]))  # what the library itself takes
    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    before = peak()
    step(loss, a, b)
    return max(peak() - before, 0.0)


def main():
    cases = {f"{loss} {batch}": "ms" for loss in LOSSES for batch in sizes(loss)}
    cases["nt_xent 4096 memory"] = "MB"
    name = f"lightly {lightly.__version__}, torch {torch.__version__}"
    print(json.dumps({"name": name, "cases": cases}), flush=True)
    for line in sys.stdin:
        loss, batch, *memory = line.split()
        measure = megabytes if memory else milliseconds
        print(measure(loss, int(batch)), flush=True)


main()
