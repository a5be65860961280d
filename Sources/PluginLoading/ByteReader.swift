/// Reads little-endian integers from bytes that may hold anything: every access is checked, none can trap.
struct ByteReader: Sendable {
    /// What was wrong, as the end of a sentence.
    struct Malformed: Error {
        let reason: String
    }

    let bytes: [UInt8]

    func integer<T: FixedWidthInteger>(_ type: T.Type, at offset: Int, _ what: String) throws(Malformed) -> T {
        guard offset >= 0, offset <= bytes.count - MemoryLayout<T>.size else {
            throw Malformed(reason: "\(what) lies outside the file")
        }
        return bytes.withUnsafeBytes { T(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: T.self)) }
    }

    /// A 64-bit field that is used as an offset or a count.
    func size(at offset: Int, _ what: String) throws(Malformed) -> Int {
        guard let value = Int(exactly: try integer(UInt64.self, at: offset, what)) else {
            throw Malformed(reason: "\(what) is out of range")
        }
        return value
    }

    /// Whether `offset ..< offset + count` lies inside the bytes.
    func contains(_ offset: Int, _ count: Int) -> Bool {
        offset >= 0 && count >= 0 && offset <= bytes.count && count <= bytes.count - offset
    }
}
