import VoxLayerSpec
import VoxScheduling

/// The printers of a kernel's tiles: once for full blocks of filters and once for the last one where the two differ.
struct LanePrinters {
    let full: TilePrinter
    let last: TilePrinter
    let tiles: [LaneTile]

    init(_ schedule: Schedule, _ resolved: FilterLanesSchedule) {
        let layout = resolved.packedLayout
        let lastDiffers = layout.lastFilters != layout.filtersPerBlock
        full = TilePrinter(schedule, resolved, filters: layout.filtersPerBlock, unitName: "UNIT", suffix: "")
        last = TilePrinter(
            schedule, resolved, filters: layout.lastFilters, unitName: lastDiffers ? "LAST_UNIT" : "UNIT", suffix: lastDiffers ? "_last" : "")
        let variants = resolved.tilePlan.variants.indices
        tiles = (layout.blockCount > 1 || !lastDiffers ? variants.map(full.tile) : []) + (lastDiffers ? variants.map(last.tile) : [])
    }
}
