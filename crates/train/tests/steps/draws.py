"""Draws of weights and views."""

import math

import numpy

from method import BATCH, ENCODER, SIDE


class Draws:
    """Values in single precision, by name, from a stream that NumPy does not change."""

    def __init__(self, *seed):
        self.stream = numpy.random.RandomState(seed)
        self.values = {}

    def normal(self, shape, deviation, mean=0.0):
        return (mean + deviation * self.stream.standard_normal(shape)).astype(numpy.float32)

    def uniform(self, shape, low, high):
        return self.stream.uniform(low, high, shape).astype(numpy.float32)

    def norm(self, name, width, affine=True):
        if affine:
            self.values[f"{name}.gamma"] = self.uniform(width, 0.5, 1.5)
            self.values[f"{name}.beta"] = self.normal(width, 0.2)
        self.values[f"{name}.running_mean"] = self.normal(width, 0.3)
        self.values[f"{name}.running_var"] = self.uniform(width, 0.5, 1.5)

    def conv_norm(self, name, d_input, d_output, kernel):
        shape = (d_output, d_input, kernel, kernel)
        deviation = math.sqrt(2 / (d_input * kernel**2))
        self.values[f"{name}.conv.weight"] = self.normal(shape, deviation)
        self.norm(f"{name}.norm", d_output)

    def linear(self, name, d_input, d_output, bias):
        self.values[f"{name}.weight"] = self.normal((d_input, d_output), math.sqrt(2 / d_input))
        if bias:
            self.values[f"{name}.bias"] = self.normal(d_output, 0.2)

    def resnet(self, name):
        d_input = ENCODER["width"]
        self.conv_norm(f"{name}.stem", ENCODER["channels"], d_input, 3)
        for block in range(len(ENCODER["blocks"])):
            d_output = ENCODER["width"] << block
            self.conv_norm(f"{name}.blocks.{block}.first", d_input, d_output, 3)
            self.conv_norm(f"{name}.blocks.{block}.second", d_output, d_output, 3)
            if block > 0:
                self.conv_norm(f"{name}.blocks.{block}.shortcut", d_input, d_output, 1)
            d_input = d_output

    def mlp(self, name, widths, norm=True, output="plain"):
        """`output` is `plain`, with a bias; `bare`; `norm`, without scale and shift; `affine norm`."""
        for layer, (d_input, d_output) in enumerate(zip(widths[:-2], widths[1:-1])):
            self.linear(f"{name}.hidden.{layer}.linear", d_input, d_output, bias=not norm)
            if norm:
                self.norm(f"{name}.hidden.{layer}.norm", d_output)
        self.linear(f"{name}.output", widths[-2], widths[-1], bias=output == "plain")
        if "norm" in output:
            self.norm(f"{name}.norm", widths[-1], affine=output == "affine norm")

    def branch(self, name, widths, norm=True, output="plain"):
        self.resnet(f"{name}.encoder")
        self.mlp(f"{name}.projector", widths, norm, output)

    def views(self, count=2, batch=BATCH):
        """Views of the same images: the images with different noise."""
        images = self.normal((batch, 3, SIDE, SIDE), 0.8)
        return [images + self.normal(images.shape, 0.6) for _ in range(count)]

    def crops(self):
        """Two views of the same images, and two of parts of them, with different noise."""
        images = self.normal((BATCH, 3, SIDE, SIDE), 0.8)
        parts = [images, images, images[:, :, :6, 1:7], images[:, :, 2:, :6]]
        return [part + self.normal(part.shape, 0.6) for part in parts]

    def unit_rows(self, count, width):
        rows = self.normal((count, width), 1.0)
        return rows / numpy.linalg.norm(rows, axis=1, keepdims=True)
