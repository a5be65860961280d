/// Who reads what: the relation solved for the results of one operation. The interpreter, tile plans, window transforms and layout
/// conversions read this description and do no arithmetic on the relation themselves.
///
/// Channels are the features of a source and filters those of a result. For `convolution`, these are y's and x's, so the numbers of `Geometry`
/// change places. For `kernelGradient` it describes the pairs whose products are summed: sources are the positions of x, results those of y.
public struct Gather: Hashable, Sendable {
    /// One description per spatial axis.
    public let axes: [AxisGather]
    /// Features of a source.
    public let channels: Int
    /// Features of a result.
    public let filters: Int
    /// Independent parts of the features.
    public let groups: Int
    /// Where a weight stands in the kernel tensor.
    public let weights: WeightSteps

    /// Elements of the kernel tensor from one weight to the next.
    public struct WeightSteps: Hashable, Sendable {
        /// To the next tap.
        public let tap: Int
        /// To the weights of the next group.
        public let group: Int
        /// To the next channel of a group.
        public let channel: Int
        /// To the next filter of a group.
        public let filter: Int
    }

    /// - Parameters:
    ///   - geometry: the numbers of the relation.
    ///   - op: which side of it is the result.
    public init(_ geometry: Geometry, _ op: KernelOp) {
        let isConvolution = op == .convolution
        axes = geometry.axes.map { AxisGather($0, op) }
        channels = isConvolution ? geometry.filters : geometry.channels
        filters = isConvolution ? geometry.channels : geometry.filters
        groups = geometry.groups
        // The kernel tensor is (taps, features of y in a group, features of x).
        weights = WeightSteps(
            tap: geometry.filtersPerGroup * geometry.channels, group: geometry.channelsPerGroup,
            channel: isConvolution ? geometry.channels : 1, filter: isConvolution ? 1 : geometry.channels)
    }

    /// Channels one filter reads.
    public var channelsPerGroup: Int { channels / groups }
    /// Filters one channel reaches.
    public var filtersPerGroup: Int { filters / groups }
    /// Number of sources of a sample, each with all channels.
    public var sourceVolume: Int { axes.reduce(1) { $0 * $1.sources } }
    /// Number of results of a sample, each with all filters.
    public var resultVolume: Int { axes.reduce(1) { $0 * $1.results } }
    /// Product of the kernel sizes.
    public var tapCount: Int { axes.reduce(1) { $0 * $1.kernel } }
    /// Most products that are added into one result: the n of the error bound gamma_n * sum |x||w|.
    public var longestChain: Int { axes.reduce(channelsPerGroup) { $0 * $1.longestChain } }
}

/// Who reads what along one axis.
///
/// The results are split into `phases`: result `q * phases + r - crop` stands at *position* q of phase r. It reads, for each tap of its phase,
/// the source `q * step - lag`, where there is one; `lag` belongs to the tap.
///
/// Transposed convolution has as many phases as its stride, step 1, and the taps with `t * dilation = r + lag * stride` in phase r. Convolution
/// has one phase, the stride as its step, and `lag = crop - t * dilation` for every tap.
public struct AxisGather: Hashable, Sendable {
    /// Number of sources.
    public let sources: Int
    /// Number of results.
    public let results: Int
    /// Number of taps.
    public let kernel: Int
    /// Interleaved parts of the results, each of which has its own taps.
    public let phases: Int
    /// Sources from one position to the next.
    public let step: Int
    /// How many results result 0 lies behind position 0 of phase 0.
    public let crop: Int

    private let relation: AxisGeometry
    /// The lag of tap 0 in phase 0, and how much it grows from tap to tap, both in units of `1 / phases`.
    private let firstLag: Int
    private let lagStep: Int

