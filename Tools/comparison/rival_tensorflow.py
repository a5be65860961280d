"""TensorFlow: tf.nn.conv3d_transpose and tf.nn.conv3d in a tf.function, as it is and compiled by XLA."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import tensorflow as tf  # noqa: E402


class Library:
    variants = {"tensorflow": False, "tensorflow XLA": True}

    def __init__(self, threads, reuses_output):
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        self.versions = {"tensorflow-cpu": tf.__version__}

    def reason_against(self, case, variant):
        # XLA has both for ordinary convolutions.
        if case.is_ordinary and self.variants[variant]:
            return None
        function = "tf.nn.conv3d" if case.is_ordinary else "tf.nn.conv3d_transpose"
        if case.groups > 1:
            return f"{function} has no groups{' on CPUs' if case.is_ordinary else ''}"
        if any(d > 1 for d in case.dilations):
            return f"{function} has no dilation on CPUs"
        return None

    def prepare(self, case, variant):
        convolution = self.ordinary(case) if case.is_ordinary else self.transposed(case)
        x = tf.constant(case.x)
        bias = None if case.bias is None else tf.constant(case.bias)
        activation = {
            "linear": lambda y: y, "relu": tf.nn.relu, "leaky_relu": lambda y: tf.nn.leaky_relu(y, case.slope),
            "sigmoid": tf.nn.sigmoid, "tanh": tf.nn.tanh,
        }[case.activation]

        @tf.function(jit_compile=self.variants[variant], autograph=False)
        def layer(x):
            if case.is_channels_first:  # the CPU has no kernel for NCDHW
                x = tf.transpose(x, (0, 2, 3, 4, 1))
            y = convolution(x)
            y = activation(y if bias is None else tf.nn.bias_add(y, bias))
            return tf.transpose(y, (0, 4, 1, 2, 3)) if case.is_channels_first else y

        return lambda: layer(x)

    @staticmethod
    def ordinary(case):
        # Layers of Keras have no other paddings than these two.
        padding = "VALID" if max(*case.crop, *case.crop_end) <= 0 else "SAME"
        weights = tf.constant(case.weights)
        return lambda x: tf.nn.conv3d(x, weights, [1, *case.strides, 1], padding, dilations=[1, *case.dilations, 1])

    @staticmethod
    def transposed(case):
        # SAME crops floor((k - s) / 2) at the beginning. Any other crop is VALID's, sliced.
        same_crop = [max(0, k - s) // 2 for k, s in zip(case.kernel, case.strides)]
        is_same = all(o == i * s for o, i, s in zip(case.output, case.input, case.strides)) and case.crop == same_crop
        # VALID accepts outputs that reach up to a stride beyond the last tap.
        computed = case.output if is_same else [max(c + o, f) for c, o, f in zip(case.crop, case.output, case.full)]
        shape = [case.batch, *computed, case.filters]
        begin, size = [0, *case.crop, 0], [case.batch, *case.output, case.filters]
        weights = tf.constant(case.weights)

        def convolution(x):
            y = tf.nn.conv3d_transpose(x, weights, shape, [1, *case.strides, 1], padding="SAME" if is_same else "VALID")
            return y if is_same or (computed == case.output and not any(case.crop)) else tf.slice(y, begin, size)

        return convolution

    def array(self, result, case):
        return result.numpy()
