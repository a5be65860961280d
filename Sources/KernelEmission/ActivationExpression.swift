import LayerSpec
import Scheduling

/// The C call of an activation; the functions are in `Templates/shared/voxelsmith_vectors.h`.
enum ActivationExpression {
    /// - Returns: the expression for `operand`; nil for activations that kernels of this type do not apply.
    static func apply(_ activation: Activation, to operand: String, _ type: ElementType) -> String? {
        func literal(_ value: Double) -> String { Self.literal(value, type) }
        if !activation.isFused(in: type) { return nil }
        return switch activation {
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
        case .rectified(let slope, let maximum, let threshold):
            // With a maximum, what exceeds a negative threshold is at least 0.
            "vs_rectified(\(operand), \(literal(slope)), \(literal(threshold)), \(maximum == nil ? literal(-.infinity) : literal(0)), \(literal(maximum ?? .infinity)))"
        case .celu(let alpha): "vs_celu(\(operand), \(literal(alpha)))"
        case .logSigmoid: "vs_log_sigmoid(\(operand))"
        case .hardSilu: "vs_hard_silu(\(operand))"
        case .hardTanh: "vs_hard_tanh(\(operand))"
        case .hardShrink(let threshold): "vs_hard_shrink(\(operand), \(literal(threshold)))"
        case .softShrink(let threshold): "vs_soft_shrink(\(operand), \(literal(threshold)))"
        case .tanhShrink: "vs_tanh_shrink(\(operand))"
        case .mish: "vs_mish(\(operand))"
        case .sparsePlus: "vs_sparse_plus(\(operand))"
        case .squareplus(let b):
            squareplus(operand, b, type)
        case .threshold(let threshold, let value): "vs_threshold(\(operand), \(literal(threshold)), \(literal(value)))"
        case .softmax, .logSoftmax, .sparsemax, .alongAxis: nil
        }
    }

    /// A large b is computed on scaled numbers: `vs_squareplus` takes the root of x * x + b for |x| where x * x leaves the type's range,
    /// so b must be too small to be seen there.
    private static func squareplus(_ operand: String, _ b: Double, _ type: ElementType) -> String {
        let (most, smaller) = switch type.arithmetic {
        case .float64: (0x1p960, 0x1p-32)
        default: (0x1p96, 0x1p-16)
        }
        let scale = b > most ? smaller : 1
        return "vs_squareplus(\(operand), \(literal(b * scale * scale, type)), \(literal(scale, type)))"
    }

    /// Whether the function needs so many registers that sums are better passed through memory.
    static func isHeavy(_ activation: Activation) -> Bool {
        switch activation {
        case .linear, .relu, .rectified, .leakyRelu, .hardTanh, .hardShrink, .threshold: false
        default: true
        }
    }

    /// A literal with the nearest value of the type.
    private static func literal(_ value: Double, _ type: ElementType) -> String {
        // A parameter beyond the type's range saturates, as the conversion in C would.
        if type.arithmetic == .float64 {
            if value.isInfinite { return value < 0 ? "-__builtin_inf()" : "__builtin_inf()" }
            return "\(value)"
        }
        let rounded = Float(value)
        if rounded.isInfinite { return rounded < 0 ? "-__builtin_inff()" : "__builtin_inff()" }
        return "\(rounded)f"
    }
}
