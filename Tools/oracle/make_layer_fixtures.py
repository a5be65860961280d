#!/usr/bin/env python3
"""Writes Tests/LayerTests/Fixtures/layers: models of the layers that are no convolutions, with what Keras computes for them.

    KERAS_BACKEND=jax Tools/oracle/make_layer_fixtures.py

needs keras==3.15.1 with jax, numpy and h5py. Each case of cases.json is a model with its config; cases.npz has its weights and inputs, which
float32 holds exactly, and the results of the same model in float64. operations.json and .npz are the same of models of operations and masks. The
.keras and .h5 are models whose weights stand below others."""
import json
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ["JAX_ENABLE_X64"] = "1"
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers as L  # noqa: E402
from keras import ops  # noqa: E402
from keras.src.backend.common import dtypes  # noqa: E402

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Tests/LayerTests/Fixtures/layers"
FIRST, LAST = "channels_first", "channels_last"
VOLUME = (4, 3, 5, 6)  # unequal axes, channels last
random = np.random.default_rng(1607)


def one(make, shape=VOLUME):
    """A model of one layer."""

    def build():
        x = keras.Input(shape, name="x")
        return keras.Model(x, make()(x))

    return build


def several(make, *shapes):
    """A model of one layer of several inputs."""

    def build():
        xs = [keras.Input(shape, name=f"x{number}") for number, shape in enumerate(shapes)]
        return keras.Model(xs, make()(xs))

    return build


def function(body, *shapes):
    """A model of operations."""

    def build():
        xs = [keras.Input(shape, name=f"x{number}") for number, shape in enumerate(shapes)]
        return keras.Model(xs, body(*xs))

    return build


def adapted():
    layer = L.Normalization(axis=(1, -1))
    return layer


def unet():
    """Branches, a shared layer, a model in a model called twice, two inputs and outputs."""
    x = keras.Input((4, 6, 4, 2), name="image")
    z = keras.Input((4, 6, 4, 1), name="prior")
    inner_in = keras.Input((None, None, None, 3))
    inner = keras.Model(inner_in, L.ReLU()(L.BatchNormalization()(L.Conv3D(3, 3, padding="same", use_bias=False)(inner_in))), name="block")
    a = L.Conv3D(3, (1, 3, 3), padding="same")(L.Concatenate()([x, z]))
    a = inner(a)
    down = L.MaxPooling3D(2)(a)
    b = inner(L.Dropout(0.5)(down))
    shared = L.Conv3D(3, 1, name="shared")
    up = L.Conv3DTranspose(3, 2, strides=2)(shared(b))
    merged = L.Concatenate()([up, shared(a)])
    mask = L.Conv3D(2, 1, activation="softmax", name="mask")(L.GroupNormalization(2)(merged) * 0.5 + 1.0)
    code = L.Dense(3, activation="tanh", name="code")(L.GlobalAveragePooling3D()(b))
    return keras.Model([x, z], [mask, code])


def operations(x, y):
    z = ops.maximum(-x + y * 2.0, 0.5) / (abs(y) + 3)
    z = ops.concatenate([z, 3 - x], axis=-1)
    z = ops.softmax(ops.leaky_relu(z, 0.25) * np.arange(1, 13, dtype="float32") ** 0 * 0.5, axis=1)
    z = ops.sqrt(ops.square(z) + ops.exp(-z) ** 2)
    return ops.minimum(ops.gelu(z, approximate=False), ops.tanh(z)) - ops.elu(-z) + ops.log(z) * ops.sigmoid(z)


