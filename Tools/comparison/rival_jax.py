"""JAX: the convolution with a dilated input that jax.lax.conv_transpose stands for, compiled for its shape."""

import os

os.environ["JAX_PLATFORMS"] = "cpu"

import jax  # noqa: E402
import numpy as np  # noqa: E402
from jax import lax  # noqa: E402


class Library:
    variants = {"jax": None}

    def __init__(self, threads, reuses_output):
        self.versions = {"jax": jax.__version__}

    def reason_against(self, case, variant):
        return None

    def prepare(self, case, variant):
        groups, taps = case.groups, tuple(case.kernel)
        # (taps, F/G, G, C/G), turned round -> (taps, C/G, G * F/G)
        weights = case.weights[::-1, ::-1, ::-1].reshape(*taps, case.filters // groups, groups, case.channels // groups)
        weights = np.transpose(weights, (0, 1, 2, 5, 4, 3)).reshape(*taps, case.channels // groups, case.filters)
        reach = [(k - 1) * d for k, d in zip(case.kernel, case.dilations)]
        pads = [
            (r - c, o + c - 1 - (i - 1) * s) for r, c, o, i, s in zip(reach, case.crop, case.output, case.input, case.strides)
        ]
        layout = "NCDHW" if case.is_channels_first else "NDHWC"
        dimensions = (layout, "DHWIO", layout)
        bias = None
        if case.bias is not None:
            bias = case.bias.reshape((1, -1, 1, 1, 1) if case.is_channels_first else (1, 1, 1, 1, -1))
        weights = jax.device_put(np.ascontiguousarray(weights))
        x = jax.device_put(case.x)
        activation = {
            "linear": lambda y: y, "relu": jax.nn.relu, "leaky_relu": lambda y: jax.nn.leaky_relu(y, case.slope),
            "sigmoid": jax.nn.sigmoid, "tanh": jax.numpy.tanh,
        }[case.activation]

        @jax.jit
        def layer(x, weights):
            y = lax.conv_general_dilated(
                x, weights, (1, 1, 1), pads, lhs_dilation=case.strides, rhs_dilation=case.dilations, dimension_numbers=dimensions,
                feature_group_count=groups, precision=lax.Precision.HIGHEST)
            return activation(y if bias is None else y + bias)

        return lambda: layer(x, weights).block_until_ready()

    def array(self, result, case):
        return np.asarray(result)
