import VoxLayerSpec

/// How C gets the feature and the voxel of an element of the volume, be that the output or the input, from its place in memory: an operator and its
/// right operand for each (`Templates/families/BatchRows/rows_places.c.mustache`).
struct RowVolumePlaces {
    let featureOperator: String, featureOperand: String
    let voxelOperator: String, voxelOperand: String

    init(_ layout: Layout) {
        switch layout {
        case .channelsLast:
            (featureOperator, featureOperand, voxelOperator, voxelOperand) = ("%", "FEATURES", "/", "FEATURES")
        case .channelsFirst:
            (featureOperator, featureOperand, voxelOperator, voxelOperand) = ("/", "VOXELS", "%", "VOXELS")
        }
    }
}
