import VoxLayerSpec
import VoxTensors

/// Workspaces of the threads of one call, a block for each: leased by the call and returned at its end.
final class Workspaces {
    private var blocks: [TensorStorage]

    fileprivate init(_ blocks: [TensorStorage]) { self.blocks = blocks }

    /// The last block goes back first. The pool gives out first what came back last, so a thread finds the block again that is in its
    /// caches.
    deinit { while blocks.popLast() != nil {} }

    /// The workspace of one thread, aligned to 64 bytes.
    func address(of participant: Int) -> UnsafeMutableRawPointer { blocks[participant].address }

    /// Lets each thread write the block that it is going to use, so that calls meet no page faults in it, and find it in the caches.
    func makeResident() {
        // Nothing in it can fail.
        try? ThreadPool.shared.run(threads: blocks.count, items: blocks.count) { _, range in
            for block in blocks[range] { block.address.initializeMemory(as: UInt8.self, repeating: 0, count: block.byteCount) }
        }
    }
}

/// Workspaces of kernels, kept after a call so that a repeated one allocates nothing: at most a 32nd of the memory that is available,
/// and at most 256 MiB. Apart from the tensors' memory, so that large results never push small workspaces out.
enum WorkspacePool {
    private static let pool = StoragePool(most: 256 << 20, share: 32)
    /// No two threads write into a pair of cache lines, which processors fetch together.
    private static let margin = 64

    /// - Returns: memory for each thread, the same blocks for fewer threads as for more; it goes back to the pool when it is released.
    ///   nil when no workspace is needed.
    static func lease(byteCount: Int, threads: Int) throws(TensorError) -> Workspaces? {
        if byteCount == 0 { return nil }
        let size = Checked.clampedSum(byteCount, margin)
        var blocks: [TensorStorage] = []
        blocks.reserveCapacity(threads)
        for _ in 0..<threads { blocks.append(try TensorStorage(byteCount: size, pool: pool)) }
        return Workspaces(blocks)
    }
}
