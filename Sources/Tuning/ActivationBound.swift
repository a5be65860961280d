import Glibc
import LayerSpec
import Tensors

/// How far the activation of an inexact sum may lie from the activation of the exact one.
enum ActivationBound {
    /// - Parameters:
    ///   - sum: the exact sum; `error`: bound of the computed one.
    ///   - value: the activation of `sum`.
    /// - Returns: the activation's slope times `error`, plus the rounding of the activation itself (the functions of
    ///   `voxelsmith_vectors.h` are within 4 units of the last place, compositions add a few roundings).
    static func bound(_ activation: Activation, sum: Double, error: Double, value: Double, _ type: ElementType) -> Double {
        let ulp = 2 * ErrorBound.unitRoundoff(type)  // of a result, relative
        let rounding: Double
        switch activation {
        case .linear, .relu: rounding = 0
        case .hardTanh, .hardShrink, .threshold: rounding = ulp  // of the parameters
        case .leakyRelu: rounding = ulp
        case .rectified, .softShrink: rounding = 4 * ulp * max(1, abs(sum))  // x - threshold cancels
        case .tanhShrink: rounding = 8 * ulp * abs(sum)  // x - tanh x cancels
        case .gelu: rounding = 8 * ulp * max(1, abs(sum))  // 1 + erf cancels below zero
        case .softplus, .logSigmoid, .hardSigmoid, .sparsePlus: rounding = 8 * ulp * max(1, abs(value))
        case .hardSilu, .celu: rounding = 8 * ulp * max(1, abs(sum))
        default: rounding = 8 * ulp
        }
        let relative = abs(value) * rounding
        let absolute: Double
        switch activation {
        case .gelu, .softplus, .logSigmoid, .hardSigmoid, .sparsePlus, .hardSilu, .celu, .tanhShrink: absolute = rounding
        case .rectified(let slope, let maximum, let threshold):
            absolute = rounding * max(1, abs(slope), abs(threshold), abs(slope * threshold), maximum.map { abs($0) } ?? 0)
        case .softShrink(let threshold): absolute = rounding * max(1, abs(threshold))
        default: absolute = relative
        }
        return jump(activation, near: sum, within: error, ulp) + slope(activation, near: sum, within: error) * error + absolute + Double(Float.leastNormalMagnitude)
    }

    /// Height of the step of a discontinuous activation when the exact and the computed sum may lie on different sides of it.
    private static func jump(_ activation: Activation, near sum: Double, within error: Double, _ ulp: Double) -> Double {
        // The threshold itself is rounded.
        func near(_ step: Double) -> Bool { abs(sum - step) <= error + ulp * abs(step) }
        switch activation {
        case .hardShrink(let threshold): return near(threshold) || near(-threshold) ? abs(threshold) : 0
        case .threshold(let threshold, let value): return near(threshold) ? abs(threshold - value) : 0
        case .rectified(_, let maximum, let threshold):
            // Right of the threshold x itself, or within [0, maximum].
            return near(threshold) ? abs(maximum.map { min(max(threshold, 0), $0) } ?? threshold) : 0
        default: return 0
        }
    }

    /// Largest slope of the activation around a sum.
    private static func slope(_ activation: Activation, near sum: Double, within error: Double) -> Double {
        switch activation {
        case .linear, .relu, .softplus, .softsign, .tanh: 1
        case .sigmoid: 0.25
        case .hardSigmoid(let slope): abs(slope)
        case .elu(let alpha): max(1, abs(alpha))
        case .rectified(let slope, _, _): max(1, abs(slope))
        case .logSigmoid, .hardTanh, .hardShrink, .softShrink, .tanhShrink, .sparsePlus, .squareplus, .threshold: 1
        // A negative alpha turns the exponential round; then it grows with the sum.
        case .celu(let alpha): alpha > 0 ? 1 : max(1, exp((sum - error) / alpha))
        case .hardSilu: 1.5
        case .selu: Activation.seluScale * Activation.seluAlpha
        case .leakyRelu(let slope): max(1, abs(slope))
        case .exponential: exp(sum + error)
        case .gelu, .silu, .mish: 1.13
        case .softmax, .logSoftmax, .sparsemax, .alongAxis: 1
        }
    }
}
