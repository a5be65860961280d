#!/usr/bin/env python3
"""Writes Tests/KerasConfigTests/Fixtures/onnx_conv_transpose.json: what onnxruntime computes for small 3-D ConvTranspose
nodes, so that the reading of ONNX's padding attributes is pinned by somebody else's arithmetic.

    python3 -m venv .build/onnx && .build/onnx/bin/pip install -r Tools/oracle/requirements.txt
    .build/onnx/bin/python Tools/oracle/make_onnx_fixtures.py

Each case: attributes (as in the ONNX node), input shape and values (N, C, D, H, W), weight shape and values in ONNX order
(C, F/G, kD, kH, kW), bias, the output shape and values of onnxruntime, and whether onnx.reference agrees ("agrees",
"differs", "raises: ...", or "extended", see below). All numbers are small integers, so float32 is exact and the comparison can be too.

Three kinds of node are special:
- `refused`: onnxruntime refuses it, and so does Voxelsmith. Also SAME_* nodes whose total padding is negative: the operator's
  text says that their output is input * stride, onnxruntime makes it shorter, and Voxelsmith refuses.
- `extended`: the output reaches a stride or more beyond the last tap. The operator's text does not forbid it; onnxruntime
  refuses. The recorded output is onnxruntime's for the largest output it accepts, with zeros appended.
"""
import itertools
import json
import os
import random

import numpy
import onnx
import onnx.helper
import onnx.reference
import onnxruntime

DESTINATION = os.path.join(os.path.dirname(__file__), "..", "..", "Tests", "KerasConfigTests", "Fixtures",
                           "onnx_conv_transpose.json")


def node_model(attributes, x, w, b):
    inputs = {"x": x, "w": w}
    if b is not None:
        inputs["b"] = b
    node = onnx.helper.make_node("ConvTranspose", list(inputs), ["y"], **attributes)
    graph = onnx.helper.make_graph(
        [node], "case",
        [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, value.shape) for name, value in inputs.items()],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)])
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 22)], ir_version=10), inputs


def evaluate(attributes, x, w, b):
    model, inputs = node_model(attributes, x, w, b)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        y = session.run(None, inputs)[0]
    except Exception as error:
        return None, str(error).split("\n")[0]
    try:
        reference = onnx.reference.ReferenceEvaluator(model).run(None, inputs)[0]
        agreement = "agrees" if reference.shape == y.shape and numpy.array_equal(reference, y) else "differs"
    except Exception as error:
        agreement = "raises: " + type(error).__name__
    return y, agreement


def cases():
    """Attributes, spatial input extents, channels, filters, whether there is a bias. Unequal axes throughout."""
    base = dict(kernel_shape=[2, 3, 4])
    plain = ([2, 3, 2], 2, 3, False)
    yield base, *plain
    yield base, [1, 1, 1], 1, 1, True
    for strides in ([2, 1, 3], [3, 2, 1], [1, 3, 2], [4, 4, 4]):
        yield dict(base, strides=strides), *plain
        yield dict(base, strides=strides, dilations=[2, 1, 3]), *plain
        yield dict(base, strides=strides, pads=[0, 1, 1, 1, 0, 2]), *plain
        yield dict(base, strides=strides, pads=[1, 1, 2, 0, 0, 0], dilations=[1, 2, 1]), *plain
        padding = [min(2, s - 1) for s in strides]
        yield dict(base, strides=strides, output_padding=padding), *plain
        yield dict(base, strides=strides, output_padding=padding, pads=[0, 1, 1, 1, 2, 0]), [2, 3, 4], 1, 2, True
    # auto_pad. kernel - stride of every parity; totals of 0, odd and even.
    for auto_pad in ("SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"):
        for kernel, strides in itertools.product(([2, 3, 4], [3, 3, 3], [5, 4, 2]), ([1, 1, 1], [2, 2, 2], [1, 2, 1])):
            yield dict(kernel_shape=kernel, strides=strides, auto_pad=auto_pad), [2, 1, 3], 1, 2, False
        yield dict(kernel_shape=[3, 2, 2], strides=[2, 1, 2], dilations=[2, 3, 1], auto_pad=auto_pad), [2, 3, 2], 2, 1, False
        yield dict(kernel_shape=[3, 4, 5], strides=[2, 3, 4], output_padding=[1, 2, 3], auto_pad=auto_pad), [2, 2, 1], 1, 2, True
        yield dict(kernel_shape=[2, 3, 4], strides=[3, 2, 2], output_padding=[1, 1, 0], auto_pad=auto_pad), [2, 2, 1], 1, 2, True
        yield dict(kernel_shape=[1, 2, 3], strides=[2, 3, 3], auto_pad=auto_pad), [2, 2, 2], 1, 1, False
        yield dict(kernel_shape=[1, 3, 3], strides=[1, 3, 3], auto_pad=auto_pad), [2, 2, 2], 1, 1, False
        # output_shape: shorter than the reach (odd and even totals), equal to it, and beyond the last tap.
        for shape in ([4, 6, 7], [3, 5, 8], [5, 7, 9], [4, 9, 6], [6, 8, 10], [7, 9, 12]):
            yield dict(kernel_shape=[2, 3, 4], strides=[2, 2, 3], output_shape=shape, auto_pad=auto_pad), [2, 3, 2], 1, 2, False
        yield dict(kernel_shape=[2, 3, 4], strides=[2, 2, 3], output_padding=[1, 1, 2], output_shape=[4, 7, 8],
                   auto_pad=auto_pad), [2, 3, 2], 1, 2, True
    # output_shape ignores pads.
    yield dict(kernel_shape=[2, 3, 4], strides=[2, 2, 3], output_shape=[3, 5, 6], pads=[1, 0, 1, 0, 1, 0]), [2, 3, 2], 1, 2, False
    # Groups.
    for group, channels, filters in ((2, 2, 2), (2, 4, 6), (3, 3, 6), (4, 4, 4)):
        yield dict(kernel_shape=[2, 1, 3], strides=[2, 1, 1], group=group, pads=[0, 0, 1, 1, 0, 1]), [2, 3, 2], channels, filters, True
    # What must be refused.
    yield dict(base, pads=[2, 3, 4, 2, 3, 4]), [1, 1, 1], 1, 1, False          # empty output
    yield dict(base, pads=[-1, 0, 0, 0, 0, 0]), *plain
    yield dict(base, output_padding=[1, 1, 1]), *plain                         # output_padding = stride
    yield dict(base, strides=[2, 2, 2], output_padding=[2, 0, 0], dilations=[3, 1, 1]), *plain
    yield dict(base, strides=[0, 1, 1]), *plain
    yield dict(base, strides=[2, 2]), *plain
    yield dict(base, dilations=[0, 1, 1]), *plain
    yield dict(base, output_padding=[-1, 0, 0]), *plain
    yield dict(base, group=2), [2, 2, 2], 3, 4, False
    yield dict(base, output_shape=[0, 4, 4]), *plain
    yield dict(base, auto_pad="SAME"), *plain
    yield dict(base, pads=[0, 0, 0]), *plain
    yield dict(kernel_shape=[0, 1, 1]), *plain
    yield dict(base, pads=[0, 1, 1, 1, 0, 2], auto_pad="SAME_UPPER"), *plain
    yield dict(base, pads=[0, 1, 1, 1, 0, 2], auto_pad="VALID"), *plain


