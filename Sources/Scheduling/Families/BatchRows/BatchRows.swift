import VoxLayerSpec

/// Parameters of the family batch rows, which computes plain sums for inputs of one voxel, as in the first layer of generators (Wu et al. 2016,
/// 3D-GAN). A call is the product of two matrices, of which the first has a row for each sample.
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
        if spec.op != .transposedConvolution { return no("batch rows take transposedConvolution only") }
        let geometry = spec.geometry
        if geometry.axes.count != 3 { return no("it has \(geometry.axes.count) spatial axes; expected 3") }
        if geometry.inputVolume != 1 { return no("batch rows need an input of one voxel") }
        if spec.elements != .float32 { return no("batch rows need float32") }
        if geometry.groups != 1 { return no("batch rows need 1 group") }
        // For an output that no tap reaches, weights of 0 would be wrong: 0 * NaN is NaN.
        if geometry.axes.contains(where: { $0.pairCount < $0.output }) { return no("batch rows need a tap for every output") }
        if Checked.clampedProduct(geometry.outputVolume, geometry.filters) > maximumCount || geometry.channels > maximumCount {
            return no("it has more than \(maximumCount) outputs or channels")
        }
        return nil
    }

    /// Outputs and channels are counted in C's int.
    private static let maximumCount = 1 << 28

    /// As many accumulators as registers allow, 4 vectors wide where there are 32: then a weight is read once for 6 samples.
    static func estimate(_ target: Target) -> BatchRows {
        let vectors = target.vectorRegisters >= 32 ? 4 : 2
        return BatchRows(vectors: vectors, rows: target.registerTileRows(vectors: vectors))
    }
}

extension BatchRows {
    public static let familyName = "batchRows"
    public static let policy = Policy.direct
    /// True: filter lanes read all weights for every sample. For one sample they may be faster, but a kernel serves any batch.
    public static let excludesOthers = true

    public static func planned(_ spec: KernelSpec, _ target: Target, threads: Int) throws(SchedulingError) -> Schedule? {
        try Schedule(spec: spec, target: target, decision: .batchRows(estimate(target)))
    }

    /// The estimate alone: other register tiles are its neighbours.
    public static func candidates(_ spec: KernelSpec, _ target: Target, threads: Int) -> [Schedule] {
        if reasonAgainst(spec) != nil { return [] }
        return Schedule.ranked([estimate(target)], spec, target, threads: threads)
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
