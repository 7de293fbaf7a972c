"""Files of weights as PyTorch's libraries write them, with the features of their networks.

    python networks.py write FOLDER            the small files of this folder
    python networks.py write FOLDER --whole    networks of the usual sizes
    python networks.py check FOLDER            what the tests wrote beside them

Needs torch, torchvision, timm and safetensors; `check` also onnxruntime where there is ONNX. A case
NAME is a file of weights, and NAME.json with how we build the network, the shape of its images, their
features, and what of the file belongs to the network.
"""

import argparse
import json
from functools import partial
from pathlib import Path

import numpy
import safetensors.torch
import timm
import torch
import torchvision
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

TOLERANCE = 1e-4
# What the tests put into the ONNX models.
MEAN, STD = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]


class NarrowResNet(ResNet):
    """torchvision's ResNet with another width than 64."""

    def __init__(self, block, layers, width, widen):
        self.width = width
        super().__init__(block, layers, width_per_group=64 * widen)
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.fc = nn.Linear(8 * width * block.expansion, 5)

    def _make_layer(self, block, planes, blocks, stride=1, dilate=False):
        if planes == 64:
            self.inplanes = self.width
        return super()._make_layer(block, planes * self.width // 64, blocks, stride, dilate)


def resnet(blocks, width=64, widen=None, large=False):
    """How we build a residual network, and how torchvision does."""
    block = "basic" if widen is None else {"bottleneck": {"widen": widen}}
    ours = {"blocks": blocks, "width": width, "block": block, "stem": "large" if large else "small"}

    def theirs():
        form = BasicBlock if widen is None else Bottleneck
        network = ResNet(form, blocks)
        if width != 64:
            network = NarrowResNet(form, blocks, width, widen or 1)
        if not large:  # the line of docs/guide/8-weights.md
            network.conv1, network.maxpool = nn.Conv2d(3, width, 3, padding=1, bias=False), nn.Identity()
        return network

    return {"resnet": ours}, theirs


def vit(image, patch, dim, depth, heads, registers=0, layer_scale=None, pooling="class"):
    """How we build a vision transformer, and how timm does."""
    ours = {
        "image": image, "patch": patch, "dim": dim, "depth": depth, "heads": heads,
        "registers": registers, "layer_scale": layer_scale, "pooling": pooling,
    }
    theirs = partial(
        VisionTransformer, img_size=image, patch_size=patch, embed_dim=dim, depth=depth,
        num_heads=heads, num_classes=5, reg_tokens=registers, no_embed_class=registers > 0,
        init_values=layer_scale, class_token=pooling == "class",
        global_pool="token" if pooling == "class" else "avg", fc_norm=False,
    )
    return {"vit": ours}, theirs


# Each with its networks, the size of its images, the type in the file, how the file is written.
SMALL = {
    "basic": (*resnet([1, 2, 1, 1], width=2), [2, 3, 32, 32], torch.float32, "training.pth"),
    "bottleneck": (*resnet([1, 2, 1, 1], 1, 2, True), [2, 3, 33, 40], torch.float16, "safetensors"),
    "vit": (*vit(16, 4, 16, 2, 2), [2, 3, 16, 16], torch.float32, "old.pth"),
    "registers": (*vit(16, 8, 8, 2, 2, 3, 0.5), [2, 3, 24, 16], torch.bfloat16, "safetensors"),
    "mean": (*vit(8, 4, 8, 1, 1, pooling="mean"), [1, 3, 8, 8], torch.float64, "pth"),
}
WHOLE = {
    "resnet18": (*resnet([2, 2, 2, 2], large=True), [2, 3, 64, 64], torch.float32, "pth"),
    "resnet18-small": (*resnet([2, 2, 2, 2]), [2, 3, 32, 32], torch.float32, "safetensors"),
    "resnet50": (*resnet([3, 4, 6, 3], 64, 1, True), [2, 3, 96, 64], torch.float32, "pth"),
    "resnet50-half": (*resnet([3, 4, 6, 3], 64, 1, True), [2, 3, 64, 64], torch.float16, "pth"),
    "vit-tiny": (*vit(224, 16, 192, 12, 3), [1, 3, 224, 224], torch.float32, "safetensors"),
    "vit-tiny-half": (*vit(32, 4, 192, 12, 3), [2, 3, 32, 32], torch.float16, "pth"),
}
# What timm itself has under a name, in place of what we built from its classes.
TIMM = {"resnet50-half": "resnet50", "vit-tiny": "vit_tiny_patch16_224"}


def images(shape):
    """Images by a rule that the tests have too."""
    places = numpy.arange(numpy.prod(shape), dtype=numpy.int64)
    values = (places * 7919 % 1000).astype(numpy.float32) / numpy.float32(500) - numpy.float32(1)
    return torch.from_numpy(values.reshape(shape))


def counterpart(name, build):
    return timm.create_model(TIMM[name]) if name in TIMM else build()


@torch.no_grad()
def features(network, images):
    """What the network has before its classifier."""
    network.eval()
    if isinstance(network, VisionTransformer):
        # timm computes positions for the size that the network was built for, so for others it is
        # told the new size first.
        network.set_input_size(img_size=tuple(images.shape[2:]))
        return network.forward_head(network.forward_features(images), pre_logits=True)
    network.fc = nn.Identity()
    return network(images)


@torch.no_grad()
def draw(network):
    """Moves everything that a new network has constant: biases, norms and running statistics."""
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(1, 2)
        elif name.endswith("num_batches_tracked"):
            tensor.fill_(7)
        elif tensor.dim() == 1:
            tensor.add_(torch.randn_like(tensor) * 0.1)


def write(folder, cases):
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (name, (ours, build, shape, dtype, form)) in enumerate(cases.items()):
        torch.manual_seed(seed)
        network = counterpart(name, build)
        draw(network)
        # A half network has its values, but computes in single precision, as ours does.
        network.to(dtype).to(torch.float32)
        state = {key: value.clone() for key, value in network.state_dict().items()}
        state = {k: v.to(dtype) if v.is_floating_point() else v for k, v in state.items()}
        case = {"network": ours, "images": shape, "prefix": "", "omitted": []}
        heads = [key for key in state if key.split(".")[0] in ("fc", "head")]
        if form == "safetensors":
            file = folder / f"{name}.safetensors"
            safetensors.torch.save_file(state, file)
        else:
            file = folder / f"{name}.pth"
            content = state
            if form == "training.pth":  # as a training program saves a network of several GPUs
                case["prefix"] = "state_dict.module."
                optimizer = {"state": {0: {"momentum_buffer": torch.ones(3)}}, "param_groups": [{"lr": 0.1}]}
                module = {f"module.{key}": value for key, value in state.items()}
                content = {"epoch": 3, "arch": name, "state_dict": module, "optimizer": optimizer}
                case["omitted"] = ["optimizer.state.0.momentum_buffer"]
            torch.save(content, file, _use_new_zipfile_serialization=form != "old.pth")
        case["file"] = file.name
        case["omitted"] = sorted([*case["omitted"], *(case["prefix"] + key for key in heads)])
        case["features"] = features(network, images(shape)).tolist()
        (folder / f"{name}.json").write_text(json.dumps(case) + "\n")
        print(f"{file} {file.stat().st_size / 1024:.0f} KiB")


def difference(found, want):
    """The largest difference, relative where values are larger than 1."""
    return ((found - want).abs() / want.abs().clamp(min=1)).max().item()


def check(folder):
    """Compares with what the tests wrote: NAME.ours.safetensors, and NAME.onnx where it is."""
    for name, (_, build, shape, _, _) in (SMALL | WHOLE).items():
        ours = folder / f"{name}.ours.safetensors"
        if not ours.exists():
            continue
        case = json.loads((folder / f"{name}.json").read_text())
        want = torch.tensor(case["features"])
        network = counterpart(name, build)
        if hasattr(network, "fc"):
            network.fc = nn.Identity()
        else:
            network.head = nn.Identity()
        network.load_state_dict(safetensors.torch.load_file(ours), strict=True)
        worst = difference(features(network, images(shape)), want)
        print(f"{name}: {worst:.1e} from the features of the file that we wrote")
        assert worst < TOLERANCE, name
        onnx = folder / f"{name}.onnx"
        if onnx.exists():
            check_onnx(onnx, images(shape), want)


def check_onnx(path, images, want):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    channels = [torch.tensor(values).reshape(1, 3, 1, 1) for values in (MEAN, STD)]
    raw = images * channels[1] + channels[0]
    for repeats in (1, 3):  # any size of the batch
        batch = raw.repeat(repeats, 1, 1, 1).numpy()
        found = session.run(None, {session.get_inputs()[0].name: batch})[0]
        worst = difference(torch.from_numpy(found), want.repeat(repeats, 1))
        print(f"{path.name}: {worst:.1e} from onnxruntime with {len(batch)} images")
        assert worst < TOLERANCE, path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["write", "check"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--whole", action="store_true")
    arguments = parser.parse_args()
    if arguments.action == "write":
        write(arguments.folder, WHOLE if arguments.whole else SMALL)
    else:
        check(arguments.folder)
