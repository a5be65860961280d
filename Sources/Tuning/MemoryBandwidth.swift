import Glibc
import VoxKernelRuntime
import VoxTensors

/// How fast one thread moves memory that no cache holds, measured simply: the best of a few copies of a large block. Each byte counts twice, as it is
/// read and written.
package struct MemoryBandwidth: Hashable, Sendable {
    /// Bytes read and written in a second.
    package let bytesPerSecond: Double
    /// Bytes of the block that was copied.
    package let blockBytes: Int

    private static let copies = 5
    private static let leastBlock = 64 << 20
    /// Larger last-level caches than half of this are shared by so many cores that a thread has only a part of them.
    private static let largestBlock = 256 << 20

    /// Copies a block of twice the last-level cache, within 64 and 256 MiB; takes a few tenths of a second.
    /// - Returns: nil where there is not the memory for two such blocks.
    package static func measure() -> MemoryBandwidth? {
        let bytes = min(max(leastBlock, 2 * HostCPU.cacheSizes.lastLevel), largestBlock)
        if AvailableMemory.byteCount < 4 * bytes { return nil }
        guard let source = map(bytes) else { return nil }
        defer { munmap(source, bytes) }
        guard let copy = map(bytes) else { return nil }
        defer { munmap(copy, bytes) }
        // The first touch of a page is the system's work.
        memset(source, 1, bytes)
        memset(copy, 2, bytes)
        let best = (0..<copies).map { _ in CallTiming.time { memcpy(copy, source, bytes) } }.min() ?? 0
        // What was copied is looked at, so that no copy can be left out.
        guard best > 0, copy.load(fromByteOffset: bytes - 1, as: UInt8.self) == 1 else { return nil }
        return MemoryBandwidth(bytesPerSecond: 2 * Double(bytes) / best, blockBytes: bytes)
    }

    /// From the system: of a block of `malloc` the compiler knows that nobody else sees it, and leaves out copies of which only the last is read.
    private static func map(_ bytes: Int) -> UnsafeMutableRawPointer? {
        let start = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        return start == MAP_FAILED ? nil : start
    }
}
