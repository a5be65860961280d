import VoxLayerSpec

/// What `Templates/families/BatchRows/rows_pack.c.mustache` is rendered with: in which tap a voxel of the volume meets the one voxel.
struct RowPacking {
    let depthCrop: Int, heightCrop: Int, widthCrop: Int
    let depthDilation: Int, heightDilation: Int, widthDilation: Int

    init(_ geometry: Geometry) {
        let (depth, height, width) = (geometry.axes[0], geometry.axes[1], geometry.axes[2])
        (depthCrop, heightCrop, widthCrop) = (depth.crop, height.crop, width.crop)
        (depthDilation, heightDilation, widthDilation) = (depth.dilation, height.dilation, width.dilation)
    }
}
