import VoxLayerSpec

/// Numbers as C writes them.
enum CLiteral {
    /// A literal of the number nearest to `value` that the type has; an infinity for a value beyond the type's range.
    /// - Parameters:
    ///   - value: the number.
    ///   - type: the type of the expression; of a 16-bit type, the one that kernels compute in.
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
