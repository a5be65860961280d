import VoxLayerSpec
import VoxScheduling

/// What `Templates/families/BatchRows/batch_rows.c.mustache` is rendered with: one value per part of the kernel.
struct BatchRowsContext: KernelContext {
    let name: String
    let heading: KernelHeading
    let sizes: RowSizes
    let outputPlaces: RowOutputPlaces
    let tile: RowTile
    let usesBias: Bool
    let packing: RowPacking

    init(_ schedule: Schedule, _ resolved: BatchRowsSchedule, name: String) {
        let spec = schedule.spec
        self.name = name
        heading = KernelHeading(
            schedule, unit: resolved.unit, looped: ["outputs", "samples"] + (spec.geometry.channels > 1 ? ["channels"] : []),
            converts: false)
        sizes = RowSizes(spec.geometry, resolved)
        outputPlaces = RowOutputPlaces(spec.layout)
        tile = RowTile(spec.epilogue, resolved)
        usesBias = spec.epilogue.hasBias
        packing = RowPacking(spec.geometry)
    }
}