def reach(attributes, spatial):
    """Output length per axis before any padding is taken away."""
    ones, zeros = [1] * 3, [0] * 3
    return [s * (n - 1) + p + (k - 1) * d + 1 for n, k, s, d, p in zip(
        spatial, attributes["kernel_shape"], attributes.get("strides", ones), attributes.get("dilations", ones),
        attributes.get("output_padding", zeros))]


def has_negative_total(attributes, spatial):
    return (attributes.get("auto_pad", "").startswith("SAME_") and "output_shape" not in attributes
            and any(r < n * s for r, n, s in zip(reach(attributes, spatial), spatial, attributes.get("strides", [1] * 3))))


def extended(attributes, x, w, b):
    """The output of a node with too much room at the end, from onnxruntime's answer for the same node with less room."""
    strides, shorter = attributes["strides"], dict(attributes)
    if "output_shape" in attributes:
        wanted = attributes["output_shape"]
        shorter["output_shape"] = [min(*pair) for pair in zip(wanted, reach(attributes, x.shape[2:]))]
    else:
        wanted = reach(attributes, x.shape[2:])
        shorter["output_padding"] = [min(p, s - 1) for p, s in zip(attributes["output_padding"], strides)]
    y, _ = evaluate(shorter, x, w, b)
    fill = [(0, 0), (0, 0)] + [(0, want - have) for want, have in zip(wanted, y.shape[2:])]
    assert b is None and any(room[1] > 0 for room in fill)
    return numpy.pad(y, fill)


def main():
    source = random.Random(20180)

    def integers(shape):
        count = int(numpy.prod(shape))
        return numpy.array([source.randint(-3, 3) for _ in range(count)], dtype=numpy.float32).reshape(shape)

    records = []
    for attributes, spatial, channels, filters, has_bias in cases():
        group = attributes.get("group", 1)
        x = integers([1, channels] + spatial)
        w = integers([channels, filters // group] + attributes["kernel_shape"])
        b = integers([filters]) if has_bias else None
        y, note = evaluate(attributes, x, w, b)
        if y is None and "inconsistent with input spatial dimensions" in note:
            y, note = extended(attributes, x, w, b), "extended"
        if has_negative_total(attributes, spatial):
            y, note = None, "negative total padding with " + attributes["auto_pad"]
        record = {"attributes": attributes, "channels": channels, "filters": filters, "input_shape": list(x.shape)}
        if y is None:
            record["refused"] = note.split("Status Message: ")[-1][:200]
        else:
            record |= {
                "input": x.astype(int).ravel().tolist(), "weights": w.astype(int).ravel().tolist(),
                "bias": None if b is None else b.astype(int).tolist(),
                "output_shape": list(y.shape), "output": y.astype(int).ravel().tolist(), "reference": note,
            }
        records.append(record)

    with open(DESTINATION, "w") as file:
        file.write('{"generator": "Tools/oracle/make_onnx_fixtures.py", "onnxruntime": %s, "onnx": %s, "cases": [\n' %
                   (json.dumps(onnxruntime.__version__), json.dumps(onnx.__version__)))
        file.write(",\n".join(json.dumps(record, separators=(",", ":")) for record in records))
        file.write("\n]}\n")


main()
