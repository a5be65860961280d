import LayerSpec

/// The C call of an activation; the functions are in `Templates/voxelsmith_vectors.h`.
enum ActivationExpression {
    /// - Returns: the expression for `operand`; nil for activations that are not pointwise.
    static func apply(_ activation: Activation, to operand: String) -> String? {
        switch activation {
        case .linear: operand
        case .relu: "vs_relu(\(operand))"
        case .elu(let alpha): "vs_elu(\(operand), \(literal(alpha)))"
        case .selu: "vs_selu(\(operand), \(literal(Activation.seluScale)), \(literal(Activation.seluAlpha)))"
        case .softplus: "vs_softplus(\(operand))"
        case .softsign: "vs_softsign(\(operand))"
        case .tanh: "vs_tanh(\(operand))"
        case .sigmoid: "vs_sigmoid(\(operand))"
        case .hardSigmoid(let slope): "vs_hard_sigmoid(\(operand), \(literal(slope)))"
        case .exponential: "vs_exponential(\(operand))"
        case .leakyRelu(let slope): "vs_leaky_relu(\(operand), \(literal(slope)))"
        case .gelu(let approximate): approximate ? "vs_gelu_tanh(\(operand))" : "vs_gelu(\(operand))"
        case .silu: "vs_silu(\(operand))"
        case .softmax: nil
        }
    }

    /// Whether the function needs so many registers that sums are better passed through memory.
    static func isHeavy(_ activation: Activation) -> Bool {
        switch activation {
        case .linear, .relu, .leakyRelu: false
        default: true
        }
    }

    /// A float literal with the value of the nearest Float.
    private static func literal(_ value: Double) -> String {
        let rounded = Float(value)
        // A parameter beyond Float's range saturates, as the conversion in C would.
        if rounded.isInfinite { return rounded < 0 ? "-__builtin_inff()" : "__builtin_inff()" }
        return "\(rounded)f"
    }
}
