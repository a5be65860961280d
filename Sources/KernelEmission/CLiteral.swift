import VoxLayerSpec

/// Numbers as C has them.
enum CLiteral {
    /// A literal with the nearest number of the type that kernels compute in. One beyond its range saturates, as the conversion in C would.
    /// - Parameters:
    ///   - value: the number.
    ///   - type: the type of the expression.
    static func text(_ value: Double, _ type: ElementType) -> String {
        let rounded = type.arithmetic.nearest(value)
        let suffix = switch type.arithmetic {
        case .float64: ""
        default: "f"
        }
        if rounded.isInfinite { return (rounded < 0 ? "-" : "") + "__builtin_inf\(suffix)()" }
        return type.text(rounded) + suffix
    }
}
