import LayerSpec
import Scheduling

/// How rows of input planes become voxels (`Templates/families/FilterLanes/lane_input_planes.c.mustache`).
struct LaneInputPlanes {
    let inputVoxel: Int
    let slots: Int, slotFloats: Int
    let chunkBlocks: Int
    let stagedPlace: Int
    let depthTapCount: Int

    /// Nil where inputs are voxels.
    init?(_ conversion: LayoutConversion?, depthTapCount: Int) {
        guard let conversion, conversion.convertsInput else { return nil }
        inputVoxel = conversion.inputVoxel
        (slots, slotFloats) = (conversion.slots, conversion.slotFloats)
        chunkBlocks = conversion.chunkBlocks
        stagedPlace = conversion.stagedPlace
        self.depthTapCount = depthTapCount
    }
}

/// How finished rows of voxels become planes (`lane_output_planes.c.mustache`).
struct LaneOutputPlanes {
    let outputVoxel: Int
    let outputFilters: Int
    let heightStride: Int
    let itemFloats: Int
    let scratchPlace: Int

    /// Nil where outputs are voxels.
    init?(_ geometry: Geometry, _ conversion: LayoutConversion?) {
        guard let conversion, conversion.convertsOutput else { return nil }
        outputVoxel = conversion.outputVoxel
        outputFilters = geometry.filters
        heightStride = geometry.axes[1].stride
        itemFloats = conversion.itemFloats
        scratchPlace = conversion.scratchPlace
    }
}

/// How many work items share one pass over the weights (`lane_run_chunks.c.mustache`).
struct LaneChunks {
    let chunkBlocks: Int
    let chunkItems: Int

    init(_ conversion: LayoutConversion) {
        chunkBlocks = conversion.chunkBlocks
        chunkItems = conversion.chunkBlocks * conversion.chunkDepths
    }
}
