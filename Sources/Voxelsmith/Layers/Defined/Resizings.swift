import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

extension PoolingRule: ComputedRule {
    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        try PoolingLoop(self, xs[0].shape).run(xs, to: shape, threads: threads)
    }
}

extension GlobalPoolingRule: ComputedRule {
    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        let start = layout.firstSpatialAxis
        let reduction = Reduction(isMaximum ? .maximum : .mean, xs[0].shape, over: Array(start..<start + 3))
        return try Tensor(shape: shape, try reduction.values(xs[0], threads: threads)).cast(to: xs[0].elementType)
    }
}

extension LayerRule {
    /// Copies a tensor with other places along its spatial axes.
    /// - Parameter source: for an axis and a place of the result, the place of the input; nil for a zero.
    fileprivate func resized(
        _ x: Tensor, _ layout: Layout, to shape: [Int], threads: Int, _ source: (_ axis: Int, _ place: Int) -> Int?
    ) throws -> Tensor {
        // A result that there is no memory for is refused before there are lists of its places.
        _ = try Tensor(uninitialized: shape, x.elementType)
        let steps = Tensor.steps(x.shape)
        let spatial = layout.firstSpatialAxis..<layout.firstSpatialAxis + 3
        let sources = shape.indices.map { axis in
            if !spatial.contains(axis) { return GatherLoop.all(shape[axis], step: steps[axis]) }
            return (0..<shape[axis]).map { place in source(axis - spatial.lowerBound, place).map { $0 * steps[axis] } ?? -1 }
        }
        return try GatherLoop(sources).run([x], to: shape, threads: threads)
    }
}

extension UpSamplingRule: ComputedRule {
    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        try resized(xs[0], layout, to: shape, threads: threads) { axis, place in place / size[axis] }
    }
}

extension EndsRule: ComputedRule {
    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        let start = layout.firstSpatialAxis
        let extents = xs[0].shape
        return try resized(xs[0], layout, to: shape, threads: threads) { axis, place in
            let source = isCropping ? place + ends[axis][0] : place - ends[axis][0]
            return (0..<extents[start + axis]).contains(source) ? source : nil
        }
    }
}

extension ReshapeRule: ComputedRule {
    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor { try xs[0].reshaped(to: shape) }
}

extension FlattenRule: ComputedRule {
    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        let x = xs[0]
        if layout == .channelsLast || x.shape.count < 3 { return try x.reshaped(to: shape) }
        return try x.transposed([0] + Array(2..<x.shape.count) + [1], threads: threads).reshaped(to: shape)
    }
}

extension PermuteRule: ComputedRule {
    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        try xs[0].transposed([0] + order, threads: threads)
    }
}

extension RepeatVectorRule: ComputedRule {
    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        // One operand that is repeated along the new axis.
        try FoldLoop(.add, [[shape[0], 1, shape[2]]], to: shape).run(xs, to: shape, threads: threads)
    }
}

extension Tensor {
    /// The axes in another order, each named once by its place here.
    fileprivate func transposed(_ order: [Int], threads: Int) throws -> Tensor {
        let steps = Tensor.steps(shape)
        let sources = order.map { GatherLoop.all(shape[$0], step: steps[$0]) }
        return try GatherLoop(sources).run([self], to: order.map { shape[$0] }, threads: threads)
    }
}

extension DenseRule: ComputedRule {
    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        let sums = xs[0].shape.dropLast() + [units]
        let y = try DenseLoop(xs[0].shape, units: units, usesBias: usesBias).run(xs + weights, to: Array(sums), threads: threads)
        return try ActivationLayer.apply(activation, to: y, threads: threads)
    }
}
