import Glibc

// How an activation passes the error of a sum on to its result, and what it adds.

extension Activation {
    /// The largest slope of the activation around a sum.
    /// - Parameters:
    ///   - sum: the exact sum.
    ///   - error: how far the computed sum may be from it.
    package func slope(near sum: Double, within error: Double) -> Double {
        switch self {
        case .linear, .relu, .softplus, .softsign, .tanh: 1
        case .sigmoid: 0.25
        case .hardSigmoid(let slope): abs(slope)
        case .elu(let alpha): max(1, abs(alpha))
        case .rectified(let slope, _, _): max(1, abs(slope))
        case .logSigmoid, .hardTanh, .hardShrink, .softShrink, .tanhShrink, .sparsePlus, .squareplus, .threshold, .celu: 1
        case .hardSilu: 1.5
        case .selu: Self.seluScale * Self.seluAlpha
        case .leakyRelu(let slope): max(1, abs(slope))
        case .exponential: exp(sum + error)
        case .gelu, .silu, .mish: 1.13
        case .softmax, .logSoftmax, .sparsemax, .alongAxis: 1
        }
    }

    /// Height of the step of a discontinuous activation when the exact and the computed sum may lie on different sides of it; else 0.
    /// - Parameters:
    ///   - sum: the exact sum.
    ///   - error: how far the computed sum may be from it.
    package func jump(near sum: Double, within error: Double) -> Double {
        func near(_ step: Double) -> Bool { error > 0 && abs(sum - step) <= error }
        switch self {
        case .hardShrink(let threshold): return threshold > 0 && (near(threshold) || near(-threshold)) ? threshold : 0
        case .threshold(let threshold, let value): return near(threshold) ? abs(threshold - value) : 0
        case .rectified(_, let maximum, let threshold):
            // Above the threshold the result is x, with a maximum clipped to [0, maximum]; at the threshold it is 0.
            return near(threshold) ? abs(maximum.map { min(max(threshold, 0), $0) } ?? threshold) : 0
        default: return 0
        }
    }

    /// How much the computation of the activation itself may err. The functions of `voxelsmith_vectors.h` are within 4 units of the last place;
    /// what is composed of them adds a few roundings.
    /// - Parameters:
    ///   - sum: the argument.
    ///   - value: the activation of `sum`.
    ///   - type: the type of the result.
    package func rounding(at sum: Double, value: Double, in type: ElementType) -> Double {
        let ulp = 2 * type.unitRoundoff  // of a result, relative
        switch self {
        case .linear, .relu, .hardTanh, .hardShrink, .threshold: return 0
        case .leakyRelu, .softShrink: return ulp * abs(value)
        case .rectified: return 2 * ulp * abs(value)  // the difference from the threshold, and the product
        case .tanhShrink: return 8 * ulp * abs(sum)  // x - tanh x cancels
        case .gelu, .hardSilu: return 8 * ulp * max(1, abs(sum))  // 1 + erf cancels below zero
        case .softplus, .logSigmoid, .hardSigmoid, .sparsePlus: return 8 * ulp * max(1, abs(value))
        // |alpha expm1(x / alpha)| <= |x|, and its slope is at most 1; x / alpha below the normal numbers is a multiple of the smallest one.
        case .celu(let alpha): return 8 * ulp * abs(sum) + 4 * alpha * type.leastNonzero
        default: return 8 * ulp * abs(value)
        }
    }
}
