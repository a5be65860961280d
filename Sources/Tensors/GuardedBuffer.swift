import Glibc
import VoxLayerSpec

/// Memory between two inaccessible pages: a read or write before its first or behind its last page ends the process at once.
///
/// Every page is filled with 0xFF at first, which reads as NaN in both element types.
package final class GuardedBuffer {
    /// Which end of the pages the bytes lie against.
    package enum Placement: CaseIterable, Sendable { case atStart, atEnd }

    /// Start of the buffer. Does not keep it alive: wrap uses in `withExtendedLifetime`.
    package let address: UnsafeMutableRawPointer
    package let byteCount: Int
    private let mapping: UnsafeMutableRawPointer
    private let mappingLength: Int

    /// - Parameters:
    ///   - alignment: with `atEnd`, the start is moved down to a multiple of it (a power of two up to the page size), which
    ///     leaves up to `alignment - 1` accessible bytes behind the buffer. 1 means flush.
    package init(byteCount: Int, placement: Placement, alignment: Int = 1) {
        let page = Int(getpagesize())
        precondition(byteCount >= 0 && alignment >= 1 && alignment <= page && alignment & (alignment - 1) == 0)
        let body = max(1, (byteCount + page - 1) / page) * page
        mappingLength = body + 2 * page
        let flags = MAP_PRIVATE | MAP_ANONYMOUS
        guard let mapping = mmap(nil, mappingLength, PROT_NONE, flags, -1, 0), mapping != MAP_FAILED,
            mprotect(mapping + page, body, PROT_READ | PROT_WRITE) == 0
        else { preconditionFailure("mmap of \(mappingLength) bytes failed: \(String(cString: strerror(errno)))") }
        self.mapping = mapping
        self.byteCount = byteCount
        memset(mapping + page, 0xFF, body)
        switch placement {
        case .atStart: address = mapping + page
        case .atEnd: address = mapping + page + (body - byteCount) / alignment * alignment
        }
    }

    /// A buffer that holds the elements.
    package convenience init<T: BitwiseCopyable>(_ elements: [T], placement: Placement, alignment: Int = 1) {
        self.init(byteCount: elements.count * MemoryLayout<T>.stride, placement: placement, alignment: alignment)
        elements.withUnsafeBytes { bytes in
            if let base = bytes.baseAddress { address.copyMemory(from: base, byteCount: bytes.count) }
        }
    }

    /// A buffer that holds numbers as elements of a type.
    /// - Parameters:
    ///   - numbers: each is rounded to the nearest number of the type.
    ///   - type: the type of the elements.
    ///   - placement: which end of the pages the bytes lie against.
    package convenience init(_ numbers: [Double], as type: ElementType, placement: Placement) {
        self.init(byteCount: numbers.count * type.byteCount, placement: placement)
        let target = UnsafeMutableRawBufferPointer(start: address, count: byteCount)
        numbers.withUnsafeBytes { ElementType.float64.convert($0, to: type, target) }
    }

    deinit { munmap(mapping, mappingLength) }

    /// The whole buffer as elements of a type.
    package func elements<T: BitwiseCopyable>(_ type: T.Type) -> UnsafeMutableBufferPointer<T> {
        UnsafeMutableBufferPointer(
            start: address.assumingMemoryBound(to: type), count: byteCount / MemoryLayout<T>.stride)
    }

    /// The whole buffer as numbers.
    /// - Parameter type: the type of its elements.
    package func numbers(of type: ElementType) -> [Double] {
        let bytes = UnsafeRawBufferPointer(start: address, count: byteCount)
        return withExtendedLifetime(self) { (0..<byteCount / type.byteCount).map { type.element(at: $0, of: bytes) } }
    }

    /// Sets every byte.
    package func fill(_ byte: UInt8) { memset(address, Int32(byte), byteCount) }
}
