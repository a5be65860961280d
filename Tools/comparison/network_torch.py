"""PyTorch: the networks in its own functions, in both memory layouts, and Keras on the backend torch.

Where torch can only pad or crop both ends of an axis alike, the axis is turned round for layers. In a network all axes are, once and before the
clock starts: input, weights and result.
"""

import os

os.environ["KERAS_BACKEND"] = "torch"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch.nn import functional  # noqa: E402

import networks  # noqa: E402

SPATIAL = (2, 3, 4)


class Library:
    variants = {"torch NCDHW": torch.contiguous_format, "torch NDHWC": torch.channels_last_3d, "keras torch": None}

    def __init__(self, threads, reuses_output):
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self.versions = {"torch": torch.__version__}

    def reason_against(self, case, variant):
        return None

    def prepare(self, case, variant):
        self.is_keras = variant == "keras torch"
        if self.is_keras:
            import network_keras

            self.versions["keras"] = network_keras.keras.__version__
            model, x = network_keras.model(case.network, case.weights), torch.from_numpy(case.x)
            return lambda: model(x, training=False)
        steps = Steps(case, self.variants[variant])
        x = turned(case.x) if case.x.ndim == 5 else torch.from_numpy(case.x)
        x = x.contiguous(memory_format=self.variants[variant]) if case.x.ndim == 5 else x
        return lambda: steps(x)

    def array(self, result, case):
        return result.numpy() if self.is_keras else np.moveaxis(torch.flip(result, SPATIAL).numpy(), 1, -1)


def turned(values):
    """An array with the channels last, as torch has it, turned round."""
    return torch.flip(torch.from_numpy(np.ascontiguousarray(np.moveaxis(values, -1, 1))), SPATIAL).contiguous()


class Steps:
    def __init__(self, case, memory_format):
        self.network, self.memory_format = case.network, memory_format
        self.calls = [self.call(step, case.weights.get(step.name, [])) for step in self.network.steps]
        self.last_uses = [self.last_used(index) for index in range(len(self.network.steps))]

    def last_used(self, index):
        """The inputs of a step that no later one has."""
        later = {name for step in self.network.steps[index + 1:] for name in step.inputs}
        return set(self.network.steps[index].inputs) - later

    def __call__(self, x):
        values = {"input": x}
        for step, call, dropped in zip(self.network.steps, self.calls, self.last_uses):
            values[step.name] = call(*(values[name] for name in step.inputs))
            for name in dropped:
                del values[name]
        return values[self.network.steps[-1].name]

    def call(self, step, weights):
        tensors = [torch.from_numpy(values) for values in weights]
        attributes, epsilon = step.attributes, step.attributes.get("epsilon")
        match step.operation:
            case "conv" | "up":
                return self.convolution(step, *weights)
            case "project":
                return self.project(step, *weights)
            case "batch_norm":
                gamma, beta, mean, variance = tensors
                return lambda x: functional.batch_norm(x, mean, variance, gamma, beta, False, 0, epsilon)
            case "instance_norm":
                gamma, beta = tensors
                return lambda x: functional.instance_norm(x, weight=gamma, bias=beta, eps=epsilon)
            case "prelu":
                return lambda x: functional.prelu(x, tensors[0])
            case "activate":
                return self.function(attributes["function"], attributes["slope"], self.is_last_use(step))
            case "max_pool":
                return lambda x: functional.max_pool3d(x, 2)
            case "concat":
                return lambda *xs: torch.cat(xs, 1)
            case "add":
                return lambda x, y: x + y
        raise NotImplementedError(step.operation)

    def is_last_use(self, step):
        """Whether a step may overwrite its input, as nothing else reads it."""
        name = step.inputs[0]
        return name != "input" and sum(name in other.inputs for other in self.network.steps) == 1

    @staticmethod
    def function(name, slope=None, in_place=True):
        match name:
            case None:
                return lambda x: x
            case "relu":
                return lambda x: functional.relu(x, inplace=in_place)
            case "leaky_relu":
                return lambda x: functional.leaky_relu(x, slope, inplace=in_place)
            case "sigmoid":
                return torch.sigmoid_ if in_place else torch.sigmoid
            case "softmax":
                return lambda x: functional.softmax(x, 1)
        raise NotImplementedError(name)

    def convolution(self, step, kernel, bias):
        weights = torch.flip(torch.from_numpy(np.ascontiguousarray(np.transpose(kernel, (4, 3, 0, 1, 2)))), SPATIAL)
        weights, bias = weights.contiguous(memory_format=self.memory_format), torch.from_numpy(bias)
        strides, function = step.attributes["strides"], self.function(step.attributes["activation"])
        before, is_up = self.network.shapes[step.inputs[0]], step.operation == "up"
        near, far = (before, step.shape) if is_up else (step.shape, before)
        crops = [networks.crops(n, f, step) for n, f in zip(near[:-1], far[:-1])]
        # Turned round, an axis begins with its end, where Keras crops as much or more.
        pads = [max(0, end) for _, end in crops]
        if is_up:
            extra = [max(0, end) - begin for begin, end in crops]
            return lambda x: function(functional.conv_transpose3d(x, weights, bias, strides, pads, extra))
        return lambda x: function(functional.conv3d(x, weights, bias, strides, pads))

    def project(self, step, kernel, bias):
        """Features in the order of the volume that they become."""
        *spatial, channels = step.shape
        kernel, bias = (turned(values.reshape(-1, *step.shape)).reshape(values.shape) for values in (kernel, bias))
        kernel, function = kernel.T.contiguous(), self.function(step.attributes["activation"])

        def call(x):
            y = function(functional.linear(x, kernel, bias)).reshape(-1, channels, *spatial)
            return y.contiguous(memory_format=self.memory_format)

        return call
