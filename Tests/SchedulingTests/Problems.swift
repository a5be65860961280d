import VoxLayerSpec

/// A layer as networks have it: an output of the input times the stride, cropped as Keras's `same` does.
func layer(
    _ input: [Int], kernel: Int, stride: Int, channels: Int, filters: Int, groups: Int = 1, layout: Layout = .channelsLast,
    elements: ElementTypes = .float32, policy: Policy = .fast
) throws -> KernelSpec {
    let axes = try input.map {
        try AxisGeometry(input: $0, output: $0 * stride, kernel: kernel, stride: stride, dilation: 1, crop: max(0, kernel - stride) / 2)
    }
    return KernelSpec(
        geometry: try Geometry(axes: axes, channels: channels, filters: filters, groups: groups), layout: layout, elements: elements, policy: policy)
}

/// A layer with an input of one voxel whose outputs are what its kernel covers.
/// - Parameter extra: outputs at the end of each axis that no tap reaches.
func oneVoxel(
    kernel: Int = 4, extra: Int = 0, channels: Int = 40, filters: Int = 24, groups: Int = 1, layout: Layout = .channelsLast,
    elements: ElementTypes = .float32, policy: Policy = .fast
) throws -> KernelSpec {
    let axis = try AxisGeometry(input: 1, output: kernel + extra, kernel: kernel, stride: 1, dilation: 1, crop: 0)
    return KernelSpec(
        geometry: try Geometry(axes: [axis, axis, axis], channels: channels, filters: filters, groups: groups), layout: layout, elements: elements,
        policy: policy)
}

/// The same problem for an operation that no family has kernels for.
func withoutKernels(_ spec: KernelSpec) -> KernelSpec {
    // The gradient of the kernel: the last of the operations.
    KernelSpec(
        op: KernelOp.allCases[KernelOp.allCases.count - 1], geometry: spec.geometry, layout: spec.layout, elements: spec.elements,
        epilogue: spec.epilogue, policy: spec.policy)
}
