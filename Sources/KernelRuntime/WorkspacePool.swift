import Tensors

/// Workspaces of the threads of one call, a block for each: leased by the call and returned at its end.
final class Workspaces {
    private var blocks: [TensorStorage]

    fileprivate init(_ blocks: [TensorStorage]) { self.blocks = blocks }

    /// The last goes back first: the pool gives out first what came last, so that a thread finds the block again that is in its caches.
    deinit { while blocks.popLast() != nil {} }

    /// The workspace of one thread, aligned to 64 bytes.
    func address(of participant: Int) -> UnsafeMutableRawPointer { blocks[participant].address }

    /// Touches every page, so that the calls that use the blocks next do not meet them as faults.
    func makeResident() {
        for block in blocks {
            for offset in stride(from: 0, to: block.byteCount, by: 4096) { (block.address + offset).storeBytes(of: 0, as: UInt8.self) }
        }
    }
}

/// Workspaces of kernels, kept after a call so that a repeated one allocates nothing. Apart from the tensors' memory, so that large
/// results never push small workspaces out.
enum WorkspacePool {
    private static let pool = StoragePool(limit: 256 << 20)
    /// No two threads write into a pair of cache lines, which processors fetch together.
    private static let margin = 64

    /// - Returns: memory for each thread, the same blocks for fewer threads as for more; it goes back to the pool when it is released.
    ///   nil when no workspace is needed.
    static func lease(byteCount: Int, threads: Int) throws(TensorError) -> Workspaces? {
        if byteCount == 0 { return nil }
        var blocks: [TensorStorage] = []
        blocks.reserveCapacity(threads)
        for _ in 0..<threads { blocks.append(try TensorStorage(byteCount: byteCount + margin, pool: pool)) }
        return Workspaces(blocks)
    }
}
