"""A layer or a network as an ONNX model, for the libraries that read those."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

import onnx_network


def model(case):
    """The bytes of a model of NCDHW tensors "x" and "y"."""
    if hasattr(case, "network"):
        return onnx_network.model(case)
    pads = [*case.crop, *(max(0, end) for end in case.crop_end)]
    attributes = {
        "kernel_shape": case.kernel, "strides": case.strides, "dilations": case.dilations, "group": case.groups, "pads": pads,
    }
    if not case.is_ordinary:
        attributes["output_padding"] = [max(0, -end) for end in case.crop_end]
    constants = [numpy_helper.from_array(case.channels_first_weights, "w")]
    if case.bias is not None:
        constants.append(numpy_helper.from_array(case.bias, "b"))
    inputs = ["x", *(constant.name for constant in constants)]
    last = "y" if case.activation == "linear" else "sum"
    nodes = [helper.make_node("Conv" if case.is_ordinary else "ConvTranspose", inputs, [last], **attributes)]
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
    """The input of the model; a vector has no layout."""
    is_volume = case.x.ndim == 5 and not case.is_channels_first
    return np.ascontiguousarray(np.moveaxis(case.x, -1, 1) if is_volume else case.x)