def cases():
    flat, steps = (5,), (3, 4, 2, 5, 2)
    table = {
        "PReLU": one(lambda: L.PReLU()),
        "PReLU shared": one(lambda: L.PReLU(shared_axes=[1, 2, 3])),
        "BatchNormalization": one(lambda: L.BatchNormalization()),
        "BatchNormalization axis 1": one(lambda: L.BatchNormalization(axis=1, epsilon=0.125)),
        "BatchNormalization plain": one(lambda: L.BatchNormalization(center=False, scale=False)),
        "BatchNormalization of rank 2": one(lambda: L.BatchNormalization(scale=False), flat),
        "LayerNormalization": one(lambda: L.LayerNormalization()),
        "LayerNormalization axes": one(lambda: L.LayerNormalization(axis=[1, 2, 3], epsilon=0.25)),
        "LayerNormalization ends": one(lambda: L.LayerNormalization(axis=[-2, -1], center=False)),
        "LayerNormalization apart": one(lambda: L.LayerNormalization(axis=[1, 4], scale=False)),
        "LayerNormalization alone": one(lambda: L.LayerNormalization(rms_scaling=True)),
        "GroupNormalization": one(lambda: L.GroupNormalization(3)),
        "GroupNormalization -1": one(lambda: L.GroupNormalization(-1, center=False)),
        "GroupNormalization axis 1": one(lambda: L.GroupNormalization(2, axis=1)),
        "GroupNormalization of rank 2": one(lambda: L.GroupNormalization(2, scale=False), (6,)),
        "UnitNormalization": one(lambda: L.UnitNormalization()),
        "UnitNormalization axes": one(lambda: L.UnitNormalization(axis=[1, 3])),
        "Rescaling": one(lambda: L.Rescaling(0.125, offset=-1.5)),
        "Rescaling lists": one(lambda: L.Rescaling([0.5, 2.0, 3.0, 1.0, 0.25, 8.0], offset=[1.0, 0.0, 0.0, 2.0, 0.5, -1.0])),
        "Normalization": one(lambda: L.Normalization(mean=[1.0, 2.0, 0.5, 0.0, -1.0, 3.0], variance=[4.0, 2.0, 1.0, 0.5, 8.0, 0.25])),
        "Normalization of nothing": one(lambda: L.Normalization(axis=None, mean=0.5, variance=0.0), flat),
        "Normalization all": one(lambda: L.Normalization(axis=None, mean=0.5, variance=4.0)),
        "Normalization back": one(lambda: L.Normalization(axis=2, mean=[1.0, 2.0, 0.5], variance=[4.0, 2.0, 0.25], invert=True)),
        "Normalization adapted": one(adapted),
        "Add": several(lambda: L.Add(), VOLUME, VOLUME, (1, 3, 1, 6)),
        "Add of ranks": several(lambda: L.Add(), (3, 4), (2, 3, 4)),
        "Subtract": several(lambda: L.Subtract(), VOLUME, VOLUME),
        "Multiply": several(lambda: L.Multiply(), VOLUME, (1, 1, 1, 6), VOLUME),
        "Average": several(lambda: L.Average(), VOLUME, VOLUME, VOLUME),
        "Maximum": several(lambda: L.Maximum(), VOLUME, VOLUME),
        "Minimum": several(lambda: L.Minimum(), VOLUME, VOLUME, VOLUME),
        "Concatenate": several(lambda: L.Concatenate(), VOLUME, (4, 3, 5, 2), VOLUME),
        "Concatenate axis 2": several(lambda: L.Concatenate(axis=2), VOLUME, (4, 1, 5, 6)),
        "Concatenate axis -4": several(lambda: L.Concatenate(axis=-4), VOLUME, (2, 3, 5, 6)),
        "Dot": several(lambda: L.Dot(axes=(2, 1)), (3, 4, 2), (4, 5)),
        "Dot of lengths": several(lambda: L.Dot(axes=-1, normalize=True), (3, 4), (2, 5, 4)),
        "Dot of rows": several(lambda: L.Dot(axes=1), (7,), (7,)),
        "Reshape": one(lambda: L.Reshape((6, -1, 2))),
        "Reshape all": one(lambda: L.Reshape((360,))),
        "Flatten": one(lambda: L.Flatten()),
        "Flatten first": one(lambda: L.Flatten(data_format=FIRST)),
        "Permute": one(lambda: L.Permute((3, 1, 4, 2))),
        "RepeatVector": one(lambda: L.RepeatVector(3), flat),
        "Dense": one(lambda: L.Dense(7, activation="relu"), flat),
        "Dense of rows": one(lambda: L.Dense(70, activation="gelu", use_bias=False), (3, 2, 6)),
        "Dense glu": one(lambda: L.Dense(8, activation=keras.activations.glu)),
        "TimeDistributed Dense": one(lambda: L.TimeDistributed(L.Dense(3, activation="tanh")), steps),
        "TimeDistributed BatchNormalization": one(lambda: L.TimeDistributed(L.BatchNormalization(axis=1)), steps),
        "TimeDistributed Conv3D": one(lambda: L.TimeDistributed(L.Conv3D(3, (2, 1, 3), padding="same")), steps),
        "TimeDistributed Conv3DTranspose": one(lambda: L.TimeDistributed(L.Conv3DTranspose(3, (2, 1, 3), strides=2)), steps),
        "TimeDistributed chain": one(
            lambda: L.TimeDistributed(keras.Sequential([L.Conv3D(3, 1), L.MaxPooling3D(2), L.Flatten(), L.Dense(2)])), steps),
        "operations": function(operations, VOLUME, VOLUME),
        "network": unet,
    }
    for layout in (LAST, FIRST):
        short = "last" if layout == LAST else "first"
        formats = {"data_format": layout}
        pools = [((2, 2, 2), None, "valid"), ((3, 2, 4), (2, 3, 1), "same"), ((2, 3, 1), (1, 2, 3), "valid"), ((1, 3, 2), (3, 1, 2), "same")]
        for number, (pool, strides, padding) in enumerate(pools):
            for make in (L.MaxPooling3D, L.AveragePooling3D):
                table[f"{make.__name__} {short} {number}"] = one(lambda a=make, b=pool, c=strides, d=padding, e=layout: a(b, c, d, data_format=e))
        for make in (L.GlobalMaxPooling3D, L.GlobalAveragePooling3D):
            for keeps in (False, True):
                table[f"{make.__name__} {short} {keeps}"] = one(lambda a=make, b=keeps, e=layout: a(keepdims=b, data_format=e))
        table[f"UpSampling3D {short}"] = one(lambda e=formats: L.UpSampling3D((2, 1, 3), **e))
        table[f"ZeroPadding3D {short}"] = one(lambda e=formats: L.ZeroPadding3D(((1, 0), (0, 2), (3, 1)), **e))
        table[f"Cropping3D {short}"] = one(lambda e=formats: L.Cropping3D(((1, 0), (0, 2), (1, 1)), **e))
    table["Softmax axes"] = one(lambda: L.Softmax(axis=[1, -1]))
    table["ZeroPadding3D number"] = one(lambda: L.ZeroPadding3D(1))
    table["ZeroPadding3D numbers"] = one(lambda: L.ZeroPadding3D((0, 2, 1)))
    table["Cropping3D number"] = one(lambda: L.Cropping3D(1), (4, 3, 5, 6))
    table["Cropping3D numbers"] = one(lambda: L.Cropping3D((1, 0, 2)))
    return table


