#!/usr/bin/env python3
"""Writes the fixtures of Tests/LayerTests that show the order and the types of weights in Keras's files: weight_order.json,
three_levels_*.{h5,keras,npz}, thawed_*.{h5,npz}, thawed_sequential.{h5,npz},
weights_alone.{json,h5,npz}, sixteen_bits_*.{h5,weights.h5,npz}, theano.{h5,npz}; and hdf5/bfloat16.h5 of
Tests/TensorIOTests. Made with Keras 3.15.1 and tf-keras 2.21.0 on TensorFlow 2.21.0.

    python3 Tools/oracle/make_weight_fixtures.py
"""
import json
import os
import pathlib

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import h5py
import keras
import ml_dtypes
import numpy as np
import tf_keras
from keras.src.legacy.saving.legacy_h5_format import _legacy_weights

root = pathlib.Path(__file__).resolve().parents[2] / "Tests/LayerTests/Fixtures"


def legacy_weights(layer):
    return layer.trainable_weights + layer.non_trainable_weights if isinstance(layer, tf_keras.layers.Layer) else _legacy_weights(layer)


def tree(layer):
    """What decides the order: own variables in their order of creation, whether the layer is trainable, its layers."""
    if isinstance(layer, tf_keras.layers.Layer):
        own, others = layer._trainable_weights, layer._non_trainable_weights
        layers = layer.layers if isinstance(layer, tf_keras.Model) else list(layer._flatten_layers(recursive=False, include_self=False))
    else:
        own, others, layers = layer._trainable_variables, layer._non_trainable_variables, layer._layers
    return {
        "name": layer.name, "isModel": isinstance(layer, (tf_keras.Model, keras.Model)), "trainable": layer.trainable,
        "trainableVariables": [key(v) for v in own], "otherVariables": [key(v) for v in others],
        "layers": [tree(inner) for inner in layers if inner.weights],
    }


names = {}


def key(variable):
    return names.setdefault(id(variable), f"{len(names)} {getattr(variable, 'path', variable.name)}")


def blocks(k, seed):
    """A model of three levels with batch normalization and TimeDistributed in it, built."""
    rng = np.random.default_rng(seed)
    L = k.layers

    def bn(name):
        return L.BatchNormalization(name=name)

    def conv(name):
        return L.Conv3DTranspose(2, 1, name=name)

    inner = k.Sequential([L.Input((2, 2, 2, 2)) if k is keras else L.InputLayer((2, 2, 2, 2)), bn("n1"), conv("a"), bn("n2"), conv("b")], name="inner")
    x = L.Input((2, 2, 2, 2))
    middle = k.Model(x, conv("d")(bn("n3")(inner(conv("c")(x)))), name="middle")
    x = L.Input((2, 2, 2, 2))
    y = conv("e")(middle(x))
    y = L.TimeDistributed(L.Conv2DTranspose(2, 1, name="t"), name="distributed")(y)
    y = L.TimeDistributed(L.BatchNormalization(name="tn"), name="normalized")(y)
    outer = k.Model(x, y, name="outer")
    x = L.Input((2, 2, 2, 2))
    return k.Model(x, conv("f")(outer(x)), name="whole"), outer, middle, inner


def find(model, name):
    for layer in model.layers:
        if layer.name == name:
            return layer
        found = find(layer, name) if hasattr(layer, "layers") else None
        found = found or (layer.layer if hasattr(layer, "layer") and layer.layer.name == name else None)
        if found is not None:
            return found
    return None


# Which layers are set to what, in this order.
settings = {
    "plain": [], "one frozen layer": [("a", False)], "frozen normalization": [("n1", False), ("n3", False)],
    "frozen inner model": [("inner", False)], "frozen middle model": [("middle", False)], "frozen outer model": [("outer", False)],
    "frozen wrapper": [("distributed", False)], "frozen layer of a wrapper": [("t", False), ("tn", False)],
    "everything frozen": [("whole", False)], "a layer of a frozen inner model thawed": [("inner", False), ("b", True)],
    "a layer of a frozen middle model thawed": [("middle", False), ("n2", True), ("d", True)],
    "a layer of a frozen outer model thawed": [("outer", False), ("b", True), ("n3", True), ("t", True)],
    "a model of a frozen model thawed": [("outer", False), ("inner", True)],
    "the layer of a frozen wrapper thawed": [("normalized", False), ("tn", True)],
}
cases = []
for generation, k in [(3, keras), (2, tf_keras)]:
    for name, changes in settings.items():
        model, *_ = blocks(k, 1)
        for layer, value in changes:
            (model if layer == "whole" else find(model, layer)).trainable = value
        names.clear()
        # The files list the layers of the whole model one by one.
        layers = [layer for layer in model.layers if layer.weights]
        cases.append({
            "generation": generation, "name": name,
            "layers": [{"tree": tree(layer), "order": [key(v) for v in legacy_weights(layer)]} for layer in layers],
        })
lines = ",\n".join(json.dumps(case) for case in cases)
(root / "weight_order.json").write_text(f"[\n{lines}\n]\n")


