import Glibc
import Testing
import VoxTensors
import _TestSupport

@Suite struct StoragePoolTests {
    /// Takes a block, returns its address, and gives the block back.
    private func touch(_ byteCount: Int, _ pool: StoragePool) throws -> UInt {
        UInt(bitPattern: try TensorStorage(byteCount: byteCount, pool: pool).address)
    }

    @Test func aReleasedBlockIsTheNextOneOfItsSize() throws {
        let pool = StoragePool(limit: 1 << 24)
        let first = try touch(1000, pool)
        #expect(pool.retainedByteCount == 1024)
        #expect(try touch(961, pool) == first, "961 to 1024 bytes are one size class")
        let other = try TensorStorage(byteCount: 1025, pool: pool)
        #expect(UInt(bitPattern: other.address) != first)
        #expect(pool.retainedByteCount == 1024)
        let again = try TensorStorage(byteCount: 1024, pool: pool)
        #expect(UInt(bitPattern: again.address) == first)
        #expect(pool.retainedByteCount == 0)
        withExtendedLifetime((other, again)) {}
    }

    @Test func twoLivingBlocksAreDifferent() throws {
        let pool = StoragePool(limit: 1 << 24)
        let a = try TensorStorage(byteCount: 100, pool: pool)
        let b = try TensorStorage(byteCount: 100, pool: pool)
        #expect(a.address != b.address)
        withExtendedLifetime((a, b)) {}
    }

    @Test func retainedBytesStayWithinTheLimit() throws {
        let pool = StoragePool(limit: 4096)
        var blocks = try (0..<10).map { _ in try TensorStorage(byteCount: 1024, pool: pool) }
        withExtendedLifetime(blocks) { #expect(pool.retainedByteCount == 0) }
        blocks.removeAll()
        #expect(pool.retainedByteCount == 4096)
        _ = try touch(8192, pool)
        #expect(pool.retainedByteCount == 4096, "a block beyond the limit is never kept")
        let kept = try touch(2048, pool)
        #expect(pool.retainedByteCount == 4096, "older blocks make room")
        #expect(try touch(2048, pool) == kept)
    }

    /// A process that meets ever new sizes keeps the latest, and finds them again.
    @Test func theBlocksReleasedLongestAgoGoFirst() throws {
        let pool = StoragePool(limit: 64 * 100)
        var addresses: [UInt] = []
        for size in 1...40 {
            addresses.append(try touch(64 * size, pool))
            #expect(pool.retainedByteCount <= 64 * 100)
        }
        // 40 + 39 are kept, and no other fits beside them.
        #expect(pool.retainedByteCount == 64 * 79)
        #expect(try touch(64 * 40, pool) == addresses[39])
        #expect(try touch(64 * 39, pool) == addresses[38])
        // Used again, it is younger than the other.
        #expect(try touch(64 * 40, pool) == addresses[39])
        _ = try touch(64 * 60, pool)
        #expect(pool.retainedByteCount == 64 * 100)
        #expect(try touch(64 * 40, pool) == addresses[39])
    }

    @Test func manySizesStayWithinTheLimit() throws {
        let pool = StoragePool(limit: 1 << 20)
        for round in 0..<3 {
            for size in 1...600 {
                _ = try touch(64 * size + round, pool)
                #expect(pool.retainedByteCount <= 1 << 20)
            }
        }
        #expect(pool.retainedByteCount > 1 << 19)
    }

    /// A share of the memory there is, and no more than so much; the smallest machine keeps 16 MiB.
    @Test func theLimitFollowsTheMachine() throws {
        let pool = StoragePool(most: 48 << 20, share: 1)
        for size in 1...40 {
            _ = try touch(size << 20, pool)
            #expect(pool.retainedByteCount <= 48 << 20)
        }
        let tiny = StoragePool(most: 1 << 40, share: 1 << 40)
        for size in 1...40 { _ = try touch(size << 20, tiny) }
        #expect(tiny.retainedByteCount <= 16 << 20)
    }

    /// What the pool lets go is the system's again, whatever the C library would have kept.
    @Test func largeBlocksGoBackToTheSystem() throws {
        let pool = StoragePool(limit: 0)
        let size = 3 << 20
        // Another thread may be given the addresses at once, so more than one attempt counts.
        let isGone = try (0..<10).contains { _ in
            let address = try touch(size, pool)
            #expect(address % (2 << 20) == 0, "aligned to huge pages")
            var resident = [UInt8](repeating: 0, count: size / 4096)
            return mincore(UnsafeMutableRawPointer(bitPattern: address), size, &resident) != 0
        }
        #expect(isGone)
    }

    @Test func sizesThatNoSystemHas() {
        let pool = StoragePool(limit: 1 << 20)
        for size: Int in [-1, .min, 1 << 62, .max - 1, .max] {
            #expect(throws: TensorError.outOfMemory(byteCount: size)) { try TensorStorage(byteCount: size, pool: pool) }
        }
    }

    @Test func aLimitOfZeroKeepsNothing() throws {
        let pool = StoragePool(limit: 0)
        _ = try touch(64, pool)
        #expect(pool.retainedByteCount == 0)
    }

    @Test func trimReturnsEverything() throws {
        let pool = StoragePool(limit: 1 << 24)
        let living = try TensorStorage(byteCount: 500, pool: pool)
        _ = try touch(100, pool)
        _ = try touch(3 << 20, pool)
        #expect(pool.retainedByteCount == 128 + (4 << 20), "blocks of 2 MiB and more are multiples of 2 MiB")
        pool.trim()
        #expect(pool.retainedByteCount == 0)
        living.address.storeBytes(of: 1, as: UInt8.self)  // a living block is not touched by trim
    }

    @Test func manyTasksAtOnce() async throws {
        let pool = StoragePool(limit: 1 << 24)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for round in 0..<200 {
                        let block = try TensorStorage(byteCount: 64 * (1 + round % 5), pool: pool)
                        block.address.storeBytes(of: task, as: Int.self)
                        await Task.yield()
                        if block.address.load(as: Int.self) != task { return false }
                        withExtendedLifetime(block) {}
                    }
                    return true
                }
            }
            for try await sound in group { #expect(sound, "a block was given out twice") }
        }
    }

    /// A thread that was using the pool is not in a process that was forked off, which has its memory from the system then.
    @Test func aForkedProcessHasMemory() async throws {
        let (forks, pool) = (50, StoragePool(limit: 1 << 24))
        @Sendable func use() -> Int32 {
            for size in [64, 4096, 3 << 20] {
                guard let block = try? TensorStorage(byteCount: size, pool: pool) else { return 1 }
                block.address.storeBytes(of: 1, as: UInt8.self)
            }
            return pool.retainedByteCount >= 0 ? 0 : 2
        }
        let statuses = try await ForkedProcess.statuses(of: forks, while: { _ = use() }) {
            for _ in 0..<10 where use() != 0 { return 1 }
            pool.trim()
            return use()
        }
        #expect(statuses == [Int32?](repeating: 0, count: forks))
    }
}
