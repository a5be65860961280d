import VoxKernelRuntime

/// Calls a kernel the way a layer does, in one range of work items.
func run(
    _ kernel: SpecializedKernel, x: [Float], w: [Float], bias: [Float], batch: Int, items: Range<Int>? = nil
) throws -> [Float] {
    let packed = UnsafeMutableRawPointer.allocate(byteCount: kernel.packedByteCount, alignment: 64)
    let workspace = UnsafeMutableRawPointer.allocate(byteCount: max(64, kernel.workspaceByteCount), alignment: 64)
    defer {
        packed.deallocate()
        workspace.deallocate()
    }
    var y = [Float](repeating: .nan, count: max(1, batch * kernel.spec.geometry.outputVolume * kernel.spec.geometry.filters))
    let input = x.isEmpty ? [0] : x
    try w.withUnsafeBytes { w in
        guard let w = w.baseAddress else { return }
        try kernel.pack(weights: w, into: packed)
    }
    try input.withUnsafeBytes { x in
        try bias.withUnsafeBytes { bias in
            try y.withUnsafeMutableBytes { y in
                guard let x = x.baseAddress, let y = y.baseAddress else { return }
                let arguments = KernelArguments(
                    batch: batch, input: x, operand: packed, bias: bias.baseAddress, output: y, workspace: workspace)
                try kernel.run(arguments, items: items ?? 0..<kernel.workItemCount(batch: batch))
            }
        }
    }
    return y
}
