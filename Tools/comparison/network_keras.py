"""Keras: the networks as functional models, on the backend that KERAS_BACKEND names. As a program it writes one of them into a folder.

KERAS_LIBRARY=tf_keras takes tf-keras 2 in the place of Keras 3."""

import importlib
import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import network_case  # noqa: E402
import networks  # noqa: E402

keras = importlib.import_module(os.environ.get("KERAS_LIBRARY", "keras"))
layers = keras.layers


def layer(step):
    """The layers of a step, the first of which has its weights."""
    attributes, name = step.attributes, step.name
    match step.operation:
        case "conv":
            return [layers.Conv3D(
                step.shape[-1], attributes["kernel"], attributes["strides"], "same", activation=attributes["activation"], name=name)]
        case "up":
            return [layers.Conv3DTranspose(
                step.shape[-1], attributes["kernel"], attributes["strides"], attributes["padding"], activation=attributes["activation"],
                name=name)]
        case "project":
            dense = layers.Dense(step.weights["bias"][0], activation=attributes["activation"], name=name)
            return [dense, layers.Reshape(step.shape, name=f"{name}_volume")]
        case "batch_norm":
            return [layers.BatchNormalization(epsilon=attributes["epsilon"], name=name)]
        case "instance_norm":
            return [layers.GroupNormalization(groups=-1, epsilon=attributes["epsilon"], name=name)]
        case "prelu":
            return [layers.PReLU(shared_axes=[1, 2, 3], name=name)]
        case "activate" if attributes["function"] == "leaky_relu":
            return [layers.LeakyReLU(attributes["slope"], name=name)]
        case "activate":
            return [layers.Activation(attributes["function"], name=name)]
        case "max_pool":
            return [layers.MaxPooling3D(2, name=name)]
        case "concat":
            return [layers.Concatenate(name=name)]
        case "add":
            return [layers.Add(name=name)]
    raise NotImplementedError(step.operation)


def model(network, weights):
    """The model with its weights: lists by the names of steps, in the order of Keras."""
    tensors = {"input": keras.Input(network.input, name="input")}
    for step in network.steps:
        made = layer(step)
        y = [tensors[name] for name in step.inputs]
        y = y if len(y) > 1 else y[0]
        for one in made:
            y = one(y)
        if step.weights:
            made[0].set_weights([values.reshape(own.shape) for values, own in zip(weights[step.name], made[0].weights)])
        tensors[step.name] = y
    return keras.Model(tensors["input"], tensors[network.steps[-1].name], name=network.name)


def main(name, folder):
    network = networks.network(name)
    network_case.write(network, folder)
    case = network_case.NetworkCase({"network": name}, folder)
    model(network, case.weights).save(Path(folder) / "model.keras")


if __name__ == "__main__":
    main(*sys.argv[1:])
