import VoxLayerSpec

/// A batch-rows kernel, resolved.
public struct BatchRowsSchedule: ResolvedFamily {
    let spec: KernelSpec
    /// The parameters of the family.
    public let parameters: BatchRows
    /// What multiplies and adds.
    public let unit: MultiplyUnit

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
        unit = MultiplyUnit(target, spec.elements)
    }

    /// Outputs of a sample, all filters.
    public var outputs: Int { spec.gather.resultVolume * spec.gather.filters }
    /// Inputs of a sample, all channels: each output is a sum over all of them.
    public var inputs: Int { spec.gather.sourceVolume * spec.gather.channels }
    /// Outputs of a work item.
    public var panel: Int { parameters.vectors * unit.columns }
    /// Panels of a sample; the last may be partly empty.
    public var panels: Int { outputs.ceilingDivision(by: panel) }
    /// A panel, over all samples.
    public var workItems: WorkItems { .perCall(panels) }

    /// Bytes of the packed weights, [panel][input][output], a multiple of 64.
    public var packedByteCount: Int { unit.lineByteCount(elements: panels * unit.paddedChannels(inputs) * panel) }

    /// Samples are read where they are.
    public var workspaceByteCount: Int { 0 }
    /// One sample reads all weights from beyond the second-level cache, whatever the parameters.
    public var expectedCycles: Double { Double(packedByteCount) / 32 }

    /// Kernels with equal packing keys share packed weights; the number after the slash changes with the layout.
    public var packingKey: String {
        let axes = spec.geometry.axes
        let words = [
            "\(BatchRows.label)/1", "p\(panel)", spec.layout.rawValue,
            "o" + axes.map { String($0.output) }.joined(separator: "x"), "k" + axes.map { String($0.kernel) }.joined(separator: "x"),
            "d" + axes.map { String($0.dilation) }.joined(separator: "x"), "p" + axes.map { String($0.crop) }.joined(separator: "x"),
            "c\(spec.geometry.channels)", "f\(spec.geometry.filters)",
        ] + (spec.op == .transposedConvolution ? [] : [spec.op.rawValue])
        return words.joined(separator: ";")
    }
}
