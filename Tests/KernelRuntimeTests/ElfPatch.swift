import VoxKernelRuntime

/// Finds the places of a plugin's tables that tests damage. Trusts its input: the compiler just wrote it.
struct ElfPatch {
    var bytes: [UInt8]

    enum Failure: Error { case notFound }

    func integer<T: FixedWidthInteger>(_ type: T.Type, at offset: Int) -> T {
        bytes.withUnsafeBytes { T(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: T.self)) }
    }

    mutating func set<T: FixedWidthInteger>(_ value: T, at offset: Int) {
        withUnsafeBytes(of: value.littleEndian) { bytes.replaceSubrange(offset..<offset + $0.count, with: $0) }
    }

    func size(at offset: Int) -> Int { Int(integer(UInt64.self, at: offset)) }

    /// File offsets of the program headers.
    var headers: [Int] {
        let (table, count) = (size(at: 32), Int(integer(UInt16.self, at: 56)))
        return (0..<count).map { table + $0 * 56 }
    }

    func header(_ kind: UInt32, where matches: (Int) -> Bool = { _ in true }) throws -> Int {
        guard let found = headers.first(where: { integer(UInt32.self, at: $0) == kind && matches($0) }) else { throw Failure.notFound }
        return found
    }

    /// The mapped segment with code.
    func code() throws -> Int { try header(1) { integer(UInt32.self, at: $0 + 4) & 1 != 0 } }

    func fileOffset(ofAddress address: Int) throws -> Int {
        let load = try header(1) { size(at: $0 + 16) <= address && address < size(at: $0 + 16) + size(at: $0 + 32) }
        return size(at: load + 8) + address - size(at: load + 16)
    }

    /// File offset of a dynamic entry.
    func dynamicEntry(_ tag: UInt64) throws -> Int {
        let table = size(at: try header(2) + 8)
        for index in 0..<64 where integer(UInt64.self, at: table + index * 16) == tag { return table + index * 16 }
        throw Failure.notFound
    }

    /// File offsets of the relocations.
    func relocations() throws -> [Int] {
        let table = try fileOffset(ofAddress: size(at: try dynamicEntry(7) + 8))
        return (0..<size(at: try dynamicEntry(8) + 8) / 24).map { table + $0 * 24 }
    }

    func hashTable() throws -> Int { try fileOffset(ofAddress: size(at: try dynamicEntry(0x6fff_fef5) + 8)) }
    func symbolTable() throws -> Int { try fileOffset(ofAddress: size(at: try dynamicEntry(6) + 8)) }
}
