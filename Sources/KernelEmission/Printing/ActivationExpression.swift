import VoxLayerSpec

/// The C call of an activation; the functions are in `Templates/shared/voxelsmith_vectors.h`.
///
/// The function is `vs_` and the activation's name; its arguments are the operand and the parameters in their order. `apply` lists the exceptions.
enum ActivationExpression {
    /// - Parameters:
    ///   - activation: the function.
    ///   - operand: its argument, in C.
    ///   - type: the type of the kernel's results, which parameters are rounded to.
    ///   - prefix: what the names of the functions begin with.
    /// - Returns: the expression for `operand`; nil for activations that kernels of this type do not apply.
    static func apply(_ activation: Activation, to operand: String, _ type: ElementType, prefix: String = "vs_") -> String? {
        if !activation.isFused(in: type) { return nil }
        func call(_ function: String, _ arguments: [Double]) -> String {
            "\(prefix)\(function)(\(([operand] + arguments.map { CLiteral.text($0, type) }).joined(separator: ", ")))"
        }
        return switch activation {
        case .linear: operand
        case .selu: call("selu", [Activation.seluScale, Activation.seluAlpha])
        case .gelu(let approximate): call(approximate ? "gelu_tanh" : "gelu", [])
        case .rectified(let slope, let maximum, let threshold):
            // With a maximum, values above a negative threshold are at least 0.
            call("rectified", [slope, threshold, maximum == nil ? -.infinity : 0, maximum ?? .infinity])
        case .squareplus(let b): call("squareplus", scaled(b, type))
        default: call(activation.name, activation.parameters.compactMap(\.value))
        }
    }

    /// `vs_squareplus` takes |x| for the root of x * x + b where x * x would leave the type's range, which is right only if b is too small to matter
    /// there. So with a large b it computes on scaled numbers.
    /// - Returns: b times the square of the scale, and the scale.
    private static func scaled(_ b: Double, _ type: ElementType) -> [Double] {
        let (most, smaller) = switch type.arithmetic {
        case .float64: (0x1p960, 0x1p-32)
        default: (0x1p96, 0x1p-16)
        }
        let scale = b > most ? smaller : 1
        return [b * scale * scale, scale]
    }

    /// Whether the function needs so many registers that sums are better passed through memory.
    static func isHeavy(_ activation: Activation) -> Bool {
        switch activation {
        case .linear, .relu, .rectified, .leakyRelu, .hardTanh, .hardShrink, .threshold: false
        default: true
        }
    }
}
