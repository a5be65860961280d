import LayerSpec

/// Schedule parameters of the direct "batch rows" family for inputs of one voxel: a call is a product of matrices whose rows are
/// samples, as in the first layer of generators (Wu et al. 2016, 3D-GAN).
public struct BatchRows: Codable, Hashable, Sendable {
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
    public var text: String { ["batch-rows", "v\(vectors)", "r\(rows)", "unroll\(unroll)"].joined(separator: ",") }

    /// Why this family does not take a problem, nil when it does.
    public static func reasonAgainst(_ spec: KernelSpec) -> SchedulingError? {
        func no(_ reason: String) -> SchedulingError { .notApplicable(key: spec.key.text, reason: reason) }
        if spec.op != .forward { return .notYetEmitted(operation: spec.op.rawValue) }
        let geometry = spec.geometry
        if geometry.axes.count != 3 { return no("it has \(geometry.axes.count) spatial axes; expected 3") }
        if geometry.inputVolume != 1 { return no("batch rows need an input of one voxel") }
        if spec.elements != .float32 { return no("batch rows need float32") }
        if geometry.groups != 1 { return no("batch rows need 1 group") }
        // Zero weights would not do for the outputs no tap reaches: 0 * NaN is NaN.
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

/// A batch-rows kernel, resolved.
public struct BatchRowsSchedule: Hashable, Sendable {
    private let spec: KernelSpec
    /// The parameters of the family.
    public let parameters: BatchRows
    /// Floats of a vector.
    public let lanes: Int

    /// - Throws: `SchedulingError` when the family does not take the problem or the parameters break a limit.
    init(_ spec: KernelSpec, _ target: Target, _ parameters: BatchRows) throws(SchedulingError) {
        if let reason = BatchRows.reasonAgainst(spec) { throw reason }
        if min(parameters.vectors, parameters.rows, parameters.unroll) < 1 {
            throw .illegalSchedule(parameters.text, reason: "a parameter below 1")
        }
        let registers = parameters.vectors * (parameters.rows + 1) + 1
        if registers > target.vectorRegisters {
            throw .illegalSchedule(parameters.text, reason: "it needs \(registers) registers; expected at most \(target.vectorRegisters)")
        }
        self.spec = spec
        self.parameters = parameters
        lanes = target.lanes(.float32)
    }

    /// Outputs of a sample, all filters.
    public var outputs: Int { spec.geometry.outputVolume * spec.geometry.filters }
    /// Outputs of a work item.
    public var panel: Int { parameters.vectors * lanes }
    /// Panels of a sample; the last may be partly empty.
    public var panels: Int { outputs.ceilingDivision(by: panel) }
    /// A panel, over all samples.
    public var workItems: WorkItems { .perCall(panels) }

    /// Bytes of the packed weights, [panel][channel][output], a multiple of 64.
    public var packedByteCount: Int { (panels * spec.geometry.channels * panel * 4).ceilingDivision(by: 64) * 64 }

    /// Kernels with equal packing keys share packed weights; the number after the slash changes with the layout.
    var packingKey: String {
        let axes = spec.geometry.axes
        return [
            "batch-rows/1", "p\(panel)", spec.layout.rawValue,
            "o" + axes.map { String($0.output) }.joined(separator: "x"), "k" + axes.map { String($0.kernel) }.joined(separator: "x"),
            "d" + axes.map { String($0.dilation) }.joined(separator: "x"), "p" + axes.map { String($0.crop) }.joined(separator: "x"),
            "c\(spec.geometry.channels)", "f\(spec.geometry.filters)",
        ].joined(separator: ";")
    }
}
