"""JAX: lax.conv_general_dilated, compiled for its shape; with a dilated input, which jax.lax.conv_transpose stands for, or as it is."""

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
        weights, arguments = self.ordinary(case) if case.is_ordinary else self.transposed(case)
        layout = "NCDHW" if case.is_channels_first else "NDHWC"
        bias = None if case.bias is None else case.per_channel(case.bias)
        weights = jax.device_put(np.ascontiguousarray(weights))
        x = jax.device_put(case.x)
        activation = {
            "linear": lambda y: y, "relu": jax.nn.relu, "leaky_relu": lambda y: jax.nn.leaky_relu(y, case.slope),
            "sigmoid": jax.nn.sigmoid, "tanh": jax.numpy.tanh,
        }[case.activation]

        @jax.jit
        def layer(x, weights):
            y = lax.conv_general_dilated(
                x, weights, rhs_dilation=case.dilations, dimension_numbers=(layout, "DHWIO", layout),
                feature_group_count=case.groups, precision=lax.Precision.HIGHEST, **arguments)
            return activation(y if bias is None else y + bias)

        return lambda: layer(x, weights).block_until_ready()

    @staticmethod
    def ordinary(case):
        return case.weights, {"window_strides": case.strides, "padding": list(zip(case.crop, case.crop_end))}

    @staticmethod
    def transposed(case):
        groups, taps = case.groups, tuple(case.kernel)
        # (taps, F/G, G, C/G), turned round -> (taps, C/G, G * F/G)
        weights = case.weights[::-1, ::-1, ::-1].reshape(*taps, case.filters // groups, groups, case.channels // groups)
        weights = np.transpose(weights, (0, 1, 2, 5, 4, 3)).reshape(*taps, case.channels // groups, case.filters)
        pads = [
            (r - c, o + c - 1 - (i - 1) * s)
            for r, c, o, i, s in zip(case.reach, case.crop, case.output, case.input, case.strides)
        ]
        return weights, {"window_strides": (1, 1, 1), "padding": pads, "lhs_dilation": case.strides}

    def array(self, result, case):
        return np.asarray(result)
