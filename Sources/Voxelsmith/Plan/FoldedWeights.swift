import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

/// The kernel and bias of a convolution with the batch normalizations around it folded in. Products and sums are in double precision and rounded
/// once to the type of the kernel.
struct FoldedWeights {
    let kernel: Tensor
    let bias: Tensor?

    /// What normalizations in a row do to each channel: `x * scale + shift`.
    struct Affine {
        var scales: [Double]
        var shifts: [Double]

        /// - Parameter count: of channels.
        init(_ normalizations: [(scales: [Double], shifts: [Double])], count: Int) {
            scales = Array(repeating: 1, count: count)
            shifts = Array(repeating: 0, count: count)
            for next in normalizations {
                for channel in 0..<count {
                    scales[channel] *= next.scales[channel]
                    shifts[channel] = shifts[channel] * next.scales[channel] + next.shifts[channel]
                }
            }
        }
    }

    /// - Parameters:
    ///   - config: of the convolution; says whether there is a bias afterwards.
    ///   - kernel: as the layer has it.
    ///   - bias: likewise.
    ///   - before: what is done to the channels of the input.
    ///   - after: what is done to the filters of the result.
    ///   - taps: per axis the taps that every result has; nil where that differs between results, and `before` adds nothing.
    /// - Returns: nil where a number of the result is not finite, or where one that is not 0 has become too small for the precision of its type.
    init?(_ config: LayerConfig, kernel: Tensor, bias: Tensor?, before: Affine, after: Affine, taps: [[Int]]?) throws {
        let places = KernelPlaces(config, shape: kernel.shape)
        // 16-bit numbers as doubles, so that they too are rounded once.
        let weights = kernel.elementType == .float32 ? kernel : try kernel.cast(to: .float64)
        var folded = try Tensor(uninitialized: kernel.shape, weights.elementType)
        var sums = bias?.doubles ?? Array(repeating: 0, count: config.filters)
        let factors = places.isTransposed ? (last: before.scales, other: after.scales) : (last: after.scales, other: before.scales)
        func fold<T: LoopElement & BinaryFloatingPoint>(_ type: T.Type, least: Double) throws -> Bool {
            try weights.withUnsafeBytes { source in
                let from = source.bindMemory(to: type)
                // From the weights as they are: what is added to a channel has its factor behind it.
                if let taps { places.addShifts(before.shifts, of: from, taps, to: &sums) }
                return try folded.withUnsafeMutableBytes { places.multiply(from, factors, to: $0.bindMemory(to: type), least: least) }
            }
        }
        let isWhole =
            weights.elementType == .float32
            ? try fold(Float.self, least: Double(Float.leastNormalMagnitude))
            : try fold(Double.self, least: kernel.elementType == .float64 ? .leastNormalMagnitude : Double(Float.leastNormalMagnitude))
        if !isWhole { return nil }
        for filter in sums.indices { sums[filter] = sums[filter] * after.scales[filter] + after.shifts[filter] }
        self.kernel = try folded.cast(to: kernel.elementType)
        self.bias = config.useBias ? try Tensor(shape: [config.filters], sums).cast(to: kernel.elementType) : nil
        // Those of 32 and 64 bits have been looked at.
        let isNarrow = kernel.elementType.arithmetic != kernel.elementType
        if isNarrow, !self.kernel.doubles.allSatisfy(\.isFinite) { return nil }
        if let bias = self.bias, !bias.doubles.allSatisfy(\.isFinite) { return nil }
    }
}

/// Which channel, filter and tap each number of a kernel tensor belongs to.
private struct KernelPlaces {
    let isTransposed: Bool
    private let kernelSize: [Int]
    /// The last two extents: (filters / groups, channels) of a transposed convolution, (channels / groups, filters) of an ordinary one.
    private let inner: Int
    private let outer: Int
    private let groups: Int

    init(_ config: LayerConfig, shape: [Int]) {
        kernelSize = config.kernelSize
        isTransposed = config.kind == .transposed
        (inner, outer) = (shape[shape.count - 2], shape[shape.count - 1])
        groups = config.groups
    }

    /// Calls `body` with runs of numbers that differ in their last feature alone: where a run begins, its last features, and the other feature
    /// of all of them. The features of the last axis are those of all groups, one group after another; those of the axis before it are counted
    /// in a group.
    private func forEachRun(_ rows: Range<Int>, _ body: (_ start: Int, _ last: Range<Int>, _ other: Int) -> Void) {
        let run = outer / groups
        for row in rows {
            for group in 0..<groups { body(row * outer + group * run, group * run..<(group + 1) * run, group * inner + row % inner) }
        }
    }

    /// Adds what a shift of each channel makes of each filter, where every result has the same taps.
    func addShifts<T: LoopElement>(_ shifts: [Double], of weights: UnsafeBufferPointer<T>, _ taps: [[Int]], to sums: inout [Double]) {
        for tap in 0..<Checked.clampedCount(kernelSize) where isAmong(taps, tap) {
            forEachRun(tap * inner..<(tap + 1) * inner) { start, last, other in
                for (index, feature) in zip(start..., last) {
                    let (channel, filter) = isTransposed ? (feature, other) : (other, feature)
                    sums[filter] += shifts[channel] * weights[index].double
                }
            }
        }
    }

    /// Multiplies each number by the factors of its two features.
    /// - Returns: whether all results are finite, and none but those of a 0 is smaller than `least`.
    func multiply<T: LoopElement & BinaryFloatingPoint>(
        _ weights: UnsafeBufferPointer<T>, _ factors: (last: [Double], other: [Double]), to folded: UnsafeMutableBufferPointer<T>, least: Double
    ) -> Bool {
        let largest = T.greatestFiniteMagnitude.double
        var isWhole = true
        factors.last.withUnsafeBufferPointer { lastFactors in
            forEachRun(0..<weights.count / max(1, outer)) { start, last, other in
                let otherFactor = factors.other[other]
                var doubtful = 0
                let offset = start - last.lowerBound
                for feature in last {
                    let index = offset &+ feature
                    let product = weights[index].double * (lastFactors[feature] * otherFactor)
                    folded[index] = T(double: product)
                    doubtful &+= abs(product) >= least && abs(product) <= largest ? 0 : 1
                }
                if doubtful == 0 { return }
                for feature in last {
                    let index = offset + feature
                    // A factor of 0 takes a channel out, and the weight is 0 then.
                    let isZero = weights[index] == 0 || lastFactors[feature] == 0 || otherFactor == 0
                    let isLost = !isZero && !(abs(folded[index].double) >= least)
                    if isLost || !folded[index].isFinite { isWhole = false }
                }
            }
        }
        return isWhole
    }

    /// Whether a tap, counted in the order of the kernel, is among the taps of every axis.
    private func isAmong(_ taps: [[Int]], _ tap: Int) -> Bool {
        var rest = tap
        for axis in kernelSize.indices.reversed() {
            if !taps[axis].contains(rest % kernelSize[axis]) { return false }
            rest /= kernelSize[axis]
        }
        return true
    }
}
