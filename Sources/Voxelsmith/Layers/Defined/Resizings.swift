import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

extension PoolingRule: LoopRule {
    func onlyLoop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall {
        LoopCall(PoolingLoop(self, inputs[0]), inputCount: 1)
    }
}

extension LayerRule {
    /// Copies a tensor with other places along its spatial axes.
    /// - Parameter source: for an axis and a place of the result, the place of the input; nil for a zero.
    fileprivate func resized(
        _ input: [Int], _ type: ElementType, _ layout: Layout, to shape: [Int], _ source: (_ axis: Int, _ place: Int) -> Int?
    ) throws -> LoopCall {
        // A result that there is no memory for is refused before there are lists of its places.
        _ = try Tensor(uninitialized: shape, type)
        let steps = Tensor.steps(input)
        let spatial = layout.firstSpatialAxis..<layout.firstSpatialAxis + 3
        let sources = shape.indices.map { axis in
            if !spatial.contains(axis) { return GatherLoop.all(shape[axis], step: steps[axis]) }
            return (0..<shape[axis]).map { place in source(axis - spatial.lowerBound, place).map { $0 * steps[axis] } ?? -1 }
        }
        return LoopCall(GatherLoop(sources), inputCount: 1)
    }
}

extension UpSamplingRule: LoopRule {
    func onlyLoop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall {
        try resized(inputs[0], type, layout, to: shape) { axis, place in place / size[axis] }
    }
}

extension EndsRule: LoopRule {
    func onlyLoop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall {
        let start = layout.firstSpatialAxis
        let extents = inputs[0]
        return try resized(extents, type, layout, to: shape) { axis, place in
            let source = isCropping ? place + ends[axis][0] : place - ends[axis][0]
            return (0..<extents[start + axis]).contains(source) ? source : nil
        }
    }
}

extension ReshapeRule: ComputedRule {
    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor { try xs[0].reshaped(to: shape) }
}

extension FlattenRule: ComputedRule {
    /// Whether the elements stay in their order.
    func keepsOrder(rank: Int) -> Bool { layout == .channelsLast || rank < 3 }

    func loop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall? {
        let rank = inputs[0].count
        return keepsOrder(rank: rank) ? nil : .transposing(inputs[0], [0] + Array(2..<rank) + [1])
    }

    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        let loop = try loop([xs[0].shape], xs[0].elementType, weights: weights, to: shape)
        return try loop?.run(xs, to: shape, threads: threads) ?? xs[0].reshaped(to: shape)
    }
}

extension PermuteRule: LoopRule {
    func onlyLoop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall {
        .transposing(inputs[0], [0] + order)
    }
}

extension RepeatVectorRule: LoopRule {
    func onlyLoop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall {
        // One operand that is repeated along the new axis.
        LoopCall(FoldLoop(.add, [[shape[0], 1, shape[2]]], to: shape), inputCount: 1)
    }
}

extension LoopCall {
    /// The axes of a tensor of this shape in another order, each named once by its place.
    static func transposing(_ shape: [Int], _ order: [Int]) -> LoopCall {
        let steps = Tensor.steps(shape)
        return LoopCall(GatherLoop(order.map { GatherLoop.all(shape[$0], step: steps[$0]) }), inputCount: 1)
    }
}

extension DenseRule: ComputedRule {
    private func sums(_ input: [Int], weights: [Tensor], then activation: Activation) -> LoopCall {
        LoopCall(
            DenseLoop(input, units: units, usesBias: usesBias), [.input(0)] + weights.map { .constant($0) }, activation: activation)
    }

    func loop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall? {
        activation.needsWholeResult ? nil : sums(inputs[0], weights: weights, then: activation)
    }

    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        let y = try sums(xs[0].shape, weights: weights, then: .linear)
            .run(xs, to: xs[0].shape.dropLast() + [units], threads: threads)
        return try ActivationLayer.apply(activation, to: y, threads: threads)
    }
}
