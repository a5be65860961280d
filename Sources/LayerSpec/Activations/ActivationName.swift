extension Activation {
    /// The name in a `SpecKey`, in configs of Keras 3, and behind `vs_` in C.
    public var name: String {
        switch self {
        case .linear: "linear"
        case .relu, .rectified: "relu"
        case .elu: "elu"
        case .celu: "celu"
        case .selu: "selu"
        case .softplus: "softplus"
        case .softsign: "softsign"
        case .tanh: "tanh"
        case .sigmoid: "sigmoid"
        case .logSigmoid: "log_sigmoid"
        case .hardSigmoid: "hard_sigmoid"
        case .hardSilu: "hard_silu"
        case .hardTanh: "hard_tanh"
        case .hardShrink: "hard_shrink"
        case .softShrink: "soft_shrink"
        case .tanhShrink: "tanh_shrink"
        case .exponential: "exponential"
        case .leakyRelu: "leaky_relu"
        case .gelu: "gelu"
        case .silu: "silu"
        case .mish: "mish"
        case .sparsePlus: "sparse_plus"
        case .squareplus: "squareplus"
        case .threshold: "threshold"
        case .softmax: "softmax"
        case .logSoftmax: "log_softmax"
        case .sparsemax: "sparsemax"
        case .alongAxis(let function, _): function.rawValue
        }
    }

    /// Examples of each activation that a `KernelSpec` can have; several where parameters decide how it is computed. The first one of a name has the
    /// parameters that the name alone means in Keras 3.
    public static let samples: [Activation] = [
        .linear, .relu, .relu6, .rectified(negativeSlope: 0.1, maximum: nil, threshold: 0.5),
        .rectified(negativeSlope: 0, maximum: 2, threshold: -0.25), .rectified(negativeSlope: 0.2, maximum: 1.5, threshold: 0.3),
        .elu(alpha: 1), .elu(alpha: 0.3), .celu(alpha: 1), .celu(alpha: 0.4), .selu, .softplus, .softsign, .tanh, .sigmoid,
        .logSigmoid, .hardSigmoid(slope: 1.0 / 6), .hardSigmoid(slope: 0.2), .sparseSigmoid, .hardSilu, .hardTanh,
        .hardShrink(threshold: 0.5), .softShrink(threshold: 0.5), .tanhShrink, .exponential, .leakyRelu(slope: 0.2),
        .gelu(approximate: false), .gelu(approximate: true), .silu, .mish, .sparsePlus, .squareplus(b: 4),
        .threshold(0.5, value: -0.25), .softmax, .logSoftmax, .sparsemax,
    ]
}
