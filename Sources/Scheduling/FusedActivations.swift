import LayerSpec

extension Activation {
    /// Whether generated kernels apply this activation themselves. In float64 only those that need no more than comparisons,
    /// arithmetic and a square root; the functions behind the others are approximations made for float32.
    public func isFused(in type: ElementType) -> Bool {
        if !isPointwise { return false }
        switch self {
        case .linear, .relu, .leakyRelu, .softsign, .hardSigmoid, .rectified, .hardSilu, .hardTanh, .hardShrink, .softShrink,
            .sparsePlus, .squareplus, .threshold:
            return true
        default:
            return type == .float32
        }
    }
}