def three_levels(k):
    """Convolutions of equal shapes on three levels, some frozen, so that an exchange of weights stays unnoticed."""
    L = k.layers

    def conv(name, kind=L.Conv3DTranspose, **rest):
        return kind(2, 1, name=name, **rest)

    def start():
        return L.Input((2, 2, 2, 2)) if k is keras else L.InputLayer((2, 2, 2, 2))

    inner = k.Sequential([start(), conv("a", activation="relu"), conv("b"), conv("c", L.Conv3D)], name="inner")
    x = L.Input((2, 2, 2, 2))
    middle = k.Model(x, conv("e")(inner(conv("d")(x))), name="middle")
    model = k.Sequential([start(), conv("f"), middle, conv("g")], name="three_levels")
    for name in ["a", "d", "f"]:
        find(model, name).trainable = False
    return model


def thawed(k):
    """A frozen model whose last layer was set trainable again."""
    L = k.layers
    x = L.Input((2, 2, 2, 2))
    inner = k.Model(x, L.Conv3DTranspose(2, 1, name="b")(L.Conv3DTranspose(2, 1, name="a")(x)), name="inner")
    x = L.Input((2, 2, 2, 2))
    middle = k.Model(x, L.Conv3D(2, 1, name="c")(inner(x)), name="middle")
    x = L.Input((2, 2, 2, 2))
    model = k.Model(x, middle(x), name="thawed")
    inner.trainable = False
    find(model, "b").trainable = True
    return model


def thawed_sequential():
    """A frozen Sequential whose last layer was set trainable again: tf-keras does not store that it was frozen, nor reads the weights back."""
    L = tf_keras.layers
    inner = tf_keras.Sequential([L.InputLayer((2, 2, 2, 2)), *[L.Conv3DTranspose(2, 1, name=name) for name in "ab"]], name="inner")
    x = L.Input((2, 2, 2, 2))
    outer = tf_keras.Sequential([L.InputLayer((2, 2, 2, 2)), inner, L.Conv3D(2, 1, name="c")], name="outer")
    inner.trainable = False
    find(inner, "b").trainable = True
    return tf_keras.Model(x, outer(x), name="thawed_sequential")


rng = np.random.default_rng(13)


def save(model, name, endings):
    for weight in model.weights:
        weight.assign(rng.uniform(-1, 1, tuple(weight.shape)))
    x = rng.uniform(-1, 1, (1, *model.input_shape[1:])).astype(np.float32)
    for ending in endings:
        (model.save_weights if "weights" in ending else model.save)(root / f"{name}.{ending}")
    np.savez(root / f"{name}.npz", x=x, y0=np.asarray(model(x)).astype(np.float32))


for suffix, k in [("keras3", keras), ("tfkeras2", tf_keras)]:
    save(three_levels(k), f"three_levels_{suffix}", ["h5", "keras"])
    save(thawed(k), f"thawed_{suffix}", ["h5"])
for dtype in ["float16", "bfloat16"]:
    up = keras.layers.Conv3DTranspose(3, 2, strides=2, dtype=dtype, name="up")
    save(keras.Sequential([keras.layers.Input((2, 3, 2, 2)), up]), f"sixteen_bits_{dtype}", ["h5", "weights.h5"])

# A file of the time when Theano was a backend: Keras turned the kernel of the Conv3D round when another backend loaded it.
L = tf_keras.layers
model = tf_keras.Sequential([
    L.InputLayer((3, 4, 3, 2)), L.Conv3D(3, (2, 3, 2), padding="same", name="down"), L.Conv3DTranspose(2, 2, strides=2, name="up")])
save(model, "theano", ["h5"])
with h5py.File(root / "theano.h5", "a") as f:
    for group in [f, f["model_weights"]]:
        group.attrs["backend"] = "theano"
down = model.get_layer("down")
down.set_weights([down.get_weights()[0][::-1, ::-1, ::-1], down.get_weights()[1]])
x = np.load(root / "theano.npz")["x"]
np.savez(root / "theano.npz", x=x, y0=np.asarray(model(x)).astype(np.float32))

with h5py.File(root.parents[1] / "TensorIOTests/Fixtures/hdf5/bfloat16.h5", "w") as f:
    values = np.array([[1, -2.5, 3.140625], [0, np.inf, 1e-40]], ml_dtypes.bfloat16)
    f.create_dataset("bare", data=values)
    f.create_dataset("told", data=values).attrs["dtype"] = "bfloat16"
    f.create_dataset("other", data=values).attrs["dtype"] = "complex8"
    f.create_dataset("number", data=values).attrs["dtype"] = 7
    f.create_dataset("single", data=np.zeros(3, "V1")).attrs["dtype"] = "bfloat16"
    for order, name in [(h5py.h5t.ORDER_LE, "little"), (h5py.h5t.ORDER_BE, "big")]:
        kind = h5py.h5t.IEEE_F32LE.copy()
        kind.set_fields(15, 7, 8, 0, 7)
        kind.set_size(2)
        kind.set_ebias(127)
        kind.set_order(order)
        data = h5py.h5d.create(f.id, f"float {name}".encode(), kind, h5py.h5s.create_simple(values.shape))
        data.write(h5py.h5s.ALL, h5py.h5s.ALL, values.astype(np.float32), mtype=h5py.h5t.NATIVE_FLOAT)

save(thawed_sequential(), "thawed_sequential", ["h5"])

# Weights without a model: the JSON beside them says what was frozen.
model = thawed(tf_keras)
model.trainable = False
find(model, "b").trainable = True
save(model, "weights_alone", [])
model.save_weights(root / "weights_alone.h5", save_format="h5")
(root / "weights_alone.json").write_text(model.to_json())
