import VoxLayerSpec
import VoxScheduling

/// What `Templates/families/BatchRows/rows_sizes.c.mustache` is rendered with. The volume is the side of the relation that has more than the one voxel:
/// the output of a transposed convolution, the input of a convolution.
struct RowSizes {
    /// What each output sums up: the channels of the one voxel, or of the whole volume.
    let channels: Int
    let volumeHeight: Int, volumeWidth: Int
    /// Of the volume.
    let voxels: Int
    /// Of a voxel of the volume.
    let features: Int
    let outputs: Int
    let vectors: Int
    /// Outputs of one work item.
    let panel: Int
    let panels: Int
    /// Samples in a register tile, at most.
    let rowMaximum: Int
    let kernelHeight: Int, kernelWidth: Int
    /// Elements of all weights, with zeros up to whole lines.
    let packedElements: Int

    init(_ spec: KernelSpec, _ resolved: BatchRowsSchedule) {
        // The volume is y of the relation, whichever operation reads or writes it.
        let geometry = spec.geometry
        let (height, width) = (geometry.axes[1], geometry.axes[2])
        channels = resolved.inputs
        (volumeHeight, volumeWidth) = (height.output, width.output)
        voxels = geometry.outputVolume
        features = geometry.filters
        outputs = resolved.outputs
        vectors = resolved.parameters.vectors
        panel = resolved.panel
        panels = resolved.panels
        rowMaximum = resolved.parameters.rows
        (kernelHeight, kernelWidth) = (height.kernel, width.kernel)
        packedElements = resolved.packedByteCount / resolved.unit.element.byteCount
    }
}
