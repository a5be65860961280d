import VoxLayerSpec

/// How a minimal-filtering kernel works on channels_first tensors: the inputs of a block of tiles become voxels in the thread's
/// workspace, results are voxels there, and go back to planes when the block is finished.
public struct WindowConversion: Hashable, Sendable {
    /// Whether inputs are converted; a plane of a single channel is voxels already.
    public let convertsInput: Bool
    /// Whether outputs are; not with a single filter.
    public let convertsOutput: Bool
    /// Floats from voxel to voxel, row to row and plane to plane of the inputs in the workspace.
    public let inputSteps: [Int]
    /// Likewise of the outputs.
    public let outputSteps: [Int]
    /// Floats that the inputs of a block take in the workspace.
    public let inputFloats: Int
    /// Floats that its outputs take.
    public let outputFloats: Int
    /// Whether finished planes bypass the caches.
    public let streamsOutput: Bool

    /// - Parameters:
    ///   - axes: the windows along each axis.
    ///   - block: tiles of a work item along each axis.
    ///   - unit: what multiplies and adds.
    ///   - streams: whether finished planes may bypass the caches.
    init(_ gather: Gather, _ axes: [MinimalFilteringSchedule.Axis], block: [Int], unit: MultiplyUnit, streams: Bool) {
        convertsInput = gather.channels > 1
        convertsOutput = gather.filters > 1
        let inputs = gather.axes.indices.map { min(2 * (block[$0] - 1) * axes[$0].step + axes[$0].window, gather.axes[$0].sources) }
        let outputs = gather.axes.indices.map { min(2 * block[$0] * gather.axes[$0].phases, gather.axes[$0].results) }
        inputSteps = Self.steps(
            convertsInput ? inputs : gather.axes.map(\.sources),
            voxel: convertsInput ? PlaneConversion.voxel(features: gather.channels, lanes: unit.lanes) : 1)
        outputSteps = Self.steps(
            convertsOutput ? outputs : gather.axes.map(\.results),
            voxel: convertsOutput ? PlaneConversion.voxel(features: gather.filters, lanes: unit.lanes) : 1)
        inputFloats = convertsInput ? unit.wholeLines(inputs[0] * inputSteps[2]) : 0
        streamsOutput = convertsOutput && streams
        outputFloats = convertsOutput ? unit.wholeLines(outputs[0] * outputSteps[2]) : 0
    }

    private static func steps(_ size: [Int], voxel: Int) -> [Int] { [voxel, voxel * size[2], voxel * size[2] * size[1]] }
}
