import VoxLayerSpec

/// A layer as networks have it: an output of the input times the stride, cropped as Keras's `same` does; for a convolution the other way round.
/// - Parameters:
///   - input: the extents of the input; of a convolution, those of the result.
///   - channels: features of what is read.
///   - filters: features of the result.
func layer(
    _ input: [Int], kernel: Int, stride: Int, channels: Int, filters: Int, groups: Int = 1, layout: Layout = .channelsLast,
    elements: ElementTypes = .float32, policy: Policy = .fast, op: KernelOp = .transposedConvolution
) throws -> KernelSpec {
    let axes = try input.map {
        try AxisGeometry(input: $0, output: $0 * stride, kernel: kernel, stride: stride, dilation: 1, crop: max(0, kernel - stride) / 2)
    }
    let (x, y) = op == .convolution ? (filters, channels) : (channels, filters)
    return KernelSpec(
        op: op, geometry: try Geometry(axes: axes, channels: x, filters: y, groups: groups), layout: layout, elements: elements, policy: policy)
}

/// A layer with an input of one voxel whose outputs are what its kernel covers, or a convolution of such a volume to one voxel.
/// - Parameter extra: voxels of the volume at the end of each axis that no tap reaches.
func oneVoxel(
    _ op: KernelOp = .transposedConvolution, kernel: Int = 4, extra: Int = 0, channels: Int = 40, filters: Int = 24, groups: Int = 1,
    layout: Layout = .channelsLast, elements: ElementTypes = .float32, policy: Policy = .fast
) throws -> KernelSpec {
    let axis = try AxisGeometry(input: 1, output: kernel + extra, kernel: kernel, stride: 1, dilation: 1, crop: 0)
    let (x, y) = op == .convolution ? (filters, channels) : (channels, filters)
    return KernelSpec(
        op: op, geometry: try Geometry(axes: [axis, axis, axis], channels: x, filters: y, groups: groups), layout: layout, elements: elements,
        policy: policy)
}

/// The same problem for an operation that no family has kernels for.
func withoutKernels(_ spec: KernelSpec) -> KernelSpec {
    // The gradient of the kernel: the last of the operations.
    KernelSpec(
        op: KernelOp.allCases[KernelOp.allCases.count - 1], geometry: spec.geometry, layout: spec.layout, elements: spec.elements,
        epilogue: spec.epilogue, policy: spec.policy)
}
