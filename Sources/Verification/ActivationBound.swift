import Glibc
import LayerSpec
import Tensors

/// How far the activation of an inexact sum may lie from the activation of the exact one.
package enum ActivationBound {
    /// - Parameters:
    ///   - activation: with parameters that are numbers of the type (`Activation.rounded(to:)`), as kernels have them.
    ///   - sum: the exact sum; `error`: bound of the computed one.
    ///   - value: the activation of `sum`.
    /// - Returns: the activation's slope times `error`, plus the rounding of the activation itself (the functions of
    ///   `voxelsmith_vectors.h` are within 4 units of the last place, compositions add a few roundings).
    package static func bound(_ activation: Activation, sum: Double, error: Double, value: Double, _ type: ElementType) -> Double {
        let ulp = 2 * ErrorBound.unitRoundoff(type)  // of a result, relative
        let rounding: Double
        switch activation {
        case .linear, .relu, .hardTanh, .hardShrink, .threshold: rounding = 0
        case .leakyRelu, .softShrink: rounding = ulp * abs(value)
        case .rectified: rounding = 2 * ulp * abs(value)  // the difference from the threshold, and the product
        case .tanhShrink: rounding = 8 * ulp * abs(sum)  // x - tanh x cancels
        case .gelu, .hardSilu: rounding = 8 * ulp * max(1, abs(sum))  // 1 + erf cancels below zero
        case .softplus, .logSigmoid, .hardSigmoid, .sparsePlus: rounding = 8 * ulp * max(1, abs(value))
        // |alpha expm1(x / alpha)| <= |x|, and its slope is at most 1; x / alpha below the normal numbers is a multiple of the smallest one.
        case .celu(let alpha): rounding = 8 * ulp * abs(sum) + 4 * alpha * smallest(type)
        default: rounding = 8 * ulp * abs(value)
        }
        return jump(activation, near: sum, within: error) + slope(activation, near: sum, within: error) * error + rounding
            + Double(Float.leastNormalMagnitude)
    }

    /// Whether a result of the type is right: within the bound, not a number where the activation is none, infinite where the bound
    /// reaches beyond the type's numbers.
    package static func holds(_ received: Double, _ value: Double, bound: Double, _ type: ElementType) -> Bool {
        if received == value || received.isNaN && value.isNaN || abs(received - value) <= bound { return true }
        let largest = type == .float32 ? Double(Float.greatestFiniteMagnitude) : .greatestFiniteMagnitude
        return received.isInfinite && (received < 0) == (value < 0) && abs(value) + bound > largest
    }

    private static func smallest(_ type: ElementType) -> Double {
        type == .float32 ? Double(Float.leastNonzeroMagnitude) : .leastNonzeroMagnitude
    }

    /// Height of the step of a discontinuous activation when the exact and the computed sum may lie on different sides of it.
    private static func jump(_ activation: Activation, near sum: Double, within error: Double) -> Double {
        func near(_ step: Double) -> Bool { error > 0 && abs(sum - step) <= error }
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
        case .logSigmoid, .hardTanh, .hardShrink, .softShrink, .tanhShrink, .sparsePlus, .squareplus, .threshold, .celu: 1
        case .hardSilu: 1.5
        case .selu: Activation.seluScale * Activation.seluAlpha
        case .leakyRelu(let slope): max(1, abs(slope))
        case .exponential: exp(sum + error)
        case .gelu, .silu, .mish: 1.13
        case .softmax, .logSoftmax, .sparsemax, .alongAxis: 1
        }
    }
}
