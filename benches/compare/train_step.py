"""The peer's side of a training step: methods on PyTorch, with lightly's losses, and torchvision's networks.

A case is `METHOD NETWORK, N images of S px` for a step, with two views of each image, or eight patches
for EMP-SSL; and `forward NETWORK, ...` for features alone.
"""

import copy
import json
import math
import resource
import sys
import time

import lightly
import torch
import torchvision
from lightly.loss import DINOLoss, NTXentLoss
from torch import nn
from torch.nn.functional import normalize, relu


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


def small_resnet18(width):
    """ResNet-18 with the stem of small images."""
    layers = [conv_norm(3, width, 3, 1), nn.ReLU()]
    channels = width
    for stage in range(4):
        for block in range(2):
            stride = 2 if stage > 0 and block == 0 else 1
            layers.append(Block(channels, width << stage, stride))
            channels = width << stage
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), channels


def airbench_group(d_input, d_output):
    def norm():
        # The shift is learned, the scale is not.
        layer = nn.BatchNorm2d(d_output)
        layer.weight.requires_grad_(False)
        return layer

    first = nn.Conv2d(d_input, d_output, 3, padding=1, bias=False)
    second = nn.Conv2d(d_output, d_output, 3, padding=1, bias=False)
    return nn.Sequential(first, nn.MaxPool2d(2), norm(), nn.GELU(), second, norm(), nn.GELU())


class Airbench(nn.Module):
    """With a learned first layer; the features are the mean maps of the last two groups, side by side."""

    def __init__(self, widths):
        super().__init__()
        d_first = 24
        self.first = nn.Sequential(nn.Conv2d(3, d_first, 2), nn.GELU())
        self.group1, self.group2, self.group3 = map(airbench_group, [d_first, *widths], widths)

    def forward(self, x):
        second = self.group2(self.group1(self.first(x)))
        third = self.group3(second)
        return torch.cat([second.mean((2, 3)), third.mean((2, 3))], 1)


def network(name, side):
    """A network by name, and the width of its features."""
    if name.startswith("resnet18/"):
        return small_resnet18(int(name.split("/")[1]))
    if name == "resnet50":
        resnet = torchvision.models.resnet50()
        resnet.fc = nn.Identity()
        return resnet, 2048
    if name == "vit_tiny/4":
        vit = torchvision.models.VisionTransformer(side, 4, 12, 3, 192, 768)
        vit.heads = nn.Identity()
        return vit, 192
    if name == "laptop":
        return Airbench([64, 256, 512]), 256 + 512
    raise ValueError(name)


def hidden(d_input, d_output):
    linear = nn.Linear(d_input, d_output, bias=False)
    return nn.Sequential(linear, nn.BatchNorm1d(d_output), nn.ReLU())


def mlp(d_input, d_hidden, d_output, norm=True):
    if not norm:
        return nn.Sequential(nn.Linear(d_input, d_hidden), nn.ReLU(), nn.Linear(d_hidden, d_output))
    return nn.Sequential(hidden(d_input, d_hidden), nn.Linear(d_hidden, d_output))


class DinoHead(nn.Module):
    """With the sizes of our side's default."""

    def __init__(self, d_input):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(d_input, 512), nn.BatchNorm1d(512), nn.GELU(),
            nn.Linear(512, 512), nn.BatchNorm1d(512), nn.GELU(), nn.Linear(512, 128),
        )
        self.direction = nn.Parameter(torch.randn(1024, 128))

    def forward(self, x):
        return normalize(self.layers(x)) @ normalize(self.direction).T


def follow(target, online, momentum):
    with torch.no_grad():
        ours, theirs = list(target.parameters()), list(online.parameters())
        torch._foreach_mul_(ours, momentum)
        torch._foreach_add_(ours, theirs, alpha=1 - momentum)


class Method(nn.Module):
    # Of each image.
    views = 2

    def after_update(self):
        pass


class SimClr(Method):
    def __init__(self, encoder, width):
        super().__init__()
        self.online = nn.Sequential(encoder, mlp(width, 256, 128))
        self.contrast = NTXentLoss(temperature=0.5)

    def loss(self, views):
        return self.contrast(*(self.online(view) for view in views))


class EmpSsl(Method):
    """With the sizes of our side's default."""

    views = 8

    def __init__(self, encoder, width):
        super().__init__()
        self.online = nn.Sequential(encoder, hidden(width, 512), mlp(512, 512, 512))

    def loss(self, views):
        # One patch at a time, so that batch norm sees one of each image; the loss is batched.
        z = normalize(torch.stack([self.online(view) for view in views]), dim=2)
        mean = normalize(z.mean(0), dim=1)
        cosine = (z * mean).sum(2).mean()
        return -coding_rate(z, 0.2).mean() - 200 * cosine


