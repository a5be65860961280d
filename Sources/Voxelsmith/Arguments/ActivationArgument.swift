import VoxLayerSpec

extension Activation: ActivationArgument {
    /// Itself.
    public func resolvedActivation() throws -> (activation: Activation, tensorActivation: (any TensorActivation)?) { (self, nil) }
}

/// What `.relu` and its like stand for in the arguments of a layer.
public struct PlainActivation: ActivationArgument {
    let activation: Activation
    init(_ activation: Activation) { self.activation = activation }

    /// The activation.
    public func resolvedActivation() throws -> (activation: Activation, tensorActivation: (any TensorActivation)?) { (activation, nil) }
}

/// The cases of `Activation`, where an argument may also be a name or an object.
extension ActivationArgument where Self == PlainActivation {
    /// x
    public static var linear: PlainActivation { PlainActivation(.linear) }
    /// max(x, 0)
    public static var relu: PlainActivation { PlainActivation(.relu) }
    /// relu with a ceiling of 6
    public static var relu6: PlainActivation { PlainActivation(.relu6) }
    /// As `Activation.rectified`.
    public static func rectified(negativeSlope: Double, maximum: Double?, threshold: Double) -> PlainActivation {
        PlainActivation(.rectified(negativeSlope: negativeSlope, maximum: maximum, threshold: threshold))
    }
    /// As `Activation.elu`.
    public static func elu(alpha: Double) -> PlainActivation { PlainActivation(.elu(alpha: alpha)) }
    /// As `Activation.celu`.
    public static func celu(alpha: Double) -> PlainActivation { PlainActivation(.celu(alpha: alpha)) }
    /// As `Activation.selu`.
    public static var selu: PlainActivation { PlainActivation(.selu) }
    /// log(1 + e^x)
    public static var softplus: PlainActivation { PlainActivation(.softplus) }
    /// x / (1 + |x|)
    public static var softsign: PlainActivation { PlainActivation(.softsign) }
    /// The hyperbolic tangent.
    public static var tanh: PlainActivation { PlainActivation(.tanh) }
    /// 1 / (1 + e^-x)
    public static var sigmoid: PlainActivation { PlainActivation(.sigmoid) }
    /// As `Activation.logSigmoid`.
    public static var logSigmoid: PlainActivation { PlainActivation(.logSigmoid) }
    /// As `Activation.hardSigmoid`.
    public static func hardSigmoid(slope: Double) -> PlainActivation { PlainActivation(.hardSigmoid(slope: slope)) }
    /// As `Activation.sparseSigmoid`.
    public static var sparseSigmoid: PlainActivation { PlainActivation(.sparseSigmoid) }
    /// As `Activation.hardSilu`.
    public static var hardSilu: PlainActivation { PlainActivation(.hardSilu) }
    /// clip(x, -1, 1)
    public static var hardTanh: PlainActivation { PlainActivation(.hardTanh) }
    /// As `Activation.hardShrink`.
    public static func hardShrink(threshold: Double) -> PlainActivation { PlainActivation(.hardShrink(threshold: threshold)) }
    /// As `Activation.softShrink`.
    public static func softShrink(threshold: Double) -> PlainActivation { PlainActivation(.softShrink(threshold: threshold)) }
    /// x - tanh(x)
    public static var tanhShrink: PlainActivation { PlainActivation(.tanhShrink) }
    /// e^x
    public static var exponential: PlainActivation { PlainActivation(.exponential) }
    /// As `Activation.leakyRelu`.
    public static func leakyRelu(slope: Double) -> PlainActivation { PlainActivation(.leakyRelu(slope: slope)) }
    /// As `Activation.gelu`.
    public static func gelu(approximate: Bool) -> PlainActivation { PlainActivation(.gelu(approximate: approximate)) }
    /// x * sigmoid(x)
    public static var silu: PlainActivation { PlainActivation(.silu) }
    /// As `Activation.mish`.
    public static var mish: PlainActivation { PlainActivation(.mish) }
    /// As `Activation.sparsePlus`.
    public static var sparsePlus: PlainActivation { PlainActivation(.sparsePlus) }
    /// As `Activation.squareplus`.
    public static func squareplus(b: Double) -> PlainActivation { PlainActivation(.squareplus(b: b)) }
    /// As `Activation.threshold`.
    public static func threshold(_ threshold: Double, value: Double) -> PlainActivation {
        PlainActivation(.threshold(threshold, value: value))
    }
    /// As `Activation.softmax`.
    public static var softmax: PlainActivation { PlainActivation(.softmax) }
    /// As `Activation.logSoftmax`.
    public static var logSoftmax: PlainActivation { PlainActivation(.logSoftmax) }
    /// As `Activation.sparsemax`.
    public static var sparsemax: PlainActivation { PlainActivation(.sparsemax) }
    /// As `Activation.glu`.
    public static func glu(axis: Int = -1) -> PlainActivation { PlainActivation(.glu(axis: axis)) }
    /// As `Activation.alongAxis`.
    public static func alongAxis(_ function: Activation.AxisFunction, axis: Int) -> PlainActivation {
        PlainActivation(.alongAxis(function, axis: axis))
    }
}

// Activations with parameters, as Keras's names mean them.

extension KerasName: ActivationArgument {
    /// As its text.
    public func resolvedActivation() throws -> (activation: Activation, tensorActivation: (any TensorActivation)?) {
        try text.resolvedActivation()
    }
}

extension ActivationArgument where Self == KerasName {
    /// "elu", of alpha 1.
    public static var elu: KerasName { KerasName("elu") }
    /// "celu", of alpha 1.
    public static var celu: KerasName { KerasName("celu") }
    /// "gelu", the exact one.
    public static var gelu: KerasName { KerasName("gelu") }
    /// "leaky_relu", of slope 0.2.
    public static var leakyRelu: KerasName { KerasName("leaky_relu") }
    /// "hard_sigmoid", of slope 1/6 as in Keras 3.
    public static var hardSigmoid: KerasName { KerasName("hard_sigmoid") }
    /// "hard_shrink", of threshold 0.5.
    public static var hardShrink: KerasName { KerasName("hard_shrink") }
    /// "soft_shrink", of threshold 0.5.
    public static var softShrink: KerasName { KerasName("soft_shrink") }
    /// "squareplus", of b 4.
    public static var squareplus: KerasName { KerasName("squareplus") }
    /// The other name of `silu`.
    public static var swish: KerasName { KerasName("swish") }
    /// The other name of `hardSilu`.
    public static var hardSwish: KerasName { KerasName("hard_swish") }
}
