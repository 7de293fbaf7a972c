"""The peer's side of a training step: SimCLR on PyTorch with lightly's loss."""

import json
import math
import resource
import sys
import time

import lightly
import torch
from lightly.loss import NTXentLoss
from torch import nn
from torch.nn.functional import relu


class Block(nn.Module):
    def __init__(self, d_input, d_output, stride):
        super().__init__()
        self.first = conv_norm(d_input, d_output, 3, stride)
        self.second = conv_norm(d_output, d_output, 3, 1)
        changes = stride != 1 or d_input != d_output
        self.shortcut = conv_norm(d_input, d_output, 1, stride) if changes else nn.Identity()

    def forward(self, x):
        return relu(self.second(relu(self.first(x))) + self.shortcut(x))


def conv_norm(d_input, d_output, kernel, stride):
    conv = nn.Conv2d(d_input, d_output, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(d_output))


def sim_clr(width):
    """ResNet-18 with the stem of small images, and SimCLR's projector: the sizes of our side."""
    layers = [conv_norm(3, width, 3, 1), nn.ReLU()]
    channels = width
    for stage in range(4):
        for block in range(2):
            stride = 2 if stage > 0 and block == 0 else 1
            layers.append(Block(channels, width << stage, stride))
            channels = width << stage
    projector = [nn.Linear(channels, 256, bias=False), nn.BatchNorm1d(256), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), *projector, nn.Linear(256, 128))


def stepper(width, images, layout):
    torch.manual_seed(0)
    network = sim_clr(width).to(memory_format=layout)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4)
    loss = NTXentLoss(temperature=0.5)
    views = [torch.randn(images, 3, 32, 32).to(memory_format=layout) for _ in range(2)]

    def step():
        optimizer.zero_grad()
        loss(*(network(view) for view in views)).backward()
        optimizer.step()

    return step


def milliseconds(width, images):
    """The fastest of three steps in the better of PyTorch's two layouts."""
    best = math.inf
    for layout in (torch.contiguous_format, torch.channels_last):
        step = stepper(width, images, layout)
        step()
        for _ in range(3):
            start = time.perf_counter()
            step()
            best = min(best, time.perf_counter() - start)
    return best * 1e3


def megabytes(width, images):
    """The peak of resident memory of a process that does three steps."""
    step = stepper(width, images, torch.contiguous_format)
    for _ in range(3):
        step()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    cases = {"width 16, 64 images": "ms", "width 64, 64 images": "ms"}
    cases |= {"width 16, 256 images, memory": "MB", "width 64, 256 images, memory": "MB"}
    name = f"torch {torch.__version__}, lightly {lightly.__version__}"
    print(json.dumps({"name": name, "cases": cases}), flush=True)
    for line in sys.stdin:
        width, images = (int(word) for word in line.replace(",", "").split() if word.isdigit())
        measure = megabytes if "memory" in line else milliseconds
        print(measure(width, images), flush=True)


main()
