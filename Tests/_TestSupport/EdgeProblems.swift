import VoxLayerSpec

/// Problems of every kind of edge, small, for either convolution.
package func edgeProblems(_ op: KernelOp = .transposedConvolution) throws -> [KernelSpec] {
    var specs: [KernelSpec] = []
    for (kernel, stride, dilation, crop, room) in [
        (3, 1, 1, 1, 0), (4, 2, 1, 1, 0), (2, 3, 1, 0, 1), (5, 2, 1, 3, 0), (1, 4, 1, 0, 3), (3, 1, 2, 2, 0), (3, 2, 3, 1, 2), (6, 4, 1, 5, 1),
    ] {
        let axes = try [4, 3, 13].map { input in
            try AxisGeometry(
                input: input, output: (input - 1) * stride + (kernel - 1) * dilation + 1 - 2 * crop + room, kernel: kernel,
                stride: stride, dilation: dilation, crop: crop)
        }
        for (channels, filters) in [(3, 5), (1, 16), (8, 40)] {
            specs.append(KernelSpec(op: op, geometry: try Geometry(axes: axes, channels: channels, filters: filters), policy: .direct))
        }
    }
    return specs
}
