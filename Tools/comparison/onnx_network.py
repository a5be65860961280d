"""A network as an ONNX model of NCDHW tensors, or of a vector as its input."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

import networks

FUNCTIONS = {"relu": "Relu", "sigmoid": "Sigmoid", "leaky_relu": "LeakyRelu", "softmax": "Softmax"}


class Graph:
    def __init__(self, case):
        self.network, self.weights, self.nodes, self.constants = case.network, case.weights, [], []

    def node(self, operator, inputs, output, constants=(), **attributes):
        names = []
        for values in constants:
            names.append(f"constant_{len(self.constants)}")
            self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), names[-1]))
        self.nodes.append(helper.make_node(operator, [*inputs, *names], [output], **attributes))

    def function(self, name, x, y, slope=None):
        more = {"leaky_relu": {"alpha": slope}, "softmax": {"axis": 1}}.get(name, {})
        self.node(FUNCTIONS[name], [x], y, **more)

    def step(self, step):
        """Adds the nodes of a step. Where one has an activation of its own, its sums have a name of their own."""
        attributes, weights = step.attributes, self.weights.get(step.name, [])
        own = attributes.get("activation")
        y = f"{step.name}_sum" if own else step.name
        match step.operation:
            case "conv" | "up":
                self.convolution(step, y, *weights)
            case "project":
                self.project(step, y, *weights)
            case "batch_norm":
                self.node("BatchNormalization", step.inputs, y, weights, epsilon=attributes["epsilon"])
            case "instance_norm":
                self.node("InstanceNormalization", step.inputs, y, weights, epsilon=attributes["epsilon"])
            case "prelu":
                self.node("PRelu", step.inputs, y, [weights[0].reshape(-1, 1, 1, 1)])
            case "activate":
                self.function(attributes["function"], step.inputs[0], y, attributes["slope"])
            case "max_pool":
                self.node("MaxPool", step.inputs, y, kernel_shape=[2, 2, 2], strides=[2, 2, 2])
            case "concat":
                self.node("Concat", step.inputs, y, axis=1)
            case "add":
                self.node("Add", step.inputs, y)
            case _:
                raise NotImplementedError(step.operation)
        if own:
            self.function(own, y, step.name)

    def convolution(self, step, y, kernel, bias):
        before, is_up = self.network.shapes[step.inputs[0]], step.operation == "up"
        near, far = (before, step.shape) if is_up else (step.shape, before)
        crops = [networks.crops(n, f, step) for n, f in zip(near[:-1], far[:-1])]
        self.node(
            "ConvTranspose" if is_up else "Conv", step.inputs, y, [np.transpose(kernel, (4, 3, 0, 1, 2)), bias],
            kernel_shape=[step.attributes["kernel"]] * 3, strides=[step.attributes["strides"]] * 3,
            pads=[max(0, begin) for begin, _ in crops] + [max(0, end) for _, end in crops])

    def project(self, step, y, kernel, bias):
        """Features in the order of the volume that they become."""
        *spatial, channels = step.shape
        kernel, bias = (np.moveaxis(v.reshape(-1, *step.shape), -1, 1).reshape(v.shape) for v in (kernel, bias))
        self.node("Gemm", step.inputs, f"{y}_features", [kernel, bias])
        self.node("Reshape", [f"{y}_features"], y, [np.array([1, channels, *spatial], np.int64)])


def model(case):
    """The bytes of a model that maps "x" to "y", batch 1."""
    graph = Graph(case)
    for step in case.network.steps:
        graph.step(step)
    last = case.network.steps[-1]
    graph.node("Identity", [last.name], "y")

    def tensor(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, shape[-1], *shape[:-1]])

    renamed = {"input": "x"}
    for node in graph.nodes:
        for index, name in enumerate(node.input):
            node.input[index] = renamed.get(name, name)
    made = helper.make_graph(
        graph.nodes, case.network.name, [tensor("x", case.network.input)], [tensor("y", last.shape)], graph.constants)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
