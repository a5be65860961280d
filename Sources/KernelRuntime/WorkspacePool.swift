import Tensors

/// Workspaces of the threads of one call, in one block: leased by the call and returned at its end.
struct Workspaces {
    private let storage: TensorStorage
    private let stride: Int

    fileprivate init(_ storage: TensorStorage, stride: Int) {
        self.storage = storage
        self.stride = stride
    }

    /// The workspace of one thread, aligned to 64 bytes.
    func address(of participant: Int) -> UnsafeMutableRawPointer { storage.address + participant * stride }

    /// Touches every page, so that the call that uses the block next does not meet them as faults.
    func makeResident() {
        for offset in Swift.stride(from: 0, to: storage.byteCount, by: 4096) { (storage.address + offset).storeBytes(of: 0, as: UInt8.self) }
    }
}

/// Workspaces of kernels, kept after a call so that a repeated one allocates nothing. Apart from the tensors' memory, so that large
/// results never push small workspaces out.
enum WorkspacePool {
    private static let pool = StoragePool(limit: 256 << 20)

    /// - Returns: memory for each thread; it goes back to the pool when it is released. nil when no workspace is needed.
    static func lease(byteCount: Int, threads: Int) throws(TensorError) -> Workspaces? {
        if byteCount == 0 { return nil }
        // No two threads in a pair of cache lines, which processors fetch together.
        let stride = threads == 1 ? byteCount : (byteCount + 127) / 128 * 128
        return Workspaces(try TensorStorage(byteCount: stride * threads, pool: pool), stride: stride)
    }
}
