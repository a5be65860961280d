import VoxLayerSpec
import VoxScheduling

/// What `Templates/families/MinimalFiltering/window_sizes.c.mustache` says of one axis.
struct WindowAxis {
    /// C's name of the axis.
    let axis: String
    let stride: Int, crop: Int
    /// Position at which the first tile begins.
    let first: Int
    let tiles: Int
    /// Tiles of one work item, and how many work items lie along the axis.
    let box: Int, boxes: Int
    /// Inputs from one position to the next; where a window begins, and how many inputs it has.
    let step: Int, lead: Int, window: Int
    let mostTaps: Int
    /// Points of the transform of a window.
    let points: Int

    /// - Parameters:
    ///   - axis: number of the axis: depth, height, width.
    ///   - gather: who reads what along the axis.
    ///   - resolved: the schedule.
    init(_ axis: Int, _ gather: AxisGather, _ resolved: MinimalFilteringSchedule) {
        self.axis = ["DEPTH", "HEIGHT", "WIDTH"][axis]
        (stride, crop) = (gather.phases, gather.crop)
        let windows = resolved.axes[axis]
        first = windows.firstPosition
        tiles = windows.tiles
        (box, boxes) = (resolved.block[axis], resolved.blocks[axis])
        (step, lead, window) = (windows.step, windows.lead, windows.window)
        mostTaps = windows.mostTaps
        points = windows.transform.count
    }
}

/// What `window_sizes.c.mustache` says of channels.
struct WindowChannels {
    let channels: Int
    /// Up to a whole vector.
    let paddedChannels: Int
    let inputChannels: Int
    let groups: Int
    /// How many channels are behind the last whole vector: one number, or none where there are no such channels.
    let channelTail: [Int]

    init(_ gather: Gather, lanes: Int) {
        channels = gather.channelsPerGroup
        paddedChannels = gather.channelsPerGroup.ceilingDivision(by: lanes) * lanes
        inputChannels = gather.channels
        groups = gather.groups
        channelTail = [gather.channelsPerGroup % lanes].filter { $0 > 0 }
    }
}

/// What `window_sizes.c.mustache` says of filters and register tiles.
struct WindowFilters {
    let filters: Int
    let outputFilters: Int
    let vectors: Int
    let blockCount: Int
    let lastFilters: Int
    /// Whole vectors of the last block of filters.
    let wholeVectors: Int
    let tilePhases: Int
    let rowMaximum: Int
    let splits: Int

    init(_ gather: Gather, _ resolved: MinimalFilteringSchedule) {
        filters = gather.filtersPerGroup
        outputFilters = gather.filters
        vectors = resolved.parameters.vectors
        blockCount = resolved.blockCount
        lastFilters = gather.filtersPerGroup - (resolved.blockCount - 1) * resolved.blockFilters
        wholeVectors = lastFilters / resolved.unit.columns
        tilePhases = resolved.widthPhases
        rowMaximum = resolved.parameters.rows
        splits = resolved.splits
    }
}

/// Where transformed inputs, products, voxels and weights lie, and how far apart, in elements.
struct WindowPlaces {
    let row: Int
    let point: Int
    let pointSums: Int
    let products: Int
    /// Most products of a tile and phase.
    let mostProducts: Int
    let inputVoxel: Int, inputRow: Int, inputPlane: Int
    let outputVoxel: Int, outputRow: Int, outputPlane: Int
    let groupWeights: Int
    /// Elements of all weights, with zeros up to whole lines.
    let packedElements: Int
    let workspaceBytes: Int

    init(_ resolved: MinimalFilteringSchedule) {
        row = resolved.row
        point = resolved.point
        pointSums = resolved.pointSums
        products = resolved.products
        mostProducts = resolved.combinations.map(\.points).max() ?? 1
        let (inputSteps, outputSteps) = (resolved.inputSteps, resolved.outputSteps)
        (inputVoxel, inputRow, inputPlane) = (inputSteps[0], inputSteps[1], inputSteps[2])
        (outputVoxel, outputRow, outputPlane) = (outputSteps[0], outputSteps[1], outputSteps[2])
        groupWeights = resolved.partFloats
        packedElements = resolved.packedByteCount / resolved.unit.element.byteCount
        workspaceBytes = resolved.workspaceByteCount
    }
}

/// Where the inputs of a work item become voxels (`window_input_planes.c.mustache`).
struct WindowInputPlanes {
    let stagedPlace: Int

    /// Nil where inputs are voxels.
    init?(_ resolved: MinimalFilteringSchedule) {
        guard resolved.conversion?.convertsInput == true else { return nil }
        stagedPlace = resolved.stagedPlace
    }
}

/// Where the outputs of a work item are voxels before they become planes (`window_output_planes.c.mustache`).
struct WindowOutputPlanes {
    let scratchPlace: Int
    /// C's truth value: whether finished planes bypass the caches.
    let streams: Int

    /// Nil where outputs are voxels.
    init?(_ resolved: MinimalFilteringSchedule) {
        guard let conversion = resolved.conversion, conversion.convertsOutput else { return nil }
        scratchPlace = resolved.scratchPlace
        streams = conversion.streamsOutput ? 1 : 0
    }
}
