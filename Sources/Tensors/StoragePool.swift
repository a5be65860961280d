import Glibc
import Synchronization

/// Memory for tensors, kept after release so that a repeated call meets no page faults.
///
/// First touches of fresh pages cost more than most layers; blocks of 2 MiB and more are aligned to huge pages and say so to
/// the kernel. Blocks are reused by exact size class only.
public final class StoragePool: Sendable {
    /// The pool of every tensor that names no other; keeps at most 4 GiB of released memory.
    public static let shared = StoragePool(limit: 4 << 30)

    struct Block: @unchecked Sendable {
        let address: UnsafeMutableRawPointer
        let capacity: Int
    }

    private struct State {
        var free: [Int: [Block]] = [:]
        var freeBytes = 0
    }

    private let state = Mutex(State())
    private let limit: Int

    /// - Parameter limit: most bytes kept in released blocks.
    public init(limit: Int) { self.limit = limit }

    static let hugePage = 2 << 20

    /// Size class of a request: multiples of 64 bytes, and of 2 MiB from 2 MiB on.
    static func capacity(for byteCount: Int) -> Int {
        let grain = byteCount >= hugePage ? hugePage : 64
        return max(64, (byteCount + grain - 1) / grain * grain)
    }

    /// - Throws: `TensorError.outOfMemory` when the system has no memory for the block; nothing was asked of it then.
    func take(byteCount: Int) throws(TensorError) -> Block {
        let capacity = Self.capacity(for: byteCount)
        let reused: Block? = state.withLock { state in
            guard let block = state.free[capacity]?.popLast() else { return nil }
            if state.free[capacity]?.isEmpty == true { state.free[capacity] = nil }
            state.freeBytes -= capacity
            return block
        }
        if let reused { return reused }
        do throws(TensorError) {
            try AvailableMemory.check(capacity)
        } catch {
            trim()  // blocks of other sizes
            try AvailableMemory.check(capacity)
        }
        var address: UnsafeMutableRawPointer?
        let alignment = capacity >= Self.hugePage ? Self.hugePage : 64
        guard posix_memalign(&address, alignment, capacity) == 0, let address else {
            throw .outOfMemory(byteCount: byteCount)
        }
        if capacity >= Self.hugePage { madvise(address, capacity, MADV_HUGEPAGE) }
        return Block(address: address, capacity: capacity)
    }

    func release(_ block: Block) {
        // What does not fit any more pushes out blocks of other sizes: the sizes in use now are the ones worth keeping.
        let dropped: [Block] = state.withLock { state in
            guard block.capacity <= limit else { return [block] }
            var dropped: [Block] = []
            while state.freeBytes + block.capacity > limit {
                guard let size = state.free.keys.first(where: { $0 != block.capacity }) else { return [block] + dropped }
                let blocks = state.free.removeValue(forKey: size) ?? []
                state.freeBytes -= size * blocks.count
                dropped += blocks
            }
            state.free[block.capacity, default: []].append(block)
            state.freeBytes += block.capacity
            return dropped
        }
        for block in dropped { free(block.address) }
    }

    /// Bytes in released blocks.
    public var retainedByteCount: Int { state.withLock { $0.freeBytes } }

    /// Returns all released blocks to the system.
    public func trim() {
        let blocks = state.withLock { state in
            let all = state.free.values.flatMap { $0 }
            state = State()
            return all
        }
        for block in blocks { free(block.address) }
    }
}

/// A pooled block owned by tensors; goes back to its pool with the last of them.
public final class TensorStorage: @unchecked Sendable {
    let block: StoragePool.Block
    let pool: StoragePool
    /// Size that was asked for.
    public let byteCount: Int

    /// - Throws: `TensorError.outOfMemory`.
    public init(byteCount: Int, pool: StoragePool = .shared) throws(TensorError) {
        block = try pool.take(byteCount: byteCount)
        self.pool = pool
        self.byteCount = byteCount
    }

    deinit { pool.release(block) }

    /// Start of the block, aligned to 64 bytes (2 MiB for blocks of that size and more).
    public var address: UnsafeMutableRawPointer { block.address }
}
