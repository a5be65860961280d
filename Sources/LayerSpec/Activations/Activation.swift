/// An activation function with its parameters. NaN stays NaN in every one of them.
///
/// The files of this folder define it: its name and samples, its parameters, its value, how it passes errors on, and whether float64 kernels
/// have it. The C functions are in `Templates/shared/voxelsmith_vectors.h`.
public enum Activation: Hashable, Sendable {
    case linear
    /// max(x, 0)
    case relu
    /// Keras's relu with all its arguments: x > threshold: x, at most `maximum`; else negativeSlope * (x - threshold). With a
    /// maximum, values above a negative threshold are at least 0.
    case rectified(negativeSlope: Double, maximum: Double?, threshold: Double)
    /// x > 0: x, else alpha * (e^x - 1)
    case elu(alpha: Double)
    /// x > 0: x, else alpha * (e^(x / alpha) - 1)
    case celu(alpha: Double)
    /// scale * elu(x, alpha) with the constants of Klambauer et al. 2017 (`seluScale`, `seluAlpha`).
    case selu
    /// log(1 + e^x)
    case softplus
    /// x / (1 + |x|)
    case softsign
    case tanh
    case sigmoid
    /// log(sigmoid(x)) = -softplus(-x)
    case logSigmoid
    /// clip(slope * x + 0.5, 0, 1). The slope is 1/6 in Keras 3 (`relu6(x + 3) / 6`), 0.2 in Keras 2 and earlier, and 1/2 for `sparse_sigmoid` of
    /// Keras 3.
    case hardSigmoid(slope: Double)
    /// x * relu6(x + 3) / 6
    case hardSilu
    /// clip(x, -1, 1)
    case hardTanh
    /// |x| > threshold: x, else 0
    case hardShrink(threshold: Double)
    /// x moved towards 0 by the threshold, 0 where that passes 0
    case softShrink(threshold: Double)
    /// x - tanh(x)
    case tanhShrink
    case exponential
    /// x >= 0: x, else slope * x
    case leakyRelu(slope: Double)
    /// x * (1 + erf(x / sqrt 2)) / 2, or with `approximate` its tanh form.
    case gelu(approximate: Bool)
    /// x * sigmoid(x)
    case silu
    /// x * tanh(log(1 + e^x))
    case mish
    /// x <= -1: 0; x >= 1: x; between: (x + 1)^2 / 4
    case sparsePlus
    /// (x + sqrt(x^2 + b)) / 2
    case squareplus(b: Double)
    /// x > threshold: x, else value
    case threshold(Double, value: Double)
    /// exp(x - max) / sum along the last axis of the tensor, whatever the layout (Keras axis -1).
    case softmax
    /// log of `softmax`
    case logSoftmax
    /// max(x - t, 0) along the last axis, as Keras 3.15 computes it: with the row in descending order and its running sums c_j, k
    /// is the last j with x_j > (c_j - 1) / j, and t = (c_1 + ... + c_k - 1) / k. In Martins and Astudillo 2016, t is
    /// (c_k - 1) / k; the two agree for k = 1 only.
    case sparsemax
    /// A function along an axis of the whole result, which no kernel can apply: the layer does, after its kernel. Never part of
    /// a `KernelSpec`.
    case alongAxis(AxisFunction, axis: Int)

    /// Functions along one axis of a tensor.
    public enum AxisFunction: String, CaseIterable, Hashable, Sendable {
        case softmax
        case logSoftmax = "log_softmax"
        case sparsemax
        /// Gated linear unit: first half of the axis times the sigmoid of its second half. Halves the axis.
        case glu
    }

    /// `scale` of selu.
    public static let seluScale = 1.0507009873554804934193349852946
    /// `alpha` of selu.
    public static let seluAlpha = 1.6732632423543772848170429916717

    /// relu with a ceiling of 6
    public static let relu6 = Activation.rectified(negativeSlope: 0, maximum: 6, threshold: 0)
    /// clip((x + 1) / 2, 0, 1)
    public static let sparseSigmoid = Activation.hardSigmoid(slope: 0.5)

    /// The gated linear unit.
    public static func glu(axis: Int = -1) -> Activation { .alongAxis(.glu, axis: axis) }

    /// Whether each output element depends on its own input element only, so that it can be fused into a kernel.
    public var isPointwise: Bool {
        switch self {
        case .softmax, .logSoftmax, .sparsemax, .alongAxis: false
        default: true
        }
    }

    /// Whether only the layer can apply it, to the whole result of its kernel.
    public var needsWholeResult: Bool {
        if case .alongAxis = self { return true }
        return false
    }

    /// The shape of the activation of a tensor of this shape; nil extents are unknown.
    /// - Throws: `SpecError` for an axis the shape does not have, and for a `glu` of an odd extent.
    public func shape(of shape: [Int?]) throws(SpecError) -> [Int?] {
        guard case .alongAxis(let function, let axis) = self else { return shape }
        let index = try Self.index(ofAxis: axis, rank: shape.count)
        guard function == .glu, let extent = shape[index] else { return shape }
        if extent % 2 != 0 { throw .oddExtent(axis: axis, extent) }
        var result = shape
        result[index] = extent / 2
        return result
    }

    /// The index of an axis that may be counted from the end (-1 being the last).
    /// - Throws: `SpecError.axis`.
    public static func index(ofAxis axis: Int, rank: Int) throws(SpecError) -> Int {
        let index = axis < 0 ? axis + rank : axis
        if index < 0 || index >= rank { throw .axis(axis, rank: rank) }
        return index
    }
}
