import Glibc
import Synchronization
import VoxLayerSpec

/// Memory for tensors, kept after release so that a repeated call meets no page faults.
///
/// First touches of fresh pages cost more than most layers; blocks of 2 MiB and more are aligned to huge pages and say so to
/// the kernel. Blocks are reused by exact size class only. What is kept has a limit, and the blocks that were released longest ago go
/// first: a process that meets ever new shapes keeps the latest.
///
/// In a process that was forked off, a pool that another thread of its parent was using is passed over: memory comes from the system then.
public final class StoragePool: Sendable {
    /// The pool of every tensor that names no other: keeps at most a sixteenth of the memory that is available when it has to decide,
    /// and at most 2 GiB.
    public static let shared = StoragePool(most: 2 << 30, share: 16)

    struct Block: @unchecked Sendable {
        let address: UnsafeMutableRawPointer
        let capacity: Int
        /// Counts releases.
        fileprivate(set) var released: UInt64 = 0
    }

    private struct State {
        var free: [Int: [Block]] = [:]
        var freeBytes = 0
        var releases: UInt64 = 0
        /// nil until so much is kept that it matters.
        var limit: Int?
    }

    private let state: Mutex<State>
    /// The process this was made in.
    private let process = getpid()
    private let most: Int
    private let share: Int

    /// - Parameter limit: most bytes kept in released blocks.
    public init(limit: Int) {
        (most, share) = (limit, 0)
        state = Mutex(State(limit: limit))
    }

    /// A pool that keeps at most a `share`-th of the memory that is available when it first keeps more than `keptAnyway`, and never more
    /// than `most`.
    package init(most: Int, share: Int) {
        (self.most, self.share) = (most, share)
        state = Mutex(State())
    }

    /// Bytes that are kept without asking how much memory there is, which takes some 50 µs.
    static let keptAnyway = 16 << 20

    static let hugePage = 2 << 20

    /// nil where the lock is held and this process was forked off: the holder may be a thread that is not in it, for which one waits for ever.
    private func withState<Result: Sendable>(_ body: (inout State) -> Result) -> Result? {
        if let result = state.withLockIfAvailable({ body(&$0) }) { return result }
        return getpid() == process ? state.withLock { body(&$0) } : nil
    }

    /// Size class of a request: multiples of 64 bytes, and of 2 MiB from 2 MiB on.
    /// - Throws: `TensorError.outOfMemory` for a request that no system meets.
    static func capacity(for byteCount: Int) throws(TensorError) -> Int {
        if byteCount < 0 || byteCount > Int.max - hugePage { throw .outOfMemory(byteCount: byteCount) }
        let grain = byteCount >= hugePage ? hugePage : 64
        return max(64, (byteCount + grain - 1) / grain * grain)
    }

    /// - Throws: `TensorError.outOfMemory` when the system has no memory for the block; nothing was asked of it then.
    func take(byteCount: Int) throws(TensorError) -> Block {
        let capacity = try Self.capacity(for: byteCount)
        let reused: Block?? = withState { state in
            guard let block = state.free[capacity]?.popLast() else { return nil }
            if state.free[capacity]?.isEmpty == true { state.free[capacity] = nil }
            state.freeBytes -= capacity
            return block
        }
        if let block = reused ?? nil { return block }
        do throws(TensorError) {
            try AvailableMemory.check(capacity)
        } catch {
            trim()  // blocks of other sizes
            try AvailableMemory.check(capacity)
        }
        guard let address = capacity >= Self.hugePage ? Self.map(capacity) : Self.allocate(capacity) else {
            throw .outOfMemory(byteCount: byteCount)
        }
        return Block(address: address, capacity: capacity)
    }

    private static func allocate(_ capacity: Int) -> UnsafeMutableRawPointer? {
        var address: UnsafeMutableRawPointer?
        return posix_memalign(&address, 64, capacity) == 0 ? address : nil
    }

    /// From the system itself, so that what is freed goes back to it at once: the C library may keep it.
    private static func map(_ capacity: Int) -> UnsafeMutableRawPointer? {
        let length = capacity + hugePage
        guard let start = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            start != MAP_FAILED
        else { return nil }
        let before = (hugePage - Int(bitPattern: start) % hugePage) % hugePage
        if before > 0 { munmap(start, before) }
        munmap(start + before + capacity, hugePage - before)
        madvise(start + before, capacity, MADV_HUGEPAGE)
        return start + before
    }

    private static func free(_ block: Block) {
        if block.capacity >= hugePage { munmap(block.address, block.capacity) } else { Glibc.free(block.address) }
    }

    func release(_ block: Block) {
        let dropped: [Block]? = withState { state in
            if state.limit == nil, Checked.clampedSum(state.freeBytes, block.capacity) > Self.keptAnyway {
                state.limit = max(Self.keptAnyway, min(most, AvailableMemory.byteCount / share))
            }
            let limit = state.limit ?? Self.keptAnyway
            guard block.capacity <= limit else { return [block] }
            let dropped = Self.evict(&state, keeping: limit - block.capacity)
            var block = block
            state.releases += 1
            block.released = state.releases
            state.free[block.capacity, default: []].append(block)
            state.freeBytes += block.capacity
            return dropped
        }
        (dropped ?? [block]).forEach(Self.free)
    }

    /// Takes out the blocks that were released longest ago until the others have no more bytes than `room`.
    private static func evict(_ state: inout State, keeping room: Int) -> [Block] {
        if state.freeBytes <= room { return [] }
        var dropped: [Block] = []
        // With very many sizes, looking for the oldest blocks takes time: so much is freed that it need not be done each time.
        let goal = state.free.count > 256 ? room - room / 16 : room
        for block in state.free.values.joined().sorted(by: { $0.released < $1.released }) {
            if state.freeBytes <= goal { break }
            dropped.append(block)
            state.freeBytes -= block.capacity
        }
        let last = dropped.last?.released ?? 0
        for capacity in Set(dropped.map(\.capacity)) {
            state.free[capacity]?.removeAll { $0.released <= last }
            if state.free[capacity]?.isEmpty == true { state.free[capacity] = nil }
        }
        return dropped
    }

    /// Bytes in released blocks.
    public var retainedByteCount: Int { withState { $0.freeBytes } ?? 0 }

    /// Returns all released blocks to the system.
    public func trim() {
        let blocks: [Block]? = withState { state in
            let all = state.free.values.flatMap { $0 }
            state.free = [:]
            state.freeBytes = 0
            return all
        }
        blocks?.forEach(Self.free)
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
