import VoxLayerSpec

/// Parameters of the family batch rows, which computes plain sums where the relation has one voxel on one side: transposed convolutions of inputs of
/// one voxel, as in the first layer of generators (Wu et al. 2016, 3D-GAN), and convolutions whose result is one voxel, as in the last of encoders.
/// A call is the product of two matrices, of which the first has a row for each sample.
public struct BatchRows: KernelFamily {
    /// Vectors of outputs in the register tile.
    public var vectors: Int
    /// Samples in the register tile.
    public var rows: Int
    /// Unroll count of the channel loop.
    public var unroll: Int

    /// Parameters as given; `Schedule` checks them.
    public init(vectors: Int, rows: Int, unroll: Int = 2) {
        self.vectors = vectors
        self.rows = rows
        self.unroll = unroll
    }

    /// Canonical text, equal for equal schedules.
    public var text: String { [Self.label, "v\(vectors)", "r\(rows)", "unroll\(unroll)"].joined(separator: ",") }

    /// Why this family does not take a problem, nil when it does.
    public static func reasonAgainst(_ spec: KernelSpec) -> SchedulingError? {
        func no(_ reason: String) -> SchedulingError { .notApplicable(key: spec.key.text, reason: reason) }
        if !spec.op.isGather { return no("batch rows take transposedConvolution and convolution only") }
        let isConvolution = spec.op == .convolution
        let (geometry, gather) = (spec.geometry, spec.gather)
        if geometry.axes.count != 3 { return no("it has \(geometry.axes.count) spatial axes; expected 3") }
        if geometry.inputVolume != 1 { return no("batch rows need \(isConvolution ? "a result" : "an input") of one voxel") }
        if spec.elements != .float32 { return no("batch rows need float32") }
        if geometry.groups != 1 { return no("batch rows need 1 group") }
        // For a voxel that no tap reaches, weights of 0 would be wrong: 0 * NaN is NaN.
        if geometry.axes.contains(where: { $0.pairCount < $0.output }) {
            return no("batch rows need a tap for every \(isConvolution ? "input" : "output")")
        }
        // Lanes are results: with fewer, filter lanes pair channels or have them in the lanes.
        if isConvolution && gather.filters < leastFilters { return no("batch rows need at least \(leastFilters) filters of a convolution") }
        for (what, volume, features, maximum) in [
            ("outputs", gather.resultVolume, gather.filters, maximumResults), ("inputs", gather.sourceVolume, gather.channels, maximumSums),
        ] where Checked.clampedProduct(volume, features) > maximum {
            return no("it has \(volume) x \(features) \(what); batch rows take at most \(maximum)")
        }
        return nil
    }

    /// A vector of the widest registers.
    private static let leastFilters = 16
    /// Results are counted in C's int.
    private static let maximumResults = 1 << 28
    /// So are inputs, and places in the weights of a panel, which has at most 15 vectors of 16 lanes.
    private static let maximumSums = 1 << 23

    /// As many accumulators as registers allow, 4 vectors wide where there are 32: then a weight is read once for 6 samples. Where a sample has few
    /// results, panels are narrower, so that there are at least two of them to be shared out.
    static func estimate(_ spec: KernelSpec, _ target: Target) -> BatchRows {
        let gather = spec.gather
        let widest = target.vectorRegisters >= 32 ? 4 : 2
        let available = (gather.resultVolume * gather.filters).ceilingDivision(by: MultiplyUnit(target, spec.elements).lanes)
        let vectors = spec.op == .convolution ? min(widest, available.ceilingDivision(by: 2)) : widest
        return BatchRows(vectors: vectors, rows: target.registerTileRows(vectors: vectors))
    }
}

extension BatchRows {
    public static let familyName = "batchRows"
    public static let policy = Policy.direct
    /// True: filter lanes read all weights for every sample. For one sample they may be faster, but a kernel serves any batch.
    public static let excludesOthers = true

    public static func planned(_ spec: KernelSpec, _ target: Target, threads: Int) throws(SchedulingError) -> Schedule? {
        try Schedule(spec: spec, target: target, decision: .batchRows(estimate(spec, target)))
    }

    /// The estimate alone: other register tiles are its neighbours.
    public static func candidates(_ spec: KernelSpec, _ target: Target, threads: Int) -> [Schedule] {
        if reasonAgainst(spec) != nil { return [] }
        return Schedule.ranked([estimate(spec, target)], spec, target, threads: threads)
    }

    public func neighbours(_ spec: KernelSpec, _ target: Target) -> [BatchRows] {
        [1, 2, 3, 4, 6, 8].map { vectors in
            BatchRows(vectors: vectors, rows: target.registerTileRows(vectors: vectors), unroll: unroll)
        } + varied(\.unroll, [1, 2, 4])
    }

    public func resolved(_ spec: KernelSpec, _ target: Target) throws(SchedulingError) -> BatchRowsSchedule {
        try BatchRowsSchedule(spec, target, self)
    }
}

extension Decision {
    /// Batch rows with given parameters.
    public static func batchRows(_ parameters: BatchRows) -> Decision { Decision(parameters) }
}

extension Schedule {
    /// The resolved batch-rows schedule; nil for another family.
    package var batchRows: BatchRowsSchedule? { family as? BatchRowsSchedule }
}