def coding_rate(z, epsilon):
    """Half the log determinant of I + dim / (batch epsilon) Z'Z of each view, by the smaller Gram matrix."""
    batch, dim = z.shape[1:]
    gram = z @ z.mT if batch < dim else z.mT @ z
    return torch.logdet(torch.eye(min(batch, dim)) + dim / (batch * epsilon) * gram) / 2


class Momentum(Method):
    def __init__(self, online):
        super().__init__()
        self.online = online
        self.target = copy.deepcopy(online).requires_grad_(False)

    def after_update(self):
        follow(self.target, self.online, 0.99)


class Byol(Momentum):
    def __init__(self, encoder, width):
        super().__init__(nn.Sequential(encoder, mlp(width, 512, 256)))
        self.predictor = mlp(256, 512, 256)

    def loss(self, views):
        predictions = [self.predictor(self.online(view)) for view in views]
        with torch.no_grad():
            targets = [self.target(view) for view in views]
        way = lambda p, z: 2 - 2 * nn.functional.cosine_similarity(p, z).mean()
        return way(predictions[0], targets[1]) + way(predictions[1], targets[0])


class MoCoV2(Momentum):
    def __init__(self, encoder, width):
        super().__init__(nn.Sequential(encoder, mlp(width, 256, 128, norm=False)))
        self.queue = normalize(torch.randn(4096, 128))

    def loss(self, views):
        query = normalize(self.online(views[0]))
        with torch.no_grad():
            self.keys = normalize(self.target(views[1]))
        positives = (query * self.keys).sum(1, keepdim=True)
        scores = torch.cat([positives, query @ self.queue.T], 1) / 0.2
        return nn.functional.cross_entropy(scores, torch.zeros(len(query), dtype=torch.long))

    def after_update(self):
        super().after_update()
        self.queue = torch.cat([self.keys, self.queue])[:4096]


class Dino(Momentum):
    def __init__(self, encoder, width):
        super().__init__(nn.Sequential(encoder, DinoHead(width)))
        self.distill = DINOLoss(1024, warmup_teacher_temp=0.04, teacher_temp=0.04, warmup_teacher_temp_epochs=0)

    def loss(self, views):
        students = [self.online(view) for view in views]
        with torch.no_grad():
            teachers = [self.target(view) for view in views]
        return self.distill(teachers, students)


METHODS = {"simclr": SimClr, "byol": Byol, "moco_v2": MoCoV2, "dino": Dino, "emp_ssl": EmpSsl}


def runner(case, layout):
    """What a case times: a step of training, or a forward pass."""
    task, name, images, side = case
    torch.manual_seed(0)
    encoder, width = network(name, side)
    view = lambda: torch.randn(images, 3, side, side).to(memory_format=layout)
    if task == "forward":
        encoder, batch = encoder.eval().to(memory_format=layout), view()

        def forward():
            with torch.inference_mode():
                encoder(batch)

        return forward
    method = METHODS[task](encoder, width).to(memory_format=layout)
    trained = [weight for weight in method.parameters() if weight.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=1e-3, momentum=0.9, weight_decay=5e-4)
    views = [view() for _ in range(method.views)]

    def step():
        optimizer.zero_grad()
        method.loss(views).backward()
        optimizer.step()
        method.after_update()

    return step


def milliseconds(case):
    """The fastest of three runs in the better of PyTorch's two layouts."""
    best = math.inf
    for layout in (torch.contiguous_format, torch.channels_last):
        run = runner(case, layout)
        run()
        for _ in range(3):
            start = time.perf_counter()
            run()
            best = min(best, time.perf_counter() - start)
    return best * 1e3


def megabytes(case):
    """The peak of resident memory of a process that does three steps."""
    run = runner(case, torch.contiguous_format)
    for _ in range(3):
        run()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def read(line):
    """`simclr resnet18/16, 64 images of 32 px` in parts."""
    task, name, images, _, _, side, *_ = line.replace(",", "").split()
    return task, name, int(images), int(side)


def main():
    steps = ["simclr resnet18/16, 64 images of 32 px", "simclr resnet18/64, 64 images of 32 px"]
    steps += [f"{method} resnet18/64, 64 images of 32 px" for method in ("byol", "moco_v2", "dino")]
    steps += ["simclr resnet50, 8 images of 224 px", "simclr vit_tiny/4, 64 images of 32 px"]
    steps += ["emp_ssl laptop, 128 images of 16 px"]
    steps += ["forward resnet18/64, 64 images of 32 px", "forward resnet50, 8 images of 224 px"]
    cases = dict.fromkeys(steps, "ms")
    for width in (16, 64):
        cases[f"simclr resnet18/{width}, 256 images of 32 px, memory"] = "MB"
    name = f"torch {torch.__version__}, lightly {lightly.__version__}"
    print(json.dumps({"name": name, "cases": cases}), flush=True)
    for line in sys.stdin:
        measure = megabytes if "memory" in line else milliseconds
        print(measure(read(line)), flush=True)


main()
