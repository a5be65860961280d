"""Keras on TensorFlow, its models in a tf.function."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import tensorflow as tf  # noqa: E402


class Library:
    variants = {"keras tensorflow": None}

    def __init__(self, threads, reuses_output):
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        self.versions = {"tensorflow-cpu": tf.__version__}

    def reason_against(self, case, variant):
        return None

    def prepare(self, case, variant):
        import network_keras

        self.versions["keras"] = network_keras.keras.__version__
        model, x = network_keras.model(case.network, case.weights), tf.constant(case.x)
        call = tf.function(lambda x: model(x, training=False), autograph=False)
        return lambda: call(x)

    def array(self, result, case):
        return result.numpy()
