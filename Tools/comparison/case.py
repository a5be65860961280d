"""One layer as the rivals are told of it, with its input and its weights."""

import os

import numpy as np


class Case:
    """A Conv3DTranspose, or a Conv3D (`is_ordinary`), whose `input` and `output` are its own.

    The numbers describe the relation o = i * stride + t * dilation - crop. A transposed layer reads the places i and results in the places o;
    an ordinary one reads the places o and results in the places i.
    """

    def __init__(self, fields, folder):
        for name in ("input", "output", "kernel", "strides", "dilations", "crop"):
            setattr(self, name, fields[name])
        self.is_ordinary = fields["kind"] == "ordinary"
        self.batch, self.channels, self.filters, self.groups = (fields[n] for n in ("batch", "channels", "filters", "groups"))
        self.is_channels_first = fields["layout"] == "channels_first"
        self.activation, self.slope = fields["activation"], fields.get("slope")
        self.x, self.weights, self.bias = operands(self, fields["bias"], folder)

    @property
    def reach(self):
        """From the first tap to the last, per axis."""
        return [(k - 1) * d for k, d in zip(self.kernel, self.dilations)]

    @property
    def full(self):
        """Places o per axis that taps reach, before anything is cropped."""
        return [(i - 1) * s + r + 1 for i, s, r in zip(self.output if self.is_ordinary else self.input, self.strides, self.reach)]

    @property
    def crop_end(self):
        """Cropped at the end, which an ordinary layer calls padding; negative where there are places beyond the last tap."""
        return [f - c - o for f, c, o in zip(self.full, self.crop, self.input if self.is_ordinary else self.output)]

    @property
    def channels_first_weights(self):
        """As torch and ONNX have them: (C, F / G, taps) of a transposed layer, (F, C / G, taps) of an ordinary one."""
        return np.ascontiguousarray(np.transpose(self.weights, (4, 3, 0, 1, 2)))

    def shape(self, spatial, channels):
        return (self.batch, channels, *spatial) if self.is_channels_first else (self.batch, *spatial, channels)

    def per_channel(self, values):
        """Shaped so that it adds to a result."""
        return values.reshape((1, -1, 1, 1, 1) if self.is_channels_first else (1, 1, 1, 1, -1))


def operands(case, has_bias, folder):
    """Inputs and biases in [-1, 1), weights as large as Glorot's initializer makes them. Written for the other side to read."""
    random = np.random.default_rng(1)
    features = (case.channels // case.groups, case.filters) if case.is_ordinary else (case.filters // case.groups, case.channels)
    shapes = {"x": case.shape(case.input, case.channels), "kernel": (*case.kernel, *features)}
    if has_bias:
        shapes["bias"] = (case.filters,)
    taps = int(np.prod(case.kernel))
    glorot = (6 / (taps * (case.channels + case.filters) / case.groups)) ** 0.5
    result = {"bias": None}
    for name, shape in shapes.items():
        path = os.path.join(folder, f"{name}.npy")
        if not os.path.exists(path):
            values = random.random(shape, dtype=np.float32) * np.float32(2) - np.float32(1)
            if name == "kernel":
                values *= np.float32(glorot)
            np.save(path, values)
        result[name] = np.load(path)
        assert result[name].shape == shape, f"{path} has the shape {result[name].shape}; expected {shape}"
    return result["x"], result["kernel"], result["bias"]
