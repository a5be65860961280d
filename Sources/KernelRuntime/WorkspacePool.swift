import Tensors

/// Workspaces of kernels: leased by a call, one for each thread that takes part, and returned at its end, so that a repeated
/// call allocates nothing. Kept apart from the tensors' memory so that large results never push small workspaces out.
enum WorkspacePool {
    private static let pool = StoragePool(limit: 256 << 20)

    /// - Returns: one block for each thread, aligned to 64 bytes; they go back to the pool when they are released. Empty when
    ///   no workspace is needed.
    static func lease(byteCount: Int, threads: Int) throws(TensorError) -> [TensorStorage] {
        if byteCount == 0 { return [] }
        var blocks: [TensorStorage] = []
        for _ in 0..<threads { blocks.append(try TensorStorage(byteCount: byteCount, pool: pool)) }
        return blocks
    }
}
