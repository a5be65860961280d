import LayerSpec

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
    ///   - taps: most taps of a phase along each axis.
    ///   - block: tiles of a work item along each axis.
    init(_ geometry: Geometry, taps: [Int], block: [Int], lanes: Int, streams: Bool) {
        convertsInput = geometry.channels > 1
        convertsOutput = geometry.filters > 1
        let inputs = geometry.axes.indices.map { min(2 * block[$0] + taps[$0] - 1, geometry.axes[$0].input) }
        let outputs = geometry.axes.indices.map { min(2 * block[$0] * geometry.axes[$0].stride, geometry.axes[$0].output) }
        inputSteps = Self.steps(
            convertsInput ? inputs : geometry.axes.map(\.input),
            voxel: convertsInput ? PlaneConversion.voxel(features: geometry.channels, lanes: lanes) : 1)
        outputSteps = Self.steps(
            convertsOutput ? outputs : geometry.axes.map(\.output),
            voxel: convertsOutput ? PlaneConversion.voxel(features: geometry.filters, lanes: lanes) : 1)
        inputFloats = convertsInput ? (inputs[0] * inputSteps[2]).ceilingDivision(by: 16) * 16 : 0
        streamsOutput = convertsOutput && streams
        outputFloats = convertsOutput ? (outputs[0] * outputSteps[2]).ceilingDivision(by: 16) * 16 : 0
    }

    private static func steps(_ size: [Int], voxel: Int) -> [Int] { [voxel, voxel * size[2], voxel * size[2] * size[1]] }
}
