import Glibc

extension Activation {
    /// The activation of one number, in double precision and with its parameters as they are; NaN for those that are not pointwise. NaN stays
    /// NaN. Infinite arguments follow the formulas: silu and gelu of minus infinity and softsign of an infinity are NaN.
    ///
    /// Inlinable, as the interpreter's loop over a tensor calls it for each element.
    /// - Parameter x: the argument.
    @inlinable
    public func value(at x: Double) -> Double {
        switch self {
        case .linear: x
        case .relu: x < 0 ? 0 : x
        case .elu(let alpha): x > 0 ? x : alpha * expm1(x)
        case .selu: Activation.seluScale * (x > 0 ? x : Activation.seluAlpha * expm1(x))
        case .softplus: x > 0 ? x + log1p(exp(-x)) : log1p(exp(x))
        case .softsign: x / (1 + abs(x))
        case .tanh: Glibc.tanh(x)
        case .sigmoid: 1 / (1 + exp(-x))
        case .hardSigmoid(let slope): Self.clip(slope * x + 0.5)
        case .exponential: exp(x)
        case .leakyRelu(let slope): x < 0 ? slope * x : x
        // erfc keeps the digits of the negative tail that 1 + erf would cancel.
        case .gelu(approximate: false): 0.5 * x * erfc(-x * 0.5.squareRoot())
        // (1 + tanh u) / 2 = sigmoid(2u), again without cancellation.
        case .gelu(approximate: true): x / (1 + exp(-2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
        case .silu: x / (1 + exp(-x))
        case .rectified(let slope, let maximum, let threshold):
            if x <= threshold {
                slope == 0 ? 0 : slope * (x - threshold)  // 0 * infinity would be NaN
            } else if let maximum {
                x < 0 ? 0 : (x > maximum ? maximum : x)
            } else {
                x
            }
        case .celu(let alpha): x > 0 ? x : alpha * expm1(x / alpha)
        case .logSigmoid: x < 0 ? x - log1p(exp(x)) : -log1p(exp(-x))
        case .hardSilu: x * (Self.clip((x + 3) / 6))
        case .hardTanh: x < -1 ? -1 : (x > 1 ? 1 : x)
        case .hardShrink(let threshold): abs(x) <= threshold ? 0 : x
        case .softShrink(let threshold): x > threshold ? x - threshold : (x < -threshold ? x + threshold : x * 0)
        case .tanhShrink: x - Glibc.tanh(x)
        case .mish: Self.mish(x)
        case .sparsePlus: x <= -1 ? 0 : (x >= 1 ? x : (x + 1) * (x + 1) / 4)
        case .squareplus(let b):
            // x + root cancels below 0, where it equals b / (root - x).
            x < 0 ? b / (hypot(x, b.squareRoot()) - x) / 2 : (x + hypot(x, b.squareRoot())) / 2
        case .threshold(let threshold, let value): x <= threshold ? value : x
        case .softmax, .logSoftmax, .sparsemax, .alongAxis: .nan
        }
    }

    /// With t = e^x, tanh(log(1 + t)) = n / (n + 2) for n = t (t + 2), which rounds to 1 above x = 20.
    @inlinable
    static func mish(_ x: Double) -> Double {
        let t = exp(x > 20 ? 20 : x)
        let n = t * (t + 2)
        return x * (n / (n + 2))
    }

    /// The nearest number from 0 to 1.
    @inlinable
    static func clip(_ x: Double) -> Double { x < 0 ? 0 : (x > 1 ? 1 : x) }
}
