import VoxLayerSpec

/// C's operators and their right sides that give filter and voxel of an output by its place in memory
/// (`Templates/families/BatchRows/rows_outputs.c.mustache`).
struct RowOutputPlaces {
    let filterOperator: String, filterOperand: String
    let voxelOperator: String, voxelOperand: String

    init(_ layout: Layout) {
        switch layout {
        case .channelsLast:
            (filterOperator, filterOperand, voxelOperator, voxelOperand) = ("%", "FILTERS", "/", "FILTERS")
        case .channelsFirst:
            (filterOperator, filterOperand, voxelOperator, voxelOperand) = ("/", "VOXELS", "%", "VOXELS")
        }
    }
}
