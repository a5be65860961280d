import VoxLayerSpec
import VoxScheduling

/// What `Templates/families/FilterLanes/lane_sizes.c.mustache` says of channels and filters.
struct LaneFeatures {
    let channels: Int
    let filters: Int
    let parts: Int
    let inputChannels: Int
    let groupFilters: Int

    init(_ gather: Gather, _ layout: PackedLayout) {
        channels = gather.channelsPerGroup
        filters = layout.partFilters
        parts = layout.parts
        inputChannels = gather.channels
        groupFilters = gather.filtersPerGroup
    }
}

/// Positions along depth, tiles of a plane, and how work items are cut from them: a band of tile rows is what an item computes of a plane.
struct LaneGrid {
    let depthStride: Int, depthCrop: Int
    let firstDepth: Int
    let depths: Int
    let tileRows: Int
    let tileColumns: Int
    /// Tiles from row to row of the tables of tiles; 0 where one row of tiles stands for all.
    let tableColumns: Int
    let heightStride: Int, heightCrop: Int
    /// Inputs from one position to the next.
    let depthStep: Int, heightStep: Int
    let bandRows: Int
    let bands: Int
    let groupCount: Int

    init(_ gather: Gather, _ resolved: FilterLanesSchedule) {
        let (depth, height) = (gather.axes[0], gather.axes[1])
        let plan = resolved.tilePlan
        (depthStride, depthCrop) = (depth.phases, depth.crop)
        firstDepth = plan.depths.lowerBound
        depths = plan.depths.count
        tileRows = plan.tileRows
        tileColumns = plan.tileColumns
        tableColumns = resolved.parameters.listsRows ? 0 : plan.tileColumns
        (heightStride, heightCrop) = (height.phases, height.crop)
        (depthStep, heightStep) = (depth.step, height.step)
        bandRows = resolved.blockRows
        bands = resolved.blocks
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
    /// Biases from those of one block of filters to those of the next; 0 without any.
    let biasStep: Int

    init(_ spec: KernelSpec, _ resolved: FilterLanesSchedule) {
        let gather = spec.gather
        let layout = resolved.packedLayout
        blockCount = layout.blockCount
        blockFilters = layout.filtersPerBlock
        vectorFilters = layout.filtersPerVector
        blockChannels = resolved.parameters.mergesGroups ? layout.filtersPerBlock / gather.filtersPerGroup * gather.channelsPerGroup : 0
        biasStep = spec.epilogue.hasBias ? layout.filtersPerBlock : 0
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

    init(_ gather: Gather, _ resolved: FilterLanesSchedule) {
        let (height, width) = (gather.axes[1], gather.axes[2])
        let layout = resolved.packedLayout
        partWeights = layout.partElements
        unit = layout.unit
        lastUnit = layout.lastUnit
        inputRow = width.sources * resolved.inputVoxel
        inputPlane = height.sources * inputRow
        outputRow = width.results * resolved.outputVoxel
        outputPlane = height.results * outputRow
        outputSample = gather.resultVolume * gather.filters
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