def operation_cases():
    """Operations that are no layers, and layers with masks; most by themselves, so that float32 rounds once."""
    shape = (4, 3, 2, 5)

    def op(body, *shapes):
        return function(body, *(shapes or (shape,)))

    table = {
        "Clip": op(lambda x: ops.clip(x, -0.5, 1.25)),
        "Clip above": op(lambda x: ops.clip(x, 0.125, None)),
        "Threshold": op(lambda x: ops.threshold(x, 0.25, -3)),
        "Reshape": op(lambda x: ops.reshape(x, (-1, 6, 20))),
        "Transpose": op(lambda x: ops.transpose(x, (0, 3, 1, 4, 2))),
        "Transpose from the end": op(lambda x: ops.transpose(x, (0, -1, 2, -2, 1))),
        "Squeeze": op(lambda x: ops.squeeze(x, axis=-1), (3, 4, 1)),
        "Squeeze axes": op(lambda x: ops.squeeze(x, axis=(1, -2)), (1, 4, 1, 3)),
        "Squeeze all": op(lambda x: ops.squeeze(x), (3, 1, 4, 1)),
        "ExpandDims": op(lambda x: ops.expand_dims(x, 1)),
        "ExpandDims axes": op(lambda x: ops.expand_dims(x, (-1, 2))),
        "Stack": op(lambda x, y: ops.stack([x, y], axis=-1), shape, shape),
        "Stack inside": op(lambda x, y: ops.stack([x, y, x], axis=2), shape, shape),
        "GetItem": op(lambda x: x[:, 1:3, ::-1, 1]),
        "GetItem steps": op(lambda x: x[:, ::3, -2:, ..., 4:0:-2]),
        "GetItem from the end": op(lambda x: x[..., -1]),
        "GetItem new axis": op(lambda x: x[:, None, -3, ..., None, :3]),
        "GetItem beyond": op(lambda x: x[:, -9:9, 1:]),
        "Softmax masked": op(lambda x, m: L.Softmax()(x, mask=m), shape, shape),
        "Softmax masked axis": op(lambda x, m: L.Softmax(axis=2)(x, mask=m), shape, (1, 3, 1, 5)),
        "Softmax masked axes": op(lambda x, m: L.Softmax(axis=[1, -1])(x, mask=m), shape, (4, 3, 2, 1)),
        "operations in a row": op(chained, shape, shape),
    }
    for name, reduce in (("Mean", ops.mean), ("Sum", ops.sum), ("Max", ops.max), ("Min", ops.min)):
        table[name] = op(lambda x, f=reduce: f(x, axis=2))
        table[name + " kept"] = op(lambda x, f=reduce: f(x, axis=(1, -1), keepdims=True))
        table[name + " from the end"] = op(lambda x, f=reduce: f(x, axis=(-1, -2)))
        table[name + " apart"] = op(lambda x, f=reduce: f(x, axis=[1, 3]), (4, 3, 2, 1, 5))
    return table


