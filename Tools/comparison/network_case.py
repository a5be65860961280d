"""A network with its weights and its input, which lie in files: all sides compute with the same numbers."""

import math
from pathlib import Path

import numpy as np

import networks


class NetworkCase:
    # Of the ends; what a library takes inside is its own affair.
    is_channels_first = False

    def __init__(self, fields, folder):
        self.network = networks.network(fields["network"])
        self.folder = Path(folder)
        self.x = np.load(self.folder / "x.npy")
        stored = np.load(self.folder / "weights.npz")
        self.weights = {step.name: [stored[f"{step.name}/{name}"] for name in step.weights] for step in self.network.steps if step.weights}


def draw(network):
    """Weights by step and name that keep values near 1 through any number of layers, as trained networks do."""
    random = np.random.default_rng(1)
    result = {}
    for step in network.steps:
        for name, shape in step.weights.items():
            if name == "kernel":
                # What a result adds up: He's rule, as rectified values have half the energy.
                values = random.standard_normal(shape) * (2 / fan_in(step, shape)) ** 0.5
            elif name in ("gamma", "moving_variance"):
                values = random.uniform(0.8, 1.2, shape)
            elif name == "alpha":
                values = random.uniform(0.1, 0.3, shape)
            else:
                values = random.standard_normal(shape) * 0.1
            result[f"{step.name}/{name}"] = values.astype(np.float32)
    return result


def fan_in(step, shape):
    if step.operation == "project":
        return shape[0]
    channels = shape[-1] if step.operation == "up" else shape[-2]
    return channels * math.prod(shape[:3]) / (step.attributes["strides"] ** 3 if step.operation == "up" else 1)


def write(network, folder):
    """The files that a `NetworkCase` reads; returns the weights."""
    weights = draw(network)
    np.savez(Path(folder) / "weights.npz", **weights)
    np.save(Path(folder) / "x.npy", np.random.default_rng(2).standard_normal((1, *network.input)).astype(np.float32))
    return weights
