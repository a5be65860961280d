"""A transposed convolution as an ONNX model, for the libraries that read those."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper


def model(case):
    """The bytes of a model of NCDHW tensors "x" and "y"."""
    pads = [*case.crop, *(max(0, end) for end in case.crop_end)]
    attributes = {
        "kernel_shape": case.kernel, "strides": case.strides, "dilations": case.dilations, "group": case.groups, "pads": pads,
        "output_padding": [max(0, -end) for end in case.crop_end],
    }
    constants = [numpy_helper.from_array(np.ascontiguousarray(np.transpose(case.weights, (4, 3, 0, 1, 2))), "w")]
    if case.bias is not None:
        constants.append(numpy_helper.from_array(case.bias, "b"))
    inputs = ["x", *(constant.name for constant in constants)]
    last = "y" if case.activation == "linear" else "sum"
    nodes = [helper.make_node("ConvTranspose", inputs, [last], **attributes)]
    if case.activation != "linear":
        operator = {"relu": "Relu", "leaky_relu": "LeakyRelu", "sigmoid": "Sigmoid", "tanh": "Tanh"}[case.activation]
        more = {"alpha": case.slope} if case.activation == "leaky_relu" else {}
        nodes.append(helper.make_node(operator, [last], ["y"], **more))

    def tensor(name, spatial, channels):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [case.batch, channels, *spatial])

    graph = helper.make_graph(
        nodes, "layer", [tensor("x", case.input, case.channels)], [tensor("y", case.output, case.filters)], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def channels_first(case):
    return np.ascontiguousarray(case.x if case.is_channels_first else np.moveaxis(case.x, -1, 1))
