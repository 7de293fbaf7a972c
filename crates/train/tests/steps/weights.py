"""Networks of the tensors of a method."""

import math

import torch
import torch.nn.functional as F

from method import ENCODER


class Weights(dict):
    """Tensors by name, and the networks they belong to. Every forward pass is in training mode."""

    margin = math.inf

    def apart(self, x):
        """Takes note of values whose sign decides what comes of them."""
        self.margin = min(self.margin, x.detach().abs().min().item())

    def relu(self, x):
        self.apart(x)
        return F.relu(x)

    def norm(self, name, x):
        running = self[f"{name}.running_mean"], self[f"{name}.running_var"]
        gamma, beta = self.get(f"{name}.gamma"), self.get(f"{name}.beta")
        return F.batch_norm(x, *running, gamma, beta, training=True, momentum=0.1, eps=1e-5)

    def conv_norm(self, name, x, stride=1):
        weight = self[f"{name}.conv.weight"]
        x = F.conv2d(x, weight, stride=stride, padding=weight.shape[2] // 2)
        return self.norm(f"{name}.norm", x)

    def linear(self, name, x):
        return F.linear(x, self[f"{name}.weight"].T, self.get(f"{name}.bias"))

    def resnet(self, name, x):
        x = self.relu(self.conv_norm(f"{name}.stem", x))
        for block in range(len(ENCODER["blocks"])):
            inside, stride = f"{name}.blocks.{block}", 1 if block == 0 else 2
            y = self.relu(self.conv_norm(f"{inside}.first", x, stride))
            y = self.conv_norm(f"{inside}.second", y)
            if block > 0:
                x = self.conv_norm(f"{inside}.shortcut", x, stride)
            x = self.relu(x + y)
        return x.mean((2, 3))

    def mlp(self, name, x, activation=None):
        activation, layer = activation or self.relu, 0
        while f"{name}.hidden.{layer}.linear.weight" in self:
            x = self.linear(f"{name}.hidden.{layer}.linear", x)
            if f"{name}.hidden.{layer}.norm.gamma" in self:
                x = self.norm(f"{name}.hidden.{layer}.norm", x)
            x, layer = activation(x), layer + 1
        x = self.linear(f"{name}.output", x)
        return self.norm(f"{name}.norm", x) if f"{name}.norm.running_mean" in self else x

    def branch(self, name, x):
        name = f"{name}." if name else ""
        return self.mlp(f"{name}projector", self.resnet(f"{name}encoder", x))

    def follow(self, target, online, momentum):
        """Moves the parameters of one network towards another's; running statistics stay."""
        for name in self:
            if name.startswith(f"{target}.") and "running_" not in name:
                other = self[online + name.removeprefix(target)]
                self[name].mul_(momentum).add_(other, alpha=1 - momentum)

    def push(self, queue, rows):
        """Puts rows in front of a queue; as many leave at its end."""
        self[queue] = torch.cat([rows, self[queue]])[: len(self[queue])]
