"""PyTorch: torch.nn.ConvTranspose3d and torch.nn.Conv3d in both memory layouts."""

import numpy as np
import torch


class Library:
    variants = {"torch NCDHW": torch.contiguous_format, "torch NDHWC": torch.channels_last_3d}

    def __init__(self, threads, reuses_output):
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self.versions = {"torch": torch.__version__}

    def reason_against(self, case, variant):
        return None

    def prepare(self, case, variant):
        # torch crops or pads both ends alike. Where the end is cropped more, the axis is turned round, input, weights and result: the same
        # work, without a slice and without a copy of the input.
        self.turned = [axis for axis in range(3) if case.crop_end[axis] > max(0, case.crop[axis])]
        layer = self.ordinary(case) if case.is_ordinary else self.transposed(case)
        weights = torch.from_numpy(case.channels_first_weights)
        layer.weight.copy_(torch.flip(weights, self.turned_axes))
        if case.bias is not None:
            layer.bias.copy_(torch.from_numpy(case.bias))
        first = case.x if case.is_channels_first else np.moveaxis(case.x, -1, 1)
        x = torch.flip(torch.from_numpy(np.ascontiguousarray(first)), self.turned_axes).contiguous()
        layer = layer.eval().to(memory_format=self.variants[variant])
        convolution = self.cut(layer, case) if case.is_ordinary else layer
        activation = self.activation(case)
        if case.is_channels_first and variant == "torch NDHWC":
            # What comes and goes is NCDHW; the conversions count.
            def call():
                y = activation(convolution(x.contiguous(memory_format=torch.channels_last_3d)))
                return y.contiguous(memory_format=torch.contiguous_format)
            return call
        x = x.contiguous(memory_format=self.variants[variant])
        return lambda: activation(convolution(x))

    @property
    def turned_axes(self):
        return [axis + 2 for axis in self.turned]

    @staticmethod
    def transposed(case):
        # torch makes up at the end for what it crops there too much.
        crop = [max(pair) for pair in zip(case.crop, case.crop_end)]
        extra = [abs(a - b) for a, b in zip(case.crop, case.crop_end)]
        return torch.nn.ConvTranspose3d(
            case.channels, case.filters, case.kernel, case.strides, crop, extra, case.groups, case.bias is not None, case.dilations)

    @staticmethod
    def ordinary(case):
        pads = [max(0, a, b) for a, b in zip(case.crop, case.crop_end)]
        return torch.nn.Conv3d(
            case.channels, case.filters, case.kernel, case.strides, pads, case.dilations, case.groups, case.bias is not None)

    @staticmethod
    def cut(layer, case):
        """The layer without what it computes beyond the last result: with an even kernel and stride 1, torch pads one place too many."""
        count = [(i + 2 * p - r - 1) // s + 1 for i, p, r, s in zip(case.input, layer.padding, case.reach, case.strides)]
        if count == case.output:
            return layer
        wanted = (slice(None), slice(None), *(slice(0, o) for o in case.output))
        return lambda x: layer(x)[wanted]

    @staticmethod
    def activation(case):
        functional = torch.nn.functional
        return {
            "linear": lambda y: y, "relu": lambda y: functional.relu(y, inplace=True),
            "leaky_relu": lambda y: functional.leaky_relu(y, case.slope, inplace=True), "sigmoid": lambda y: y.sigmoid_(),
            "tanh": lambda y: y.tanh_(),
        }[case.activation]

    def array(self, result, case):
        y = torch.flip(result, self.turned_axes).numpy()
        return y if case.is_channels_first else np.moveaxis(y, 1, -1)
