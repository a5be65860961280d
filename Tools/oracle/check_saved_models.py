#!/usr/bin/env python3
"""Loads in Keras what Voxelsmith saved, and compares predictions.

    VOXELSMITH_SAVED_MODELS=DIR swift test -c release --disable-testable-imports --filter filesForKeras
    python3 -m venv .build/keras && .build/keras/bin/pip install keras==3.15.1 h5py jax tf-keras==2.21.0 tensorflow-cpu safetensors
    KERAS_BACKEND=jax .build/keras/bin/python Tools/oracle/check_saved_models.py DIR

Beside NAME.keras, NAME.h5, NAME.weights.h5, NAME.safetensors, NAME.weights.npz and NAME.keras3.keras lies NAME.values.npz: inputs x0, x1, ...,
outputs y0, y1, ... in the order of the model, and `tolerance`, the largest difference that rounding explains: 0 where weights and inputs are
small integers, all sums are exact, and activations choose between their operand and 0.

Files in the form of Keras 3 are loaded in Keras 3, those in the form of tf.keras in tf-keras where that is installed; models of older generations
are loaded by neither in that form, only as NAME.keras3.keras. Each file must be loaded, or be among those that Keras itself would not read,
or misreads when it has written them itself.
"""
import importlib.util
import json
import os
import sys
import zipfile

import keras
import numpy


# In a frozen model with a layer that was set trainable again, tf-keras lists the weights of that layer first when it saves, and last when it loads,
# as the model freezes its layers when it is made. It misreads the file that it wrote itself (Tests/LayerTests/Fixtures/thawed_tfkeras2.h5), and
# this one, whose weights are in the same order.
MISREAD = {"thawed_tfkeras2_h5.h5"}


def tf_keras():
    """tf-keras, or None where it is not installed."""
    if importlib.util.find_spec("tf_keras") is None:
        return None
    import tf_keras
    return tf_keras


def version_of(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None, path
        return json.loads(archive.read("metadata.json"))["keras_version"]


def numbers(version):
    return tuple(int(part) for part in version.split("-")[0].split("."))


def outputs_of(model, inputs):
    """All outputs as a flat list: those of a dictionary in the order of their keys, as Voxelsmith has them."""
    results = model.predict(inputs[0] if len(inputs) == 1 else inputs, verbose=0)
    if isinstance(results, dict):
        results = [results[key] for key in sorted(results)]
    return [numpy.asarray(y) for y in (results if isinstance(results, (list, tuple)) else [results])]


def named(model, inputs):
    """Inputs as the model wants them: a dictionary where it was made of one."""
    structure = getattr(model, "_inputs_struct", None)
    if isinstance(structure, dict):
        return [dict(zip(sorted(structure), inputs))]
    return inputs


def compare(model, values, what):
    inputs = [values[f"x{index}"] for index in range(sum(key.startswith("x") for key in values.files))]
    expected = [values[f"y{index}"] for index in range(sum(key.startswith("y") for key in values.files))]
    received = outputs_of(model, named(model, inputs))
    assert len(received) == len(expected), f"{what}: {len(received)} outputs; expected {len(expected)}"
    worst = 0.0
    for y, target in zip(received, expected):
        assert y.shape == target.shape, f"{what}: shape {y.shape}; expected {target.shape}"
        worst = max(worst, float(numpy.abs(y.astype("float64") - target).max(initial=0)))
    tolerance = float(values["tolerance"])
    assert worst <= tolerance, f"{what}: differs by {worst}; expected at most {tolerance}"
    return worst


def check_misread(model, values, what):
    """A file that is not misread any more has nothing to do in the list."""
    try:
        compare(model, values, what)
    except AssertionError:
        return
    raise AssertionError(f"{what}: is read rightly; expected what is listed as misread")


def check_weights(model, path, values, what):
    """Weights alone, into a model whose weights are others."""
    model.set_weights([numpy.full(weight.shape, 7, dtype=weight.dtype) for weight in model.get_weights()])
    model.load_weights(path)
    return compare(model, values, what)


def check_arrays(base):
    """The two archives of arrays hold the same."""
    if importlib.util.find_spec("safetensors") is None:
        return
    from safetensors.numpy import load_file
    tensors, arrays = load_file(f"{base}.safetensors"), numpy.load(f"{base}.weights.npz")
    assert set(tensors) == set(arrays.files), base
    for name in arrays.files:
        assert tensors[name].dtype == arrays[name].dtype and numpy.array_equal(tensors[name], arrays[name]), f"{base}: {name}"


def check(base, old_keras):
    """Loads every file of one model. Returns what was done, in words."""
    values = numpy.load(f"{base}.values.npz")
    version = version_of(f"{base}.keras")
    done = []
    if version.startswith("3."):
        library, files = keras, [f"{base}.keras", f"{base}.h5"]
    elif numbers(version) >= (2, 13):
        library, files = old_keras, [f"{base}.keras", f"{base}.h5"]
    elif version.endswith("-tf") and numbers(version) <= (2, 1, 2):
        # The Conv3DTranspose of TensorFlow 1.4 and 1.5 computed an ordinary convolution.
        library, files = old_keras, []
    else:
        # Whole models of these come from .h5 files only.
        library, files = old_keras, [f"{base}.h5"]
    for path in files if library is not None else []:
        model = library.models.load_model(path, compile=False)
        if os.path.basename(path) in MISREAD:
            check_misread(model, values, path)
            continue
        compare(model, values, path)
        done.append(os.path.basename(path))
        if path.endswith(".keras"):
            check_weights(model, f"{base}.weights.h5", values, f"{base}.weights.h5")
            done.append(os.path.basename(f"{base}.weights.h5"))
    converted = f"{base}.keras3.keras"
    if os.path.exists(converted):
        model = keras.saving.load_model(converted, compile=False)
        compare(model, values, converted)
        check_weights(model, f"{base}.weights.h5", values, f"{base}.weights.h5 in Keras 3")
        done.append(os.path.basename(converted))
    check_arrays(base)
    return f"Keras {version}: {', '.join(done)}"


def main(folder):
    old_keras = tf_keras()
    if old_keras is None:
        print("tf-keras is not installed: files of its form are left out")
    bases = sorted(os.path.join(folder, name[:-len(".values.npz")]) for name in os.listdir(folder) if name.endswith(".values.npz"))
    assert bases, f"{folder} has no .values.npz"
    failures = 0
    for base in bases:
        try:
            print(f"{os.path.basename(base)}: {check(base, old_keras)}")
        except Exception as error:
            failures += 1
            print(f"{os.path.basename(base)}: FAILED: {type(error).__name__}: {str(error)[:2000]}")
    print(f"{len(bases) - failures} of {len(bases)} models agree")
    return 1 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
