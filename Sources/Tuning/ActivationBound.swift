import Glibc
import LayerSpec

/// How far the activation of an inexact sum may lie from the activation of the exact one.
enum ActivationBound {
    /// - Parameters:
    ///   - sum: the exact sum; `error`: bound of the computed one.
    ///   - value: the activation of `sum`.
    /// - Returns: the activation's slope times `error`, plus the rounding of the activation itself (the functions of
    ///   `voxelsmith_vectors.h` are within 4 units of the last place, compositions add a few roundings).
    static func bound(_ activation: Activation, sum: Double, error: Double, value: Double) -> Double {
        let ulp = 0x1p-23  // of a result, relative
        let rounding: Double
        switch activation {
        case .linear, .relu: rounding = 0
        case .leakyRelu: rounding = ulp
        case .gelu: rounding = 8 * ulp * max(1, abs(sum))  // 1 + erf cancels below zero
        case .softplus, .hardSigmoid: rounding = 8 * ulp * max(1, abs(value))
        default: rounding = 8 * ulp
        }
        let relative = abs(value) * rounding
        let absolute: Double
        switch activation {
        case .gelu, .softplus, .hardSigmoid: absolute = rounding
        default: absolute = relative
        }
        return slope(activation, near: sum, within: error) * error + absolute + Double(Float.leastNormalMagnitude)
    }

    /// Largest slope of the activation around a sum.
    private static func slope(_ activation: Activation, near sum: Double, within error: Double) -> Double {
        switch activation {
        case .linear, .relu, .softplus, .softsign, .tanh: 1
        case .sigmoid: 0.25
        case .hardSigmoid(let slope): abs(slope)
        case .elu(let alpha): max(1, abs(alpha))
        case .selu: Activation.seluScale * Activation.seluAlpha
        case .leakyRelu(let slope): max(1, abs(slope))
        case .exponential: exp(sum + error)
        case .gelu, .silu: 1.13
        case .softmax: 1
        }
    }
}
