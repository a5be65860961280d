import VoxLayerSpec
import VoxScheduling

/// How rows of input planes become voxels (`Templates/families/FilterLanes/lane_input_planes.c.mustache`).
struct LaneInputPlanes {
    let inputVoxel: Int
    let slots: Int, slotFloats: Int
    let chunkBands: Int
    let stagedPlace: Int
    let workspaceBytes: Int

    /// Nil where inputs are voxels.
    init?(_ conversion: LayoutConversion?) {
        guard let conversion, conversion.convertsInput else { return nil }
        inputVoxel = conversion.inputVoxel
        (slots, slotFloats) = (conversion.slots, conversion.slotFloats)
        chunkBands = conversion.chunkBlocks
        stagedPlace = conversion.stagedPlace
        workspaceBytes = conversion.workspaceByteCount
    }
}

/// How finished rows of voxels become planes (`lane_output_planes.c.mustache`).
struct LaneOutputPlanes {
    let outputVoxel: Int
    let outputFilters: Int
    /// Items of a chunk.
    let chunkItems: Int
    let workspaceBytes: Int
    let itemFloats: Int
    let scratchPlace: Int

    /// Nil where outputs are voxels.
    init?(_ gather: Gather, _ conversion: LayoutConversion?) {
        guard let conversion, conversion.convertsOutput else { return nil }
        outputVoxel = conversion.outputVoxel
        outputFilters = gather.filters
        chunkItems = conversion.chunkItems
        workspaceBytes = conversion.workspaceByteCount
        itemFloats = conversion.itemFloats
        scratchPlace = conversion.scratchPlace
    }
}

/// How many work items share one pass over the weights (`lane_run_chunks.c.mustache`).
struct LaneChunks {
    let chunkBands: Int
    let chunkItems: Int

    init(_ conversion: LayoutConversion) {
        chunkBands = conversion.chunkBlocks
        chunkItems = conversion.chunkItems
    }
}
