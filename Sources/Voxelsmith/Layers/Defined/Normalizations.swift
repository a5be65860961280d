import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

extension BatchNormalizationRule: LoopRule {
    func onlyLoop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall {
        let place = try Activation.index(ofAxis: axis, rank: shape.count)
        func along(_ values: [Double]) -> AxisNumbers { AxisNumbers(values, places: [place], extents: [shape[place]], rank: shape.count) }
        func along(_ name: String, default standard: Double) -> AxisNumbers {
            numbers(name, among: weights).map(along) ?? AxisNumbers(standard, rank: shape.count)
        }
        let loop = AffineLoop(
            shape, shift: along("moving_mean", default: 0), factor: along(factors(among: weights)), gamma: along("gamma", default: 1),
            beta: along("beta", default: 0))
        return LoopCall(loop, inputCount: 1)
    }

    private func factors(among weights: [Tensor]) -> [Double] {
        (numbers("moving_variance", among: weights) ?? []).map { 1 / ($0 + epsilon).squareRoot() }
    }

    /// What the layer does to each channel: `x * scale + shift`.
    /// - Parameter weights: as of `compute`.
    func affine(weights: [Tensor]) -> (scales: [Double], shifts: [Double]) {
        let factors = factors(among: weights)
        let scales = numbers("gamma", among: weights).map { zip(factors, $0).map(*) } ?? factors
        let means = numbers("moving_mean", among: weights) ?? []
        let betas = numbers("beta", among: weights) ?? Array(repeating: 0, count: means.count)
        return (scales, zip(betas, zip(means, scales)).map { $0 - $1.0 * $1.1 })
    }
}

extension LayerNormalizationRule: ComputedRule {
    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        let places = try places(in: shape)
        let reduction = Reduction(.moments, shape, over: places)
        let moments = try reduction.values(xs[0], threads: threads)
        let half = moments.count / 2
        func kept(_ values: [Double]) -> AxisNumbers {
            AxisNumbers(values, places: reduction.kept.places, extents: reduction.kept.extents, rank: shape.count)
        }
        func own(_ name: String, default standard: Double) -> AxisNumbers {
            guard let values = numbers(name, among: weights) else { return AxisNumbers(standard, rank: shape.count) }
            return AxisNumbers(values, places: places, extents: places.map { shape[$0] }, rank: shape.count)
        }
        let loop = AffineLoop(
            shape, shift: scalesAlone ? AxisNumbers(0, rank: shape.count) : kept(Array(moments.prefix(half))),
            factor: kept(moments.suffix(half).map { 1 / ($0 + epsilon).squareRoot() }), gamma: own("gamma", default: 1), beta: own("beta", default: 0))
        return try loop.run(xs, to: shape, threads: threads)
    }
}

extension GroupNormalizationRule: ComputedRule {
    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        let (place, groups) = try partition(of: shape)
        // Channels as an axis of groups and one of channels in a group.
        var view = shape
        view[place] = shape[place] / groups
        view.insert(groups, at: place)
        let reduction = Reduction(.moments, view, over: view.indices.filter { $0 != 0 && $0 != place })
        let moments = try reduction.values(xs[0], threads: threads)
        let half = moments.count / 2
        func kept(_ values: [Double]) -> AxisNumbers {
            AxisNumbers(values, places: reduction.kept.places, extents: reduction.kept.extents, rank: view.count)
        }
        func own(_ name: String, default standard: Double) -> AxisNumbers {
            guard let values = numbers(name, among: weights) else { return AxisNumbers(standard, rank: view.count) }
            return AxisNumbers(values, places: [place, place + 1], extents: [groups, view[place + 1]], rank: view.count)
        }
        let loop = AffineLoop(
            view, shift: kept(Array(moments.prefix(half))), factor: kept(moments.suffix(half).map { 1 / ($0 + epsilon).squareRoot() }),
            gamma: own("gamma", default: 1), beta: own("beta", default: 0))
        return try loop.run(xs, to: shape, threads: threads)
    }
}

extension UnitNormalizationRule: ComputedRule {
    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        try Self.normalized(xs[0], along: axes.map { try Activation.index(ofAxis: $0, rank: shape.count) }, epsilon: Self.epsilon, threads: threads)
    }

    /// A tensor divided by its length along some axes, or by `epsilon` where that is more.
    static func normalized(_ x: Tensor, along places: [Int], epsilon: Double, threads: Int) throws -> Tensor {
        let reduction = Reduction(.sumOfSquares, x.shape, over: places)
        let factors = try reduction.values(x, threads: threads).map { 1 / max($0.squareRoot(), epsilon) }
        let rank = x.shape.count
        let loop = AffineLoop(
            x.shape, shift: AxisNumbers(0, rank: rank),
            factor: AxisNumbers(factors, places: reduction.kept.places, extents: reduction.kept.extents, rank: rank),
            gamma: AxisNumbers(1, rank: rank), beta: AxisNumbers(0, rank: rank))
        return try loop.run([x], to: x.shape, threads: threads)
    }
}

extension SoftmaxRule: ComputedRule {
    /// All in double precision, so that the differences from the largest number are not rounded before they are exponents.
    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        let places = try axes.map { try Activation.index(ofAxis: $0, rank: shape.count) }
        let kept = shape.indices.map { places.contains($0) ? 1 : shape[$0] }
        let x = try xs[0].cast(to: .float64)
        let largest = try Tensor(shape: kept, Reduction(.maximum, shape, over: places).values(x, threads: threads))
        let shifted = try FoldLoop(.subtract, [shape, kept], to: shape).run([x, largest], to: shape, threads: threads)
        let powers = try FoldLoop(.exponential, [shape], to: shape).run([shifted], to: shape, threads: threads)
        let count = Double(Checked.clampedCount(places.map { shape[$0] }))
        let sums = try Tensor(shape: kept, Reduction(.mean, shape, over: places).values(powers, threads: threads).map { $0 * count })
        let y = try FoldLoop(.divide, [shape, kept], to: shape).run([powers, sums], to: shape, threads: threads)
        return try y.cast(to: xs[0].elementType)
    }
}
