import VoxLayerSpec
import VoxScheduling

/// What `Templates/families/BatchRows/rows_sizes.c.mustache` is rendered with.
struct RowSizes {
    let channels: Int
    let filters: Int
    let outputHeight: Int, outputWidth: Int
    /// Of an output.
    let voxels: Int
    /// Voxels times filters.
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

    init(_ geometry: Geometry, _ resolved: BatchRowsSchedule) {
        let (height, width) = (geometry.axes[1], geometry.axes[2])
        channels = geometry.channels
        filters = geometry.filters
        (outputHeight, outputWidth) = (height.output, width.output)
        voxels = geometry.outputVolume
        outputs = resolved.outputs
        vectors = resolved.parameters.vectors
        panel = resolved.panel
        panels = resolved.panels
        rowMaximum = resolved.parameters.rows
        (kernelHeight, kernelWidth) = (height.kernel, width.kernel)
        packedElements = resolved.packedByteCount / resolved.unit.element.byteCount
    }
}
