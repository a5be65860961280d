import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

extension RescalingRule: LoopRule {
    func rounded(to type: ElementType) -> RescalingRule {
        var result = self
        (result.scale, result.offset) = (scale.rounded(to: type), offset.rounded(to: type))
        return result
    }

    func onlyLoop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall {
        let rank = shape.count
        func along(_ numbers: ConfigNumbers) -> AxisNumbers {
            let own = numbers.shape
            return AxisNumbers(numbers.values, places: Array(rank - own.count..<rank), extents: own, rank: rank)
        }
        let loop = AffineLoop(
            shape, shift: AxisNumbers(0, rank: rank), factor: along(scale), gamma: AxisNumbers(1, rank: rank), beta: along(offset))
        return LoopCall(loop, inputCount: 1)
    }
}

extension NormalizationRule: LoopRule {
    func rounded(to type: ElementType) -> NormalizationRule {
        var result = self
        (result.mean, result.variance) = (mean?.rounded(to: type), variance?.rounded(to: type))
        return result
    }

    func onlyLoop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall {
        let (places, extents) = try parameterShape(in: shape)
        let means = mean?.values ?? numbers("mean", among: weights) ?? []
        let variances = variance?.values ?? numbers("variance", among: weights) ?? []
        let deviations = variances.map { max($0.squareRoot(), Self.epsilon) }
        func along(_ values: [Double]) -> AxisNumbers { AxisNumbers(values, places: places, extents: extents, rank: shape.count) }
        let (zero, one) = (AxisNumbers(0, rank: shape.count), AxisNumbers(1, rank: shape.count))
        let loop = isInverse
            ? AffineLoop(shape, shift: zero, factor: along(deviations), gamma: one, beta: along(means))
            : AffineLoop(shape, shift: along(means), factor: along(deviations.map { 1 / $0 }), gamma: one, beta: zero)
        return LoopCall(loop, inputCount: 1)
    }
}

extension PReLURule: LoopRule {
    func onlyLoop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall {
        let alpha = weights[0]
        let numbers = AxisNumbers(alpha.doubles, places: Array(1..<shape.count), extents: alpha.shape, rank: shape.count)
        return LoopCall(SlopeLoop(shape, alpha: numbers), inputCount: 1)
    }
}
