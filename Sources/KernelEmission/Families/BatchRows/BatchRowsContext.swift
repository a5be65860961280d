import VoxLayerSpec
import VoxScheduling

/// What `Templates/families/BatchRows/batch_rows.c.mustache` is rendered with: one value per part of the kernel.
struct BatchRowsContext: KernelContext {
    let name: String
    let heading: KernelHeading
    /// Whether it computes a convolution whose result is one voxel, not a transposed one whose input is.
    let isConvolution: Bool
    let sizes: RowSizes
    let places: RowVolumePlaces
    let tile: RowTile
    let usesBias: Bool
    let packing: RowPacking

    init(_ schedule: Schedule, _ resolved: BatchRowsSchedule, name: String) {
        let spec = schedule.spec
        self.name = name
        isConvolution = spec.op == .convolution
        heading = KernelHeading(
            schedule, unit: resolved.unit, looped: ["outputs", "samples"] + (resolved.inputs > 1 ? [isConvolution ? "inputs" : "channels"] : []),
            converts: false)
        sizes = RowSizes(spec, resolved)
        places = RowVolumePlaces(spec.layout)
        tile = RowTile(spec.epilogue, resolved)
        usesBias = spec.epilogue.hasBias
        packing = RowPacking(spec.geometry)
    }
}