def chained(x, y):
    z = ops.concatenate([x[:, :, 1:], ops.transpose(y, (0, 1, 3, 2, 4))[:, :, :, :2]], axis=2)
    z = z - ops.mean(z, axis=(1, 2, 3), keepdims=True)
    z = ops.clip(ops.reshape(z, (-1, 4, 4, 10)), -1, 1.5) + ops.expand_dims(ops.max(y, axis=(2, 3, 4)), (2, 3))
    return ops.stack([ops.sum(z, axis=2), ops.squeeze(z[:, :, 3:], axis=2) * 2], axis=1)


def keeping_float64(result_type):
    """Keras 3.15.1 has float32 for float64 beside a number of Python."""

    def kept(*types):
        return "float64" if "float64" in [str(getattr(one, "name", one)) for one in types] else result_type(*types)

    return kept


for module in (dtypes, keras.src.backend):
    module.result_type = keeping_float64(module.result_type)


def made(build, policy):
    keras.utils.clear_session()
    keras.config.set_dtype_policy(policy)
    keras.config.set_floatx(policy)
    return build()


def numbers(shape, isCount=False):
    """Eighths between -2 and 2 for small tensors of weights and inputs: exact in float32, and so are the sums of a few of them."""
    return np.round(random.uniform(-2, 2, shape) * 8) / 8 if not isCount else np.zeros(shape)


def weights_of(model):
    result = []
    for variable in model.weights:
        name = variable.path.split("/")[-1]
        values = numbers(variable.shape, name == "count")
        result.append(np.abs(values) + 0.25 if "variance" in name else values)
    return result


def write_cases(table, title):
    entries, arrays = [], {}
    for name, build in table.items():
        config = made(build, "float32").to_json()
        model = made(build, "float64")
        weights = weights_of(model)
        model.set_weights(weights)
        for layer in model.layers:
            if isinstance(layer, L.Normalization) and layer.input_mean is None:
                layer.finalize_state()
        batch = 2
        xs = [numbers((batch, *[extent or 3 for extent in x.shape[1:]])) for x in model.inputs]
        ys = model(xs[0] if len(xs) == 1 else xs)
        ys = ys if isinstance(ys, (list, tuple)) else [ys]
        for kind, values in (("w", weights), ("x", xs)):
            for number, value in enumerate(values):
                assert np.array_equal(value, value.astype("float32"))
                arrays[f"{name}/{kind}{number}"] = value.astype("float32")
        for number, y in enumerate(ys):
            y = np.asarray(y)
            assert y.dtype == np.float64 and np.isfinite(y).all(), (name, y.dtype)
            arrays[f"{name}/y{number}"] = y
        entries.append({"name": name, "model": json.loads(config), "inputs": len(xs), "weights": len(weights), "outputs": len(ys)})
    (FOLDER / f"{title}.json").write_text(json.dumps(entries, separators=(",", ":")) + "\n")
    np.savez_compressed(FOLDER / f"{title}.npz", **arrays)


def write_files():
    """Weights below wrappers, in models in wrappers, and adapted ones, as either format has them."""

    def build():
        x = keras.Input((2, 3, 4, 5, 2), name="clip")
        inner = keras.Sequential([L.Conv3D(3, 2, name="inner_conv"), L.BatchNormalization(name="inner_norm")], name="inner")
        y = L.TimeDistributed(L.Conv3D(4, 1, name="conv"), name="first")(x)
        y = L.TimeDistributed(inner, name="second")(y)
        y = L.TimeDistributed(L.BatchNormalization(name="norm"), name="third")(y)
        y = L.Normalization(axis=-1, name="standard")(y)
        return keras.Model(x, L.Dense(2, name="dense")(y), name="clips")

    model = made(build, "float32")
    weights = weights_of(model)
    model.set_weights(weights)
    for path in ("clips.keras", "clips.h5"):
        model.save(FOLDER / path)
    reference = made(build, "float64")
    reference.set_weights(weights)
    reference.get_layer("standard").finalize_state()
    x = numbers((2, 2, 3, 4, 5, 2))
    np.savez_compressed(FOLDER / "clips.npz", x=x.astype("float32"), y0=np.asarray(reference(x)))


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_cases(cases(), "cases")
    write_files()
    random = np.random.default_rng(1610)
    write_cases(operation_cases(), "operations")
