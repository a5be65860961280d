#!/usr/bin/env python3
"""Writes operations_tfkeras2.json and .npz of Tests/LayerTests/Fixtures/layers: models of operations as tf.keras 2 writes them.

    Tools/oracle/make_operation_fixtures.py

needs tf-keras==2.21.0 with tensorflow and numpy. The files are as operations.json and .npz of make_layer_fixtures.py: inputs that float32 holds exactly,
and the results of the same model in float64."""
import json
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import tf_keras as keras  # noqa: E402
from tf_keras.src.engine.base_layer import TensorFlowOpLayer  # noqa: E402

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Tests/LayerTests/Fixtures/layers"
SHAPE = (4, 3, 2, 5)  # unequal axes
random = np.random.default_rng(1611)


def cases():
    """The body of each model, and the shapes of its inputs."""
    table = {
        "clip_by_value": (lambda x: tf.clip_by_value(x, -0.5, 1.25), SHAPE),
        "reshape": (lambda x: tf.reshape(x, (-1, 6, 20)), SHAPE),
        "transpose": (lambda x: tf.transpose(x, (0, 3, 1, 4, 2)), SHAPE),
        "squeeze": (lambda x: tf.squeeze(x, axis=-1), (3, 4, 1)),
        "squeeze axes": (lambda x: tf.squeeze(x, [1, 3]), (1, 4, 1, 3)),
        "expand_dims": (lambda x: tf.expand_dims(x, axis=-2), SHAPE),
        "stack": (lambda x, y: tf.stack([x, y], axis=-1), SHAPE, SHAPE),
        "getitem": (lambda x: x[:, 1:3, ::-1, 1], SHAPE),
        "getitem steps": (lambda x: x[:, ::3, -2:, ..., 4:0:-2], SHAPE),
        "getitem new axis": (lambda x: x[:, tf.newaxis, -3, ..., None, :3], SHAPE),
        "in a row": (chained, SHAPE, SHAPE),
    }
    for name in ("mean", "sum", "max", "min"):
        reduce = getattr(tf, f"reduce_{name}")
        table[f"reduce_{name}"] = (lambda x, f=reduce: f(x, axis=2), SHAPE)
        table[f"reduce_{name} kept"] = (lambda x, f=reduce: f(x, (1, -1), True), SHAPE)
    table["nodes"] = (nodes, SHAPE, SHAPE)
    return table


def node(op, xs, constants={}, **attributes):
    """An operation as tf.keras of TensorFlow 2.0 to 2.3 had it."""
    dtype = keras.backend.floatx()
    attributes["T"] = {"type": "DT_FLOAT" if dtype == "float32" else "DT_DOUBLE"}
    definition = {"name": op.lower(), "op": op, "input": [f"input_{number}" for number in range(len(xs) + len(constants))], "attr": attributes}
    values = {index: np.asarray(value, dtype) for index, value in constants.items()}
    return TensorFlowOpLayer(definition, op.lower(), constants=values)(xs if len(xs) > 1 else xs[0])


def nodes(x, y):
    z = node("Mul", [node("AddV2", [x, y])], {1: 2.0})
    z = node("Sub", [z], {0: [1.0, 2.0, 3.0, -4.0, 0.5]})
    return node("Maximum", [node("LeakyRelu", [z], alpha={"f": 0.25})], {1: -1.5})


def chained(x, y):
    z = tf.concat([x[:, :, 1:], tf.transpose(y, (0, 1, 3, 2, 4))[:, :, :, :2]], axis=2)
    z = z - tf.reduce_mean(z, axis=(1, 2, 3), keepdims=True)
    z = tf.clip_by_value(tf.reshape(z, (-1, 4, 4, 10)), -1, 1.5) + tf.reduce_max(y, axis=(2, 3, 4))[:, :, None, None]
    return tf.stack([tf.reduce_sum(z, axis=2), tf.squeeze(z[:, :, 3:], axis=2) * 2], axis=1)


def made(body, shapes, dtype):
    keras.backend.clear_session()
    keras.backend.set_floatx(dtype)
    xs = [keras.Input(shape, name=f"x{number}") for number, shape in enumerate(shapes)]
    return keras.Model(xs, body(*xs))


if __name__ == "__main__":
    entries, arrays = [], {}
    for name, (body, *shapes) in cases().items():
        config = json.loads(made(body, shapes, "float32").to_json())
        # Eighths between -2 and 2, which are summed exactly.
        xs = [np.round(random.uniform(-2, 2, (2, *shape)) * 8) / 8 for shape in shapes]
        y = np.asarray(made(body, shapes, "float64")(xs if len(xs) > 1 else xs[0]))
        assert y.dtype == np.float64 and np.isfinite(y).all(), name
        for number, x in enumerate(xs):
            arrays[f"{name}/x{number}"] = x.astype("float32")
        arrays[f"{name}/y0"] = y
        entries.append({"name": name, "model": config, "inputs": len(xs), "weights": 0, "outputs": 1})
    (FOLDER / "operations_tfkeras2.json").write_text(json.dumps(entries, separators=(",", ":")) + "\n")
    np.savez_compressed(FOLDER / "operations_tfkeras2.npz", **arrays)
