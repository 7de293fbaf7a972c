"""The peer's side of the losses: lightly on PyTorch, forward and backward."""

import json
import math
import resource
import sys
import time
import warnings

import lightly
import lightly.loss as peer
import numpy
import torch
from lightly.loss.hypersphere_loss import HypersphereLoss
from lightly.loss.lejepa_loss import LeJEPALoss, SIGReg
from lightly.loss.visreg_loss import VISRegLoss

QUEUED = 4096
SLICES = 1024


class MoCo:
    """The peer's memory bank is part of its loss; it starts with the rows that ours has."""

    def __init__(self):
        self.loss = peer.NTXentLoss(temperature=0.1, memory_bank_size=(QUEUED, 128))
        self.empty = True

    def __call__(self, x):
        if self.empty:
            self.loss.memory_bank.bank = torch.nn.functional.normalize(x[2].detach(), dim=1)
            self.empty = False
        return self.loss(x[0], x[1].detach())


def symmetric(loss, a, b):
    return 0.5 * (loss(a, b.detach()) + loss(b, a.detach()))


def global_and_local(loss):
    return lambda x: loss(global_proj=torch.stack(x[:2]), local_proj=torch.stack(x[2:4]))


def stacked(loss):
    return lambda x: loss(torch.stack(x[:2], 1), torch.stack(x[2:4], 1))


# loss -> (views, columns, rows of a queue or prototypes, what makes a function of the leaves).
LOSSES = {
    "nt_xent": (2, 128, 0, lambda: lambda x: peer.NTXentLoss(temperature=0.5)(*x)),
    "dcl": (2, 128, 0, lambda: lambda x: peer.DCLLoss(temperature=0.1)(*x)),
    "dclw": (2, 128, 0, lambda: lambda x: peer.DCLWLoss(temperature=0.1)(*x)),
    "moco": (2, 128, QUEUED, MoCo),
    "negative_cosine": (
        2, 2048, 0, lambda: lambda x: symmetric(peer.NegativeCosineSimilarity(), *x)
    ),
    "barlow_twins": (2, 2048, 0, lambda: lambda x: peer.BarlowTwinsLoss()(*x)),
    "vicreg": (2, 2048, 0, lambda: lambda x: peer.VICRegLoss()(*x)),
    "tico": (2, 256, 0, lambda: lambda x: peer.TiCoLoss()(*x)),
    "hypersphere": (2, 128, 0, lambda: lambda x: HypersphereLoss()(*x)),
    "direct_clr": (2, 512, 0, lambda: lambda x: peer.DirectCLRLoss(loss_dim=64)(*x)),
    "macl": (2, 128, 0, lambda: lambda x: peer.MACLLoss()(*x)),
    "w_mse": (
        2, 64, 0, lambda: lambda x: peer.WMSELoss(embedding_dim=64, w_size=128)(torch.cat(x))
    ),
    "swav": (4, 3000, 0, lambda: lambda x: peer.SwaVLoss()(x[:2], x[2:])),
    "dino": (
        4, 4096, 0, lambda: lambda x: peer.DINOLoss(4096)([t.detach() for t in x[:2]], x)
    ),
    "msn": (2, 256, 1024, lambda: lambda x: peer.MSNLoss()(*x)),
    "pmsn": (2, 256, 1024, lambda: lambda x: peer.PMSNLoss()(*x)),
    "frossl": (2, 1024, 0, peer.FroSSLLoss),
    "mmcr": (4, 128, 0, lambda: stacked(peer.MMCRLoss())),
    "emp_ssl": (4, 512, 0, peer.EMPSSLLoss),
    "sigreg": (1, 128, 0, lambda: lambda x: SIGReg(num_vectors=SLICES)(*x)),
    "lejepa": (4, 128, 0, lambda: global_and_local(LeJEPALoss(sigreg_num_vectors=SLICES))),
    "visreg": (4, 128, 0, lambda: global_and_local(VISRegLoss(num_slices=SLICES))),
    "koleo": (1, 256, 0, lambda: lambda x: peer.KoLeoLoss()(*x)),
}
# The peer's formula is another: KL(prior | mean) in place of KL(mean | prior), and a coding rate that
# is added in place of subtracted. The work is the same.
OTHER_VALUES = {"pmsn", "emp_ssl"}


def sizes(loss):
    # W-MSE whitens 128 rows at a time.
    return (256, 1024, 4096) if loss == "w_mse" else (64, 256, 1024, 4096)


def entries(seed, rows, columns):
    """The numbers of `entries` of our side."""
    with numpy.errstate(over="ignore"):
        hashed = numpy.arange(1, rows * columns + 1, dtype=numpy.uint64) + numpy.uint64(seed << 40)
        hashed *= numpy.uint64(0x9E3779B97F4A7C15)
        hashed = (hashed ^ (hashed >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        hashed = (hashed ^ (hashed >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    even = ((hashed ^ (hashed >> numpy.uint64(31))) >> numpy.uint64(40)) / 2**23 - 1.0
    return torch.from_numpy((even * math.sqrt(3)).astype(numpy.float32).reshape(rows, columns))


def leaves(loss, batch):
    views, dim, rows, _ = LOSSES[loss]
    leaves = [entries(seed, batch, dim) for seed in range(views)]
    leaves += [entries(100, rows, dim)] if rows else []
    return [leaf.requires_grad_() for leaf in leaves]


def step(loss, x):
    for leaf in x:
        leaf.grad = None
    loss(x).backward()


def milliseconds(name, batch):
    """The fastest of as many steps as fit into a fifth of a second, at least one."""
    x, loss = leaves(name, batch), LOSSES[name][3]()
    step(loss, x)
    best, spent, steps = math.inf, 0.0, 0
    while spent < 0.2 or steps < 1:
        start = time.perf_counter()
        step(loss, x)
        took = time.perf_counter() - start
        best, spent, steps = min(best, took), spent + took, steps + 1
    return best * 1e3


def megabytes(name, batch):
    """How far a step raises the peak of resident memory above its inputs."""
    x, loss = leaves(name, batch), LOSSES[name][3]()
    step(LOSSES[name][3](), leaves(name, 8))  # what the library itself takes
    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    before = peak()
    step(loss, x)
    return max(peak() - before, 0.0)


def value(name, batch):
    """The loss, with slices that are no matter of chance."""
    loss, drawn = LOSSES[name][3](), torch.randn
    torch.randn = lambda rows, columns, **_: entries(200, rows, columns)
    found = loss(leaves(name, batch)).item()
    torch.randn = drawn
    return found


def main():
    warnings.filterwarnings("ignore")  # the peer's own calls of PyTorch
    cases = {f"{loss} 128 value": "value" for loss in LOSSES if loss not in OTHER_VALUES}
    cases |= {f"{loss} {batch}": "ms" for loss in LOSSES for batch in sizes(loss)}
    cases["nt_xent 4096 memory"] = "MB"
    name = f"lightly {lightly.__version__}, torch {torch.__version__}"
    print(json.dumps({"name": name, "cases": cases}), flush=True)
    measures = {"memory": megabytes, "value": value}
    for line in sys.stdin:
        loss, batch, *what = line.split()
        measure = measures[what[0]] if what else milliseconds
        print(measure(loss, int(batch)), flush=True)


main()
