"""The networks of `Tools/compare --networks`, each defined once. What a library makes of a definition is in network_LIBRARY.py.

A network is a list of steps in the order of computation. Shapes are without the batch, channels last; every convolution pads as Keras's
"same" unless it says "valid".
"""

import dataclasses
import math


@dataclasses.dataclass
class Step:
    name: str
    operation: str
    inputs: list
    shape: tuple
    attributes: dict = dataclasses.field(default_factory=dict)
    weights: dict = dataclasses.field(default_factory=dict)
    """The shapes of its weights in the order of Keras, by name."""


class Network:
    """Steps are made by methods that return the name of the result."""

    def __init__(self, name, shape):
        self.name, self.input, self.steps, self.shapes = name, tuple(shape), [], {"input": tuple(shape)}

    def add_step(self, operation, inputs, shape, weights=None, **attributes):
        number = sum(step.operation == operation for step in self.steps)
        step = Step(f"{operation}_{number}", operation, list(inputs), tuple(shape), attributes, weights or {})
        self.steps.append(step)
        self.shapes[step.name] = step.shape
        return step.name

    def conv(self, x, filters, kernel=3, strides=1, activation=None):
        *spatial, channels = self.shapes[x]
        weights = {"kernel": (kernel, kernel, kernel, channels, filters), "bias": (filters,)}
        shape = (*(-(-extent // strides) for extent in spatial), filters)
        return self.add_step("conv", [x], shape, weights, kernel=kernel, strides=strides, activation=activation)

    def up(self, x, filters, kernel=2, strides=2, padding="same", activation=None):
        *spatial, channels = self.shapes[x]
        weights = {"kernel": (kernel, kernel, kernel, filters, channels), "bias": (filters,)}
        beyond = 0 if padding == "same" else max(kernel - strides, 0)
        shape = (*(extent * strides + beyond for extent in spatial), filters)
        return self.add_step("up", [x], shape, weights, kernel=kernel, strides=strides, padding=padding, activation=activation)

    def project(self, x, shape, activation=None):
        """A dense layer whose result is a volume."""
        weights = {"kernel": (self.shapes[x][-1], math.prod(shape)), "bias": (math.prod(shape),)}
        return self.add_step("project", [x], shape, weights, activation=activation)

    def batch_norm(self, x):
        names = ("gamma", "beta", "moving_mean", "moving_variance")
        return self.per_channel("batch_norm", x, names, epsilon=1e-3)

    def instance_norm(self, x):
        return self.per_channel("instance_norm", x, ("gamma", "beta"), epsilon=1e-5)

    def prelu(self, x):
        return self.per_channel("prelu", x, ("alpha",))

    def per_channel(self, operation, x, names, **attributes):
        shape = self.shapes[x]
        return self.add_step(operation, [x], shape, {name: (shape[-1],) for name in names}, **attributes)

    def activate(self, x, function, slope=None):
        return self.add_step("activate", [x], self.shapes[x], function=function, slope=slope)

    def max_pool(self, x):
        *spatial, channels = self.shapes[x]
        return self.add_step("max_pool", [x], (*(extent // 2 for extent in spatial), channels))

    def concat(self, *xs):
        first = self.shapes[xs[0]]
        return self.add_step("concat", xs, (*first[:-1], sum(self.shapes[x][-1] for x in xs)))

    def add(self, x, y):
        """Of one shape, or the second with one channel for all."""
        return self.add_step("add", [x, y], self.shapes[x])

    @property
    def flops(self):
        """Two for each product of a weight with a value that exists."""
        total = 0
        for step in self.steps:
            before = self.shapes[step.inputs[0]]
            if step.operation in ("conv", "up"):
                near, far = (step.shape, before) if step.operation == "conv" else (before, step.shape)
                pairs = math.prod(count_pairs(n, f, step) for n, f in zip(near[:-1], far[:-1]))
                total += 2 * pairs * before[-1] * step.shape[-1]
            elif step.operation == "project":
                total += 2 * before[-1] * math.prod(step.shape)
        return total


def crops(near, far, step):
    """What Keras cuts off of near * stride + tap at both ends; the second may be negative, where no tap reaches the end."""
    kernel, strides = step.attributes["kernel"], step.attributes["strides"]
    total = (near - 1) * strides + kernel - far
    begin = max(0, total) // 2
    return begin, total - begin


def count_pairs(near, far, step):
    begin, strides = crops(near, far, step)[0], step.attributes["strides"]
    return sum(0 <= i * strides + tap - begin < far for i in range(near) for tap in range(step.attributes["kernel"]))


def unet(n, levels=(16, 32, 64), bottom=128):
    """3D U-Net (Cicek et al. 2016) as it is written in Keras: three levels, 16 to 128 filters, batch normalization, four classes."""
    def twice(x, filters):
        for _ in range(2):
            x = n.activate(n.batch_norm(n.conv(x, filters)), "relu")
        return x

    x, skips = "input", []
    for filters in levels:
        x = twice(x, filters)
        skips.append((x, filters))
        x = n.max_pool(x)
    x = twice(x, bottom)
    for skip, filters in reversed(skips):
        x = twice(n.concat(n.up(x, filters), skip), filters)
    n.activate(n.conv(x, 4, kernel=1), "softmax")


def nnunet(n, stages=(32, 64, 128, 256)):
    """nnU-Net's PlainConvUNet (Isensee et al. 2021), 3d_fullres plan for Hippocampus: four stages, 32 to 256 features, three classes."""
    def stage(x, filters, strides):
        for stride in (strides, 1):
            x = n.activate(n.instance_norm(n.conv(x, filters, strides=stride)), "leaky_relu", 0.01)
        return x

    x, skips = "input", []
    for number, filters in enumerate(stages):
        x = stage(x, filters, 2 if number else 1)
        skips.append((x, filters))
    for skip, filters in reversed(skips[:-1]):
        x = stage(n.concat(n.up(x, filters), skip), filters, 1)
    n.conv(x, 3, kernel=1)


def vnet(n, start=16, down=((32, 1), (64, 2), (128, 3), (256, 2)), up=((256, 2), (128, 2), (64, 1), (32, 1))):
    """V-Net (Milletari et al. 2016), channels and numbers of convolutions as in mattmacy/vnet.pytorch, on a volume of an eighth of its size."""
    def unit(x):
        return n.prelu(n.batch_norm(x))

    def residual(x, first, filters, count):
        for _ in range(count):
            x = unit(n.conv(x, filters, kernel=5))
        return n.prelu(n.add(x, first))

    x = n.prelu(n.add(n.batch_norm(n.conv("input", start, kernel=5)), "input"))
    skips = []
    for filters, count in down:
        skips.append(x)
        half = unit(n.conv(x, filters, kernel=2, strides=2))
        x = residual(half, half, filters, count)
    for filters, count in up:
        joined = n.concat(unit(n.up(x, filters // 2)), skips.pop())
        x = residual(joined, joined, filters, count)
    n.activate(n.conv(unit(n.conv(x, 2, kernel=5)), 2, kernel=1), "softmax")


def gan(n, first=512, levels=(256, 128, 64)):
    """3D-GAN generator (Wu et al. 2016, arXiv 1610.07584): 200 numbers to 64^3 voxels."""
    x = n.activate(n.batch_norm(n.up("input", first, kernel=4, strides=1, padding="valid")), "relu")
    for filters in levels:
        x = n.activate(n.batch_norm(n.up(x, filters, kernel=4)), "relu")
    n.up(x, 1, kernel=4, activation="sigmoid")


def vae(n, volume=(4, 4, 4, 256), levels=(128, 64, 32, 16)):
    """The decoder of a variational autoencoder, as the Keras example has it, for 64^3 voxels: a dense layer, then transposed convolutions."""
    x = n.project("input", volume, activation="relu")
    for filters in levels:
        x = n.up(x, filters, kernel=3, activation="relu")
    n.up(x, 1, kernel=3, strides=1, activation="sigmoid")


def gcnet(n, first=32, levels=(64, 64, 64, 128)):
    """The 3-D part of GC-Net (Kendall et al. 2017, table 1, layers 19 to 37), for 64 disparities and images of 128x256."""
    def unit(x):
        return n.activate(n.batch_norm(x), "relu")

    def pair(x, filters):
        return unit(n.conv(unit(n.conv(x, filters)), filters))

    skips, x = [pair("input", first)], "input"
    for filters in levels:
        x = unit(n.conv(x, filters, strides=2))
        skips.append(pair(x, filters))
    x = skips.pop()
    for filters in (*reversed(levels[:-1]), first):
        x = n.add(unit(n.up(x, filters, kernel=3)), skips.pop())
    n.up(x, 1, kernel=3)


DEFINITIONS = {
    "unet": (unet, (64, 64, 64, 1)), "nnunet": (nnunet, (40, 56, 40, 1)), "vnet": (vnet, (32, 64, 64, 1)), "gan": (gan, (1, 1, 1, 200)),
    "vae": (vae, (64,)), "gcnet": (gcnet, (32, 64, 128, 64)),
}


# The same with few filters and small volumes of unequal axes, for tests.
SMALL = {
    "unet": ((8, 12, 16, 1), {"levels": (4, 6), "bottom": 10}),
    "nnunet": ((8, 12, 16, 2), {"stages": (4, 6, 10)}),
    "vnet": ((8, 4, 12, 1), {"start": 2, "down": ((4, 1), (8, 2)), "up": ((8, 2), (4, 1))}),
    "gan": ((1, 1, 1, 12), {"first": 14, "levels": (10,)}),
    "vae": ((5,), {"volume": (2, 3, 4, 12), "levels": (10, 6)}),
    "gcnet": ((4, 8, 12, 5), {"first": 4, "levels": (6, 10)}),
}


def network(name, is_small=False):
    define, shape = DEFINITIONS[name]
    small_shape, small = SMALL[name]
    result = Network(name, small_shape if is_small else shape)
    define(result, **(small if is_small else {}))
    return result
