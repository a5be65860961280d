"""PyTorch: torch.nn.ConvTranspose3d in both memory layouts."""

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
        # torch crops both ends alike and makes up for it at the end. Where the end is cropped more, the axis is turned round,
        # input, weights and result: the same work, without a slice.
        self.turned = [axis for axis in range(3) if case.crop_end[axis] > case.crop[axis]]
        crop = [max(pair) for pair in zip(case.crop, case.crop_end)]
        extra = [abs(a - b) for a, b in zip(case.crop, case.crop_end)]
        layer = torch.nn.ConvTranspose3d(
            case.channels, case.filters, case.kernel, case.strides, crop, extra, case.groups, case.bias is not None, case.dilations)
        weights = np.transpose(case.weights, (4, 3, 0, 1, 2))
        layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(np.flip(weights, [axis + 2 for axis in self.turned]))))
        if case.bias is not None:
            layer.bias.copy_(torch.from_numpy(case.bias))
        first = case.x if case.is_channels_first else np.moveaxis(case.x, -1, 1)
        x = torch.from_numpy(np.ascontiguousarray(np.flip(first, [axis + 2 for axis in self.turned])))
        layer = layer.eval().to(memory_format=self.variants[variant])
        activation = self.activation(case)
        if case.is_channels_first and variant == "torch NDHWC":
            # What comes and goes is NCDHW; the conversions count.
            def call():
                y = activation(layer(x.contiguous(memory_format=torch.channels_last_3d)))
                return y.contiguous(memory_format=torch.contiguous_format)
            return call
        x = x.contiguous(memory_format=self.variants[variant])
        return lambda: activation(layer(x))

    @staticmethod
    def activation(case):
        functional = torch.nn.functional
        return {
            "linear": lambda y: y, "relu": lambda y: functional.relu(y, inplace=True),
            "leaky_relu": lambda y: functional.leaky_relu(y, case.slope, inplace=True), "sigmoid": lambda y: y.sigmoid_(),
            "tanh": lambda y: y.tanh_(),
        }[case.activation]

    def array(self, result, case):
        y = torch.flip(result, [axis + 2 for axis in self.turned]).numpy()
        return y if case.is_channels_first else np.moveaxis(y, 1, -1)
