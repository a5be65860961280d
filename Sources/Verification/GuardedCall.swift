import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors

/// Calls a kernel on buffers that lie against inaccessible pages; a read or write outside them ends the process.
struct GuardedCall {
    let kernel: any Kernel
    let placement: GuardedBuffer.Placement

    /// - Parameters:
    ///   - input, weights, bias: numbers of the kernel's storage type.
    ///   - ranges: how the work items are grouped; nil for all at once.
    /// - Returns: the result; elements that no work item wrote are NaN.
    func run(
        batch: Int, input: [Double], weights: [Double], bias: [Double]?, ranges: ((Int) -> [Range<Int>])? = nil
    ) throws -> [Double] {
        let packed = GuardedBuffer(byteCount: kernel.packedByteCount, placement: placement, alignment: 64)
        do {
            let raw = buffer(weights)
            try withExtendedLifetime(raw) { try kernel.pack(weights: raw.address, into: packed.address) }
        }
        let x = buffer(input)
        let b = bias.map(buffer)
        let type = kernel.spec.elements.storage
        let y = GuardedBuffer(
            byteCount: Checked.clampedCount(kernel.spec.outputShape(batch: batch) + [type.byteCount]), placement: placement)
        y.fill(0xFF)
        let sharedByteCount = kernel.sharedWorkspaceByteCount(batch: batch)
        let shared = sharedByteCount == 0 ? nil : GuardedBuffer(byteCount: sharedByteCount, placement: placement, alignment: 64)
        shared?.fill(0xFF)
        var arguments = KernelArguments(
            batch: batch, input: x.address, operand: packed.address, bias: b?.address, output: y.address, workspace: nil)
        arguments.shared = shared?.address
        try kernel.forEachStage(of: arguments) { arguments, items in
            for range in ranges?(items) ?? [0..<items] where !range.isEmpty {
                let workspace = GuardedBuffer(byteCount: kernel.workspaceByteCount, placement: placement, alignment: 64)
                workspace.fill(0xFF)
                var own = arguments
                own.workspace = workspace.address
                try withExtendedLifetime((x, packed, b, y, workspace, shared)) { try kernel.run(own, items: range) }
            }
        }
        return y.numbers(of: type)
    }

    private func buffer(_ values: [Double]) -> GuardedBuffer {
        GuardedBuffer(values, as: kernel.spec.elements.storage, placement: placement)
    }

    /// Cuts work items into contiguous ranges, as they would be divided among `parts` threads.
    static func split(_ parts: Int) -> (Int) -> [Range<Int>] {
        { items in (0..<parts).map { items * $0 / parts..<items * ($0 + 1) / parts } }
    }
}
