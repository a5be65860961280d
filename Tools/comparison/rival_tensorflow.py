"""TensorFlow: tf.nn.conv3d_transpose in a tf.function, as it is and compiled by XLA."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402


class Library:
    variants = {"tensorflow": False, "tensorflow XLA": True}

    def __init__(self, threads, reuses_output):
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        self.versions = {"tensorflow-cpu": tf.__version__}

    def reason_against(self, case, variant):
        if case.groups > 1:
            return "tf.nn.conv3d_transpose has no groups"
        if any(d > 1 for d in case.dilations):
            return "tf.nn.conv3d_transpose has no dilation on CPUs"
        return None

    def prepare(self, case, variant):
        # SAME crops floor((k - s) / 2) at the beginning. Any other crop is VALID's, sliced.
        same_crop = [max(0, k - s) // 2 for k, s in zip(case.kernel, case.strides)]
        is_same = all(o == i * s for o, i, s in zip(case.output, case.input, case.strides)) and case.crop == same_crop
        # VALID accepts outputs that reach up to a stride beyond the last tap.
        computed = case.output if is_same else [max(c + o, f) for c, o, f in zip(case.crop, case.output, case.full)]
        shape = [case.batch, *computed, case.filters]
        begin, size = [0, *case.crop, 0], [case.batch, *case.output, case.filters]
        x, weights = tf.constant(case.x), tf.constant(case.weights)
        bias = None if case.bias is None else tf.constant(case.bias)
        activation = {
            "linear": lambda y: y, "relu": tf.nn.relu, "leaky_relu": lambda y: tf.nn.leaky_relu(y, case.slope),
            "sigmoid": tf.nn.sigmoid, "tanh": tf.nn.tanh,
        }[case.activation]

        @tf.function(jit_compile=self.variants[variant], autograph=False)
        def layer(x):
            if case.is_channels_first:  # the CPU has no kernel for NCDHW
                x = tf.transpose(x, (0, 2, 3, 4, 1))
            y = tf.nn.conv3d_transpose(x, weights, shape, [1, *case.strides, 1], padding="SAME" if is_same else "VALID")
            if not is_same and (computed != case.output or any(case.crop)):
                y = tf.slice(y, begin, size)
            y = activation(y if bias is None else tf.nn.bias_add(y, bias))
            return tf.transpose(y, (0, 4, 1, 2, 3)) if case.is_channels_first else y

        return lambda: layer(x)

    def array(self, result, case):
        return result.numpy()
