import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

extension RescalingRule: ComputedRule {
    func rounded(to type: ElementType) -> RescalingRule {
        var result = self
        (result.scale, result.offset) = (scale.rounded(to: type), offset.rounded(to: type))
        return result
    }

    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        let rank = shape.count
        func along(_ numbers: ConfigNumbers) -> AxisNumbers {
            let own = numbers.shape
            return AxisNumbers(numbers.values, places: Array(rank - own.count..<rank), extents: own, rank: rank)
        }
        let loop = AffineLoop(
            shape, shift: AxisNumbers(0, rank: rank), factor: along(scale), gamma: AxisNumbers(1, rank: rank), beta: along(offset))
        return try loop.run(xs, to: shape, threads: threads)
    }
}

extension NormalizationRule: ComputedRule {
    func rounded(to type: ElementType) -> NormalizationRule {
        var result = self
        (result.mean, result.variance) = (mean?.rounded(to: type), variance?.rounded(to: type))
        return result
    }

    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        let (places, extents) = try parameterShape(in: shape)
        let means = mean?.values ?? numbers("mean", among: weights) ?? []
        let variances = variance?.values ?? numbers("variance", among: weights) ?? []
        let deviations = variances.map { max($0.squareRoot(), Self.epsilon) }
        func along(_ values: [Double]) -> AxisNumbers { AxisNumbers(values, places: places, extents: extents, rank: shape.count) }
        let (zero, one) = (AxisNumbers(0, rank: shape.count), AxisNumbers(1, rank: shape.count))
        let loop = isInverse
            ? AffineLoop(shape, shift: zero, factor: along(deviations), gamma: one, beta: along(means))
            : AffineLoop(shape, shift: along(means), factor: along(deviations.map { 1 / $0 }), gamma: one, beta: zero)
        return try loop.run(xs, to: shape, threads: threads)
    }
}

extension PReLURule: ComputedRule {
    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        let alpha = weights[0]
        let numbers = AxisNumbers(alpha.doubles, places: Array(1..<shape.count), extents: alpha.shape, rank: shape.count)
        return try SlopeLoop(shape, alpha: numbers).run(xs, to: shape, threads: threads)
    }
}
