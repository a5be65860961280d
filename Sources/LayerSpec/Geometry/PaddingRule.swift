/// The ways in which users state an output length; each only computes `output` and `crop` of an `AxisGeometry`.
public enum PaddingRule: Hashable, Sendable {
    /// Keras "valid", optionally with output padding per axis.
    case valid(outputPadding: [Int]?)
    /// Keras "same", optionally with output padding per axis.
    case same(outputPadding: [Int]?)
    /// ONNX / PyTorch pads at begin and end of each axis.
    case explicit(begin: [Int], end: [Int], outputPadding: [Int])
    /// ONNX `auto_pad` SAME_UPPER: the output is input * stride, the odd element of padding goes to the end.
    case sameUpper(outputPadding: [Int])
    /// ONNX `auto_pad` SAME_LOWER: the odd element of padding goes to the beginning.
    case sameLower(outputPadding: [Int])
    /// ONNX `output_shape`; the odd element of padding goes to the end only with SAME_UPPER (`oddAtEnd`).
    case outputShape([Int], outputPadding: [Int], oddAtEnd: Bool)

    /// Resolves one axis.
    /// - Parameters:
    ///   - axis: index of the axis, used to pick per-axis values and in error sentences.
    /// - Throws: `SpecError` for illegal numbers and for an output without elements.
    /// - Note: Keras rules: `keras/src/backend/common/backend_utils.py`; ONNX rules: operator ConvTranspose.
    package func resolve(axis: Int, input: Int, kernel: Int, stride: Int, dilation: Int) throws(SpecError) -> AxisGeometry {
        // Range checks first, with a placeholder output, so that the arithmetic below cannot overflow.
        _ = try AxisGeometry(input: input, output: 1, kernel: kernel, stride: stride, dilation: dilation, crop: 0, axis: axis)
        let effective = (kernel - 1) * dilation + 1
        let reach = (input - 1) * stride + effective  // length without any crop or room
        var output = 0
        var crop = 0

        switch self {
        case .valid(let padding):
            if let extra = try Self.keras(padding, axis, stride) {
                output = reach + extra
            } else {
                output = (input - 1) * stride + max(effective, stride)
            }
        case .same(let padding):
            if let extra = try Self.keras(padding, axis, stride) {
                output = (input - 1) * stride + effective % 2 + extra
            } else {
                output = input * stride
            }
            crop = max(0, reach - output) / 2
        case .explicit(let begin, let end, let padding):
            let extra = try Self.onnx(padding, axis)
            for value in [begin[axis], end[axis]] {
                if value < 0 { throw .tooSmall("padding", value, minimum: 0) }
                if value > AxisGeometry.maximum { throw .aboveMaximum("padding", value, maximum: AxisGeometry.maximum) }
            }
            crop = begin[axis]
            output = reach + extra - begin[axis] - end[axis]
        case .sameUpper(let padding), .sameLower(let padding):
            let extra = try Self.onnx(padding, axis)
            output = input * stride
            let total = reach + extra - output
            var isUpper = false
            if case .sameUpper = self { isUpper = true }
            if total < 0 { throw .negativePadding(axis: axis, total: total, rule: isUpper ? "SAME_UPPER" : "SAME_LOWER") }
            crop = isUpper ? total / 2 : total - total / 2
        case .outputShape(let shape, let padding, let oddAtEnd):
            let extra = try Self.onnx(padding, axis)
            output = shape[axis]
            if output < 1 { throw .emptyOutput(axis: axis, length: output) }
            let total = max(0, reach + extra - output)  // negative: room at the end
            crop = oddAtEnd ? total / 2 : total - total / 2
        }
        return try AxisGeometry(
            input: input, output: output, kernel: kernel, stride: stride, dilation: dilation, crop: crop, axis: axis)
    }

    /// Resolves one axis of an ordinary convolution, whose input is the output of the relation.
    /// - Throws: `SpecError` for illegal numbers, a result without elements, and another rule than valid and same.
    /// - Note: Keras: `keras/src/ops/operation_utils.py`, `compute_conv_output_shape`; odd padding of "same" goes to the end.
    package func resolveOrdinary(axis: Int, input: Int, kernel: Int, stride: Int, dilation: Int) throws(SpecError) -> AxisGeometry {
        try checkOrdinary()
        // Range checks first, as above.
        _ = try AxisGeometry(input: input, output: 1, kernel: kernel, stride: stride, dilation: dilation, crop: 0, axis: axis)
        let effective = (kernel - 1) * dilation + 1
        var result = (input - effective).flooredDivision(by: stride) + 1
        var crop = 0
        if case .same = self {
            result = input.ceilingDivision(by: stride)
            crop = max(0, (result - 1) * stride + effective - input) / 2
        }
        if result < 1 { throw .emptyOutput(axis: axis, length: result) }
        return try AxisGeometry(
            input: result, output: input, kernel: kernel, stride: stride, dilation: dilation, crop: crop, axis: axis)
    }

    /// - Throws: `SpecError.ordinaryPadding` unless the rule means something for an ordinary convolution.
    func checkOrdinary() throws(SpecError) {
        switch self {
        case .valid(nil), .same(nil): return
        default: throw .ordinaryPadding("\(self)")
        }
    }

    /// Keras: 0 <= output padding < stride.
    private static func keras(_ padding: [Int]?, _ axis: Int, _ stride: Int) throws(SpecError) -> Int? {
        guard let value = padding?[axis] else { return nil }
        if value < 0 || value >= stride { throw .outputPadding(axis: axis, value, stride: stride) }
        return value
    }

    private static func onnx(_ padding: [Int], _ axis: Int) throws(SpecError) -> Int {
        let value = padding[axis]
        if value < 0 { throw .tooSmall("output padding", value, minimum: 0) }
        if value > AxisGeometry.maximum { throw .aboveMaximum("output padding", value, maximum: AxisGeometry.maximum) }
        return value
    }

    /// The per-axis lists of this rule with their names, for the check of their lengths.
    var perAxisLists: [(String, [Int])] {
        switch self {
        case .valid(let padding), .same(let padding): padding.map { [("output padding", $0)] } ?? []
        case .explicit(let begin, let end, let padding):
            [("pads at the beginning", begin), ("pads at the end", end), ("output padding", padding)]
        case .sameUpper(let padding), .sameLower(let padding): [("output padding", padding)]
        case .outputShape(let shape, let padding, _): [("output shape", shape), ("output padding", padding)]
        }
    }
}
