extension Activation {
    /// Whether generated kernels apply this activation themselves: in float32 all that are pointwise; in float64 those that need no more than
    /// comparisons, arithmetic and a square root, as the functions behind the others are approximations made for float32.
    /// - Parameter type: the type of the kernel's results.
    public func isFused(in type: ElementType) -> Bool {
        isPointwise && (type == .float32 || isPlainArithmetic)
    }

    /// Whether comparisons, arithmetic and a square root are enough to compute it.
    private var isPlainArithmetic: Bool {
        switch self {
        case .linear, .relu, .leakyRelu, .softsign, .hardSigmoid, .rectified, .hardSilu, .hardTanh, .hardShrink, .softShrink,
            .sparsePlus, .squareplus, .threshold:
            true
        default: false
        }
    }
}
