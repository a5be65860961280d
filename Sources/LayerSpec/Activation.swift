/// An activation function with its parameters. NaN stays NaN in every one of them.
///
/// The C expressions are in `Templates/voxelsmith_vectors.h`, the Swift twins in KernelRuntime, the Keras names in
/// KerasConfig.
public enum Activation: Hashable, Sendable {
    case linear
    /// max(x, 0)
    case relu
    /// x > 0: x, else alpha * (e^x - 1)
    case elu(alpha: Double)
    /// scale * elu(x, alpha) with the constants of Klambauer et al. 2017 (`seluScale`, `seluAlpha`).
    case selu
    /// log(1 + e^x)
    case softplus
    /// x / (1 + |x|)
    case softsign
    case tanh
    case sigmoid
    /// clip(slope * x + offset, 0, 1). Keras 3: slope 1/6 (`relu6(x + 3) / 6`); Keras 2 and earlier: slope 0.2. Offset 0.5.
    case hardSigmoid(slope: Double)
    case exponential
    /// x >= 0: x, else slope * x
    case leakyRelu(slope: Double)
    /// x * (1 + erf(x / sqrt 2)) / 2, or with `approximate` its tanh form.
    case gelu(approximate: Bool)
    /// x * sigmoid(x)
    case silu
    /// exp(x - max) / sum along the last axis of the tensor, whatever the layout (Keras axis -1).
    case softmax

    /// The scale of `selu`.
    public static let seluScale = 1.0507009873554804934193349852946
    /// The alpha of `selu`.
    public static let seluAlpha = 1.6732632423543772848170429916717

    /// Whether each output element depends on its own input element only, so that it can be fused into a kernel.
    public var isPointwise: Bool { self != .softmax }

    /// The token in a `SpecKey`: the name, and parameters in parentheses.
    package var token: String {
        switch self {
        case .linear: "linear"
        case .relu: "relu"
        case .elu(let alpha): "elu(\(alpha))"
        case .selu: "selu"
        case .softplus: "softplus"
        case .softsign: "softsign"
        case .tanh: "tanh"
        case .sigmoid: "sigmoid"
        case .hardSigmoid(let slope): "hard_sigmoid(\(slope))"
        case .exponential: "exponential"
        case .leakyRelu(let slope): "leaky_relu(\(slope))"
        case .gelu(let approximate): approximate ? "gelu(tanh)" : "gelu(erf)"
        case .silu: "silu"
        case .softmax: "softmax"
        }
    }

    /// One of each kind with its default parameters; both forms where there are two.
    public static let samples: [Activation] = [
        .linear, .relu, .elu(alpha: 1), .elu(alpha: 0.3), .selu, .softplus, .softsign, .tanh, .sigmoid,
        .hardSigmoid(slope: 1.0 / 6), .hardSigmoid(slope: 0.2), .exponential, .leakyRelu(slope: 0.2),
        .gelu(approximate: false), .gelu(approximate: true), .silu, .softmax,
    ]

    init?(token: Substring) {
        let parts = token.split(separator: "(", maxSplits: 1)
        guard let name = parts.first else { return nil }
        var argument: Substring?
        if parts.count == 2 {
            guard parts[1].last == ")" else { return nil }
            argument = parts[1].dropLast()
        }
        let number = argument.flatMap { Double($0) }
        if let number, !number.isFinite { return nil }
        switch (name, argument, number) {
        case ("linear", nil, _): self = .linear
        case ("relu", nil, _): self = .relu
        case ("elu", _?, let alpha?): self = .elu(alpha: alpha)
        case ("selu", nil, _): self = .selu
        case ("softplus", nil, _): self = .softplus
        case ("softsign", nil, _): self = .softsign
        case ("tanh", nil, _): self = .tanh
        case ("sigmoid", nil, _): self = .sigmoid
        case ("hard_sigmoid", _?, let slope?): self = .hardSigmoid(slope: slope)
        case ("exponential", nil, _): self = .exponential
        case ("leaky_relu", _?, let slope?): self = .leakyRelu(slope: slope)
        case ("gelu", "tanh"?, _): self = .gelu(approximate: true)
        case ("gelu", "erf"?, _): self = .gelu(approximate: false)
        case ("silu", nil, _): self = .silu
        case ("softmax", nil, _): self = .softmax
        default: return nil
        }
    }
}
