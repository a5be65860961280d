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

extension LayerNormalizationRule: LoopRule {
    func onlyLoop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall {
        let places = try places(in: shape)
        func own(_ name: String, default standard: Double) -> AxisNumbers {
            guard let values = numbers(name, among: weights) else { return AxisNumbers(standard, rank: shape.count) }
            return AxisNumbers(values, places: places, extents: places.map { shape[$0] }, rank: shape.count)
        }
        let reduction = Reduction(.moments, shape, over: places)
        return .standardizing(
            shape, reduction, epsilon: epsilon, scalesAlone: scalesAlone, gamma: own("gamma", default: 1), beta: own("beta", default: 0))
    }
}

extension GroupNormalizationRule: LoopRule {
    func onlyLoop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall {
        let (place, groups) = try partition(of: shape)
        // Channels as an axis of groups and one of channels in a group.
        var view = shape
        view[place] = shape[place] / groups
        view.insert(groups, at: place)
        func own(_ name: String, default standard: Double) -> AxisNumbers {
            guard let values = numbers(name, among: weights) else { return AxisNumbers(standard, rank: view.count) }
            return AxisNumbers(values, places: [place, place + 1], extents: [groups, view[place + 1]], rank: view.count)
        }
        let reduction = Reduction(.moments, view, over: view.indices.filter { $0 != 0 && $0 != place })
        return .standardizing(view, reduction, epsilon: epsilon, gamma: own("gamma", default: 1), beta: own("beta", default: 0))
    }
}

extension LoopCall {
    /// `(x - mean) / sqrt(variance + epsilon) * gamma + beta`.
    /// - Parameters:
    ///   - shape: of the tensor, or another one of as many elements.
    ///   - reduction: to moments, of that shape.
    ///   - scalesAlone: whether no mean is taken away.
    fileprivate static func standardizing(
        _ shape: [Int], _ reduction: Reduction, epsilon: Double, scalesAlone: Bool = false, gamma: AxisNumbers, beta: AxisNumbers
    ) -> LoopCall {
        prepared(shape, reduction, gamma: gamma, beta: beta) { results, count, index in
            (scalesAlone ? 0 : results[index], 1 / (results[count + index] + epsilon).squareRoot())
        }
    }

    /// `(x - shift) * factor * gamma + beta`, where shift and factor follow from a reduction of the whole input.
    /// - Parameter numbers: both, from the results of the reduction and how many places these are for, at one of them.
    fileprivate static func prepared(
        _ shape: [Int], _ reduction: Reduction, gamma: AxisNumbers, beta: AxisNumbers,
        _ numbers: @escaping @Sendable (_ results: UnsafePointer<Double>, _ count: Int, _ index: Int) -> (shift: Double, factor: Double)
    ) -> LoopCall {
        let (repeats, count) = (reduction.repeats, Checked.clampedCount(reduction.kept.extents))
        let length = Checked.clampedProduct(count, repeats)
        func along(from start: Int) -> AxisNumbers {
            AxisNumbers(preparedFrom: start, places: reduction.spread, extents: reduction.spread.map { shape[$0] }, rank: shape.count)
        }
        let total = Checked.clampedSum(
            Checked.clampedProduct(length, 2), Checked.clampedSum(reduction.resultCount, reduction.workCount))
        let preparation = LoopPreparation(numberCount: total) { xs, type, memory, threads in
            let results = memory + 2 * length
            reduction.run(xs[0], type, to: results, work: results + reduction.resultCount, threads: threads)
            for index in 0..<count {
                let own = numbers(results, count, index)
                for place in index * repeats..<(index + 1) * repeats { (memory[place], memory[length + place]) = (own.shift, own.factor) }
            }
        }
        let loop = AffineLoop(shape, shift: along(from: 0), factor: along(from: length), gamma: gamma, beta: beta)
        return LoopCall(loop, [.input(0), .prepared], preparation: preparation)
    }
}

extension UnitNormalizationRule: LoopRule {
    func onlyLoop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall {
        Self.normalizing(shape, along: try axes.map { try Activation.index(ofAxis: $0, rank: shape.count) }, epsilon: Self.epsilon)
    }

    /// A tensor divided by its length along some axes, or by `epsilon` where that is more.
    static func normalizing(_ shape: [Int], along places: [Int], epsilon: Double) -> LoopCall {
        let (zero, one) = (AxisNumbers(0, rank: shape.count), AxisNumbers(1, rank: shape.count))
        return .prepared(shape, Reduction(.sumOfSquares, shape, over: places), gamma: one, beta: zero) { results, _, index in
            (0, 1 / max(results[index].squareRoot(), epsilon))
        }
    }
}
