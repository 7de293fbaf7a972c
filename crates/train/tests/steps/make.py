"""Makes the golden steps: two optimizer steps of each method, computed by PyTorch alone.

Weights, state and views are drawn in single precision. The two steps are computed from them in
double precision and rounded at the end; single precision is computed too, to see how far rounding
goes. README.md says what is in a file.
"""

import argparse
import json
from pathlib import Path

import numpy
import torch
from safetensors.numpy import save

import clustering
import contrastive
import decorrelation
import masked
import predictive
from draws import Draws
from method import CLOCK
from weights import Weights

OPTIMIZER = {"name": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 5e-4}
VECTORS = ("bias", "gamma", "beta")  # have no decay
# The smallest distance of any value from where rounding decides what comes of it, such as an input
# of a ReLU from 0.
MARGIN = 1e-5
ROUNDING = 8e-6  # the largest error of single precision, relative to the values and to 1

METHODS = {
    "simclr": contrastive.SimClr,
    "simsiam": predictive.SimSiam,
    "barlow_twins": decorrelation.BarlowTwins,
    "vicreg": decorrelation.VicReg,
    "byol": predictive.Byol,
    "moco_v2": contrastive.MoCoV2,
    "dino": clustering.Dino,
    "fast_siam": predictive.FastSiam,
    "simclr_v2": contrastive.SimClrV2,
    "simclr_dcl": contrastive.SimClrDcl,
    "simclr_dclw": contrastive.SimClrDclw,
    "moco_v3": contrastive.MoCoV3,
    "nnclr": contrastive.Nnclr,
    "swav": clustering.Swav,
    "ressl": contrastive.ReSsl,
    "direct_clr": contrastive.DirectClr,
    "align_uniform": contrastive.AlignUniform,
    "sup_con": contrastive.SupCon,
    "vibcreg": decorrelation.VIbCReg,
    "w_mse": decorrelation.WMse,
    "tico": decorrelation.TiCo,
    "frossl": decorrelation.FroSsl,
    "mmcr": decorrelation.Mmcr,
    "emp_ssl": decorrelation.EmpSsl,
    "lejepa": decorrelation.LeJepa,
    "visreg": decorrelation.VisReg,
    "mae": masked.Mae,
    "simmim": masked.SimMim,
    "msn": masked.Msn,
}


def run(method, before, views, dtype):
    """Takes two steps; returns losses, terms and the weights after each, and the margin."""
    w = Weights((name, torch.tensor(values, dtype=dtype)) for name, values in before.items())
    trained = [n for n in w if not n.startswith(method.constants) and "running_" not in n]
    groups = []
    for name in trained:
        vector = name.split(".")[-1] in VECTORS
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
        single, _ = run(method, before, views, torch.float32)
        errors = {
            key: (numpy.abs(single[key] - value) / (1 + numpy.abs(value))).max()
            for key, value in exact.items()
        }
        worst = max(errors, key=errors.get)
        if margin > MARGIN and errors[worst] < ROUNDING:
            break
    else:
        raise RuntimeError(f"no draw of {name} is far enough from where rounding decides")
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
        "batch": method.batch,
        "encoder": method.encoder,
        "config": method.config,
        "clock": CLOCK,
        "optimizer": OPTIMIZER,
        "rates": method.rates,
        "constant_rate": method.constant_rate,
        "momenta": method.momenta,
    }
    header |= {"labels": method.labels} if method.labels else {}
    header |= {"indices": method.indices} if method.indices else {}
    return tensors, header, f"{errors[worst]:.1e} in {worst}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    parser.add_argument("methods", nargs="*", metavar="METHOD", help="by default all")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # one order of summation
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.methods or METHODS:
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
