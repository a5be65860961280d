import VoxLayerSpec

/// How C gets the filter and the voxel of an output from its place in memory: an operator and its right operand for each
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
