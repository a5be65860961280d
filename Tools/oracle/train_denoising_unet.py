#!/usr/bin/env python3
"""Trains the U-Net of Examples/brain-denoising, and writes its files.

    python3 -m venv .build/keras && .build/keras/bin/pip install keras==3.15.1 jax scipy
    KERAS_BACKEND=jax .build/keras/bin/python Tools/oracle/train_denoising_unet.py

Truth is the scan of Examples/brain-superresolution, turned so that its axis from back to front comes first: from left to right the template is the
mirror image of itself, and half of it tells the other half. Normal noise is added; the network learns on the first half, with new noise in every
patch, and is judged on the second half. One core needs about a quarter of an hour. Seeds are fixed, but sums of other processors
and versions differ in their last bits, and after hundreds of steps so do the weights.
"""
import argparse
import pathlib

import keras
import numpy
import scipy.ndimage

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "Examples"
FOLDER = EXAMPLES / "brain-denoising"
SIGMA = 0.1
FILTERS = [8, 16, 32]
PATCH = 24
BATCH = 2
# The part of the scan that the example denoises: around the middle of its first axis, so that half of it was seen and half was not.
PART = (slice(72, 120), slice(8, 152), slice(0, 144))
EVERY = 4


def block(x, filters, name):
    """Two convolutions, each with its normalization."""
    for index in (1, 2):
        x = keras.layers.Conv3D(filters, 3, padding="same", use_bias=False, name=f"{name}_conv{index}")(x)
        x = keras.layers.BatchNormalization(momentum=0.95, name=f"{name}_norm{index}")(x)
        x = keras.layers.ReLU(name=f"{name}_relu{index}")(x)
    return x


def unet(shape):
    """Three levels; the network's sum is the noise, which is taken off the input."""
    noisy = keras.Input((*shape, 1), name="noisy")
    x, skipped = noisy, []
    for level, filters in enumerate(FILTERS):
        if level > 0:
            skipped.append(x)
            x = keras.layers.MaxPooling3D(2, name=f"pool{level}")(x)
        x = block(x, filters, f"down{level}" if level < len(FILTERS) - 1 else "bottom")
    for level in reversed(range(len(FILTERS) - 1)):
        x = keras.layers.Conv3DTranspose(FILTERS[level], 2, strides=2, name=f"up{level}")(x)
        x = keras.layers.Concatenate(name=f"skip{level}")([skipped[level], x])
        x = block(x, FILTERS[level], f"join{level}")
    # From zeros, training starts at the input itself.
    noise = keras.layers.Conv3D(1, 1, kernel_initializer="zeros", name="noise")(x)
    return keras.Model(noisy, keras.layers.Add(name="denoised")([noisy, noise]), name="denoising_unet")


def patches(truth, random):
    """Endless batches of noisy and true patches whose middle lies in the brain."""
    while True:
        pairs = []
        while len(pairs) < BATCH:
            corner = [int(random.integers(extent - PATCH + 1)) for extent in truth.shape]
            patch = truth[tuple(slice(start, start + PATCH) for start in corner)]
            if patch[PATCH // 2, PATCH // 2, PATCH // 2] > 0:
                pairs.append((patch + SIGMA * random.standard_normal(patch.shape), patch))
        yield [numpy.stack(arrays)[..., None].astype("float32") for arrays in zip(*pairs)]


def psnr(volume, truth):
    """In dB, for a peak of 1."""
    return float(-10 * numpy.log10(numpy.mean((volume.astype("float64") - truth) ** 2)))


def smoothed(noisy, truth, half):
    """The best that Gaussian smoothing does: its width is the one that suits the half given."""
    widths = numpy.arange(0.4, 1.6, 0.05)
    best = max(widths, key=lambda width: psnr(scipy.ndimage.gaussian_filter(noisy, width)[:half], truth[:half]))
    return best, scipy.ndimage.gaussian_filter(noisy, best)


def save(trained, truth):
    """Writes the example, and prints what the second half of it gains."""
    part = truth[PART]
    half = part.shape[0] // 2
    noise = SIGMA * numpy.random.default_rng(2).standard_normal(part.shape)
    noisy = (part + noise).astype("float16")
    model = unet(part.shape)
    model.set_weights(trained.get_weights())
    model.save(FOLDER / "denoising_unet.keras")
    numpy.save(FOLDER / "noisy_float16.npy", noisy[None, ..., None])
    numpy.save(FOLDER / "truth_uint8.npy", numpy.rint(part * 255).astype("uint8"))
    loaded = keras.models.load_model(FOLDER / "denoising_unet.keras")
    y = numpy.asarray(loaded.predict(noisy.astype("float32")[None, ..., None], verbose=0))
    numpy.save(FOLDER / f"expected_every_{EVERY}th_voxel.npy", y[:, ::EVERY, ::EVERY, ::EVERY])
    noisy, y = noisy.astype("float32"), y[0, ..., 0]
    width, smooth = smoothed(noisy, part, half)
    brain = part[half:] > 0
    for name, volume in (("noisy", noisy), (f"smoothed with sigma {width:.2f}", smooth), ("network", y)):
        inside = psnr(volume[half:][brain], part[half:][brain])
        print(f"{name}: first half {psnr(volume[:half], part[:half]):.2f} dB, "
              f"held out {psnr(volume[half:], part[half:]):.2f} dB, in the brain of it {inside:.2f} dB", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=800)
    steps = parser.parse_args().steps
    keras.utils.set_random_seed(1)
    FOLDER.mkdir(exist_ok=True)
    scan = numpy.load(EXAMPLES / "brain-superresolution" / "t1_highres_uint8.npy")
    truth = scan.transpose(1, 0, 2).astype("float32") / 255
    batches = patches(truth[:truth.shape[0] // 2], numpy.random.default_rng(1))
    model = unet((None, None, None))
    rate = keras.optimizers.schedules.InverseTimeDecay(2e-3, decay_steps=300, decay_rate=1)
    model.compile(keras.optimizers.Adam(rate), loss="mse")
    print(f"{model.count_params()} weights")
    sums = 0.0
    for step in range(1, steps + 1):
        sums += float(model.train_on_batch(*next(batches)))
        if step % 50 == 0:
            print(f"step {step}: {-10 * numpy.log10(sums / 50):.2f} dB", flush=True)
            sums = 0.0
        # As training may be stopped early, the files are there from the first hundreds of steps on.
        if step % 200 == 0 or step == steps:
            save(model, truth)


if __name__ == "__main__":
    main()
