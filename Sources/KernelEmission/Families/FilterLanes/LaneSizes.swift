import LayerSpec
import Scheduling

/// What `Templates/families/FilterLanes/lane_sizes.c.mustache` says of channels and filters.
struct LaneFeatures {
    let channels: Int
    let filters: Int
    let parts: Int
    let inputChannels: Int
    let groupFilters: Int

    init(_ geometry: Geometry, _ layout: PackedLayout) {
        channels = geometry.channelsPerGroup
        filters = layout.partFilters
        parts = layout.parts
        inputChannels = geometry.channels
        groupFilters = geometry.filtersPerGroup
    }
}

/// Positions along depth, tiles of a plane, and how work items are cut from them.
struct LaneGrid {
    let depthStride: Int, depthCrop: Int
    let firstDepth: Int
    let depths: Int
    let tileRows: Int
    let tileColumns: Int
    let blockRows: Int
    let blocks: Int
    let groupCount: Int

    init(_ depth: AxisGeometry, _ resolved: FilterLanesSchedule) {
        let plan = resolved.tilePlan
        (depthStride, depthCrop) = (depth.stride, depth.crop)
        firstDepth = plan.depths.lowerBound
        depths = plan.depths.count
        tileRows = plan.tileRows
        tileColumns = plan.tileColumns
        blockRows = resolved.blockRows
        blocks = resolved.blocks
        groupCount = plan.groups.count
    }
}

/// Blocks of filters, and their packed weights.
struct LaneFilterBlocks {
    let blockCount: Int
    let blockFilters: Int
    let vectorFilters: Int
    /// Channels from those of one block of filters to those of the next; 0 where all read the same.
    let blockChannels: Int

    init(_ geometry: Geometry, _ resolved: FilterLanesSchedule) {
        let layout = resolved.packedLayout
        blockCount = layout.blockCount
        blockFilters = layout.filtersPerBlock
        vectorFilters = layout.filtersPerVector
        blockChannels = resolved.parameters.mergesGroups ? layout.filtersPerBlock / geometry.filtersPerGroup * geometry.channelsPerGroup : 0
    }
}

/// Elements from one thing to the next, where tiles read and write.
struct LaneSteps {
    let partWeights: Int
    let unit: Int
    let lastUnit: Int
    let inputRow: Int
    let inputPlane: Int
    let outputRow: Int
    let outputPlane: Int
    let outputSample: Int
    let filterStep: Int

    init(_ geometry: Geometry, _ resolved: FilterLanesSchedule) {
        let (height, width) = (geometry.axes[1], geometry.axes[2])
        let layout = resolved.packedLayout
        partWeights = layout.partElements
        unit = layout.unit
        lastUnit = layout.lastUnit
        inputRow = width.input * resolved.inputVoxel
        inputPlane = height.input * inputRow
        outputRow = width.output * resolved.outputVoxel
        outputPlane = height.output * outputRow
        outputSample = geometry.outputVolume * geometry.filters
        filterStep = resolved.filterStep
    }
}

/// The rows that a work item reads and writes (`lane_rows.c.mustache`): where planes are converted or fetched.
struct LaneRows {
    let rowsPerTile: Int, largerTiles: Int
    let lowRow: Int, highRow: Int
    let locatesInputRows: Bool

    init(_ tileRows: TileRows, locatesInputRows: Bool) {
        (rowsPerTile, largerTiles) = (tileRows.positions, tileRows.largerTiles)
        (lowRow, highRow) = (tileRows.low, tileRows.high)
        self.locatesInputRows = locatesInputRows
    }
}
