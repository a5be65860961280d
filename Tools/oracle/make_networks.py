#!/usr/bin/env python3
"""Writes Tests/LayerTests/Fixtures/networks: the networks of `Tools/compare --networks` with few filters, and what Keras computes for them.

    KERAS_BACKEND=jax Tools/oracle/make_networks.py                      keras==3.15.1 with jax, numpy and h5py: NAME_keras3.keras
    KERAS_LIBRARY=tf_keras Tools/oracle/make_networks.py                 tf-keras==2.21.0 with tensorflow-cpu: NAME_tfkeras2.h5

    --size full    the networks as they are, hundreds of megabytes, which --folder must then be for
    --folder DIR   another folder
    --only NAME    one network

Beside each model lies an .npz of the same name: the result `y0` of that Keras in float32; Keras 3, which must run first, also writes the input
`x0`, and the result `exact0` of the same model with the same weights in float64. tf-keras checks it where TensorFlow has all layers in float64:
MaxPooling3D it has not."""
import argparse
import os
import pathlib
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ["JAX_ENABLE_X64"] = "1"
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tools/comparison"))
import numpy as np  # noqa: E402
import network_case  # noqa: E402
import network_keras  # noqa: E402
import networks  # noqa: E402

keras = network_keras.keras
IS_LEGACY = keras.__name__ == "tf_keras"
FOLDER = ROOT / "Tests/LayerTests/Fixtures/networks"


def keep_double():
    """Keras 3.15.1 has float32 for float64 beside a number of Python, in the midst of GroupNormalization."""
    from keras.src.backend.common import dtypes
    result_type = dtypes.result_type

    def kept(*types):
        return "float64" if "float64" in [str(getattr(one, "name", one)) for one in types] else result_type(*types)

    for module in (dtypes, keras.src.backend):
        module.result_type = kept


def draw(network):
    """Weights by step, in the order of Keras. Statistics of normalizations are far from 0 and 1, so that leaving one out is seen."""
    values, random, result = network_case.draw(network), np.random.default_rng(3), {}
    for step in network.steps:
        for name, shape in step.weights.items():
            if name == "gamma":
                values[f"{step.name}/{name}"] = random.uniform(0.5, 1.5, shape)
            elif name == "moving_variance":
                values[f"{step.name}/{name}"] = random.uniform(0.25, 2.5, shape)
            elif name in ("moving_mean", "beta"):
                values[f"{step.name}/{name}"] = random.standard_normal(shape) * 0.5
        if step.weights:
            result[step.name] = [values[f"{step.name}/{name}"].astype(np.float32) for name in step.weights]
    return result


def made(network, weights, policy):
    keras.backend.clear_session()
    # Of tf-keras, the policies are one level deeper.
    set_policy = keras.mixed_precision.set_global_policy if IS_LEGACY else keras.config.set_dtype_policy
    set_policy(policy)
    keras.backend.set_floatx(policy)
    return network_keras.model(network, weights)


def result(model, x):
    return np.asarray(model(x, training=False))


def write(name, folder, is_small):
    network = networks.network(name, is_small)
    weights = draw(network)
    x = np.random.default_rng(2).standard_normal((2 if is_small else 1, *network.input)).astype(np.float32)
    base = folder / f"{name}_{'tfkeras2' if IS_LEGACY else 'keras3'}"
    model = made(network, weights, "float32")
    y = result(model, x)
    model.save(f"{base}.h5" if IS_LEGACY else f"{base}.keras")
    stored = np.load(folder / f"{name}_keras3.npz") if IS_LEGACY else None
    has_double = not IS_LEGACY or all(step.operation != "max_pool" for step in network.steps)
    exact = result(made(network, weights, "float64"), x.astype(np.float64)) if has_double else stored["exact0"]
    assert y.dtype == np.float32 and exact.dtype == np.float64 and np.isfinite(exact).all(), name
    error = np.abs(y - exact).max()
    print(f"{base.name}: {y.shape}, {sum(v.size for values in weights.values() for v in values)} weights, "
          f"results {exact.min():.3g} to {exact.max():.3g}, deviation {exact.std():.3g}, float32 differs by {error:.3g}")
    # Arithmetic that was float32 in some place would show.
    assert 0 < error < 1e-3
    arrays = {"x0": x, "y0": y}
    if IS_LEGACY:
        # tf-keras rounds the slope of LeakyReLU to float32, whatever the policy.
        assert np.array_equal(stored["x0"], x) and np.abs(stored["exact0"] - exact).max() < 0.02 * error, name
        del arrays["x0"]
    else:
        arrays["exact0"] = exact
    np.savez_compressed(f"{base}.npz", **arrays)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=("small", "full"), default="small")
    parser.add_argument("--folder", type=pathlib.Path)
    parser.add_argument("--only", choices=tuple(networks.DEFINITIONS))
    options = parser.parse_args()
    if options.size == "full" and options.folder is None:
        parser.error("--size full needs --folder")
    if not IS_LEGACY:
        keep_double()
    target = options.folder or FOLDER
    target.mkdir(parents=True, exist_ok=True)
    for network_name in [options.only] if options.only else networks.DEFINITIONS:
        write(network_name, target, options.size == "small")