    /// - Parameters:
    ///   - axis: the numbers of the relation.
    ///   - op: which side of it is the result.
    public init(_ axis: AxisGeometry, _ op: KernelOp) {
        relation = axis
        kernel = axis.kernel
        switch op {
        case .transposedConvolution, .kernelGradient:
            (sources, results) = (axis.input, axis.output)
            (phases, step, crop) = (axis.stride, 1, axis.crop)
            (firstLag, lagStep) = (0, axis.dilation)
        case .convolution:
            (sources, results) = (axis.output, axis.input)
            (phases, step, crop) = (1, axis.stride, 0)
            (firstLag, lagStep) = (axis.crop, -axis.dilation)
        }
    }

    /// A tap as seen from one phase.
    public struct PhaseTap: Hashable, Sendable {
        /// Index of the tap in the kernel.
        public let tap: Int
        /// How many sources before `q * step` it reads; negative for a source behind that.
        public let lag: Int

        package init(tap: Int, lag: Int) {
            self.tap = tap
            self.lag = lag
        }
    }

    /// The taps of phase `r`, in ascending order; empty for a phase no tap falls into.
    public func taps(inPhase r: Int) -> [PhaseTap] {
        (0..<kernel).compactMap { tap in
            let distance = firstLag + tap * lagStep - r
            return distance % phases == 0 ? PhaseTap(tap: tap, lag: distance.flooredDivision(by: phases)) : nil
        }
    }

    /// The positions `q` of phase `r` whose result exists.
    public func positions(inPhase r: Int) -> Range<Int> {
        let first = (crop - r).ceilingDivision(by: phases)
        let end = (results + crop - r).ceilingDivision(by: phases)
        return first..<max(first, end)
    }

    /// The positions of any of these phases, from the first to the last.
    public func positions(inPhases phases: [Int]) -> Range<Int> {
        let ranges = phases.map { positions(inPhase: $0) }.filter { !$0.isEmpty }
        guard let first = ranges.map(\.lowerBound).min(), let end = ranges.map(\.upperBound).max() else { return 0..<0 }
        return first..<end
    }

    /// The positions of all phases.
    public var positions: Range<Int> { positions(inPhases: Array(0..<phases)) }
    /// Most positions of a phase.
    public var mostPositions: Int { (0..<phases).reduce(0) { max($0, positions(inPhase: $1).count) } }

    /// The result at position `q` of phase `r`; it exists for `positions(inPhase:)`.
    public func result(position q: Int, phase r: Int) -> Int { q * phases + r - crop }

    /// Phase and position of a result.
    public func phase(ofResult result: Int) -> (phase: Int, position: Int) {
        let place = result + crop
        return (place % phases, place / phases)
    }

    /// Where a tap reads at position `q`, be it inside the volume or not.
    package func place(position q: Int, lag: Int) -> Int { q * step - lag }

    /// The source that a tap reads at position `q`; nil outside the volume.
    public func source(position q: Int, lag: Int) -> Int? {
        let source = place(position: q, lag: lag)
        return source >= 0 && source < sources ? source : nil
    }

    /// The positions at which a tap's source exists.
    public func positions(reachedBy lag: Int) -> Range<Int> {
        let first = lag.ceilingDivision(by: step)
        return first..<max(first, (sources + lag).ceilingDivision(by: step))
    }

    /// Every (tap, source) pair that contributes to a result, taps ascending.
    public func contributions(toResult result: Int) -> [(tap: Int, source: Int)] {
        let (r, q) = phase(ofResult: result)
        return taps(inPhase: r).compactMap { tap in source(position: q, lag: tap.lag).map { (tap.tap, $0) } }
    }

    /// Number of (source, tap) pairs whose result exists: the multiply-adds of this axis alone.
    public var pairCount: Int { relation.pairCount }

    /// Most taps that share a phase, so that they can meet in one result.
    public var longestChain: Int {
        // Two taps share a phase when the distance of their lags is a multiple of `phases`.
        var (divisor, rest) = (phases, abs(lagStep))
        while rest != 0 { (divisor, rest) = (rest, divisor % rest) }
        return kernel.ceilingDivision(by: phases / divisor)
    }
}
