/// The section headers and the symbols of an ELF file, checked before LLVM follows them. The digest of a plugin is no obstacle to whoever
/// made it, and LLVM ends the process when an offset or a name leads outside the file (measured with LLVM 14).
///
/// Source: System V ABI, generic ELF specification, chapter 4 (sections, string table, symbol table).
struct SectionTable {
    /// What is not as the linker writes it.
    struct Unsound: Error { let reason: String }

    private let bytes: UnsafeRawBufferPointer

    private struct Section {
        let nameOffset, kind, link: Int
        let start, byteCount, entryByteCount: Int
    }

    private enum Kind {
        static let symbols = 2, strings = 3, withoutBytes = 8, dynamicSymbols = 11, largeIndices = 18
    }

    private static let headerByteCount = 64
    private static let symbolByteCount = 24
    /// The linker writes some fifteen.
    private static let maximumCount = 4096

    /// - Throws: `Unsound`.
    static func check(_ bytes: UnsafeRawBufferPointer) throws(Unsound) {
        let table = SectionTable(bytes: bytes)
        guard bytes.count >= headerByteCount, bytes[..<7].elementsEqual([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]) else {
            throw Unsound(reason: "it is no 64-bit little-endian ELF file")
        }
        let sections = try table.sections()
        let nameIndex = table.integer(62, 2)
        guard sections.indices.contains(nameIndex) else { throw Unsound(reason: "its section \(nameIndex) with names does not exist") }
        try table.checkStrings(sections, nameIndex)
        for section in sections {
            let name = try table.name(section.nameOffset, in: sections[nameIndex])
            // Their bytes are read, whatever their kind.
            if section.kind == Kind.withoutBytes, name == ".dynstr" || name.hasPrefix(".text") {
                throw Unsound(reason: "its section \(name) has no bytes")
            }
        }
        for kind in [Kind.symbols, Kind.dynamicSymbols] where sections.count(where: { $0.kind == kind }) > 1 {
            throw Unsound(reason: "it has several symbol tables of one kind")
        }
        for section in sections where section.kind == Kind.symbols || section.kind == Kind.dynamicSymbols {
            try table.checkSymbols(section, sections)
        }
    }

    /// - Precondition: the bytes are there.
    private func integer(_ offset: Int, _ count: Int) -> Int {
        var value: UInt64 = 0
        for index in (0..<count).reversed() { value = value << 8 | UInt64(bytes[offset + index]) }
        return Int(clamping: value)
    }

    private func contains(_ start: Int, _ count: Int) -> Bool {
        start >= 0 && count >= 0 && start <= bytes.count && count <= bytes.count - start
    }

    private func sections() throws(Unsound) -> [Section] {
        let (start, size, count) = (integer(40, 8), integer(58, 2), integer(60, 2))
        guard size == 64, (1...Self.maximumCount).contains(count), start % 8 == 0, contains(start, count * size) else {
            throw Unsound(reason: "its \(count) section headers of \(size) bytes at byte \(start) do not fit it")
        }
        var sections: [Section] = []
        for index in 0..<count {
            let place = start + index * size
            let section = Section(
                nameOffset: integer(place, 4), kind: integer(place + 4, 4), link: integer(place + 40, 4), start: integer(place + 24, 8),
                byteCount: integer(place + 32, 8), entryByteCount: integer(place + 56, 8))
            guard section.kind == Kind.withoutBytes || contains(section.start, section.byteCount) else {
                throw Unsound(reason: "its section \(index) lies outside the file")
            }
            if section.kind == Kind.largeIndices { throw Unsound(reason: "its section \(index) has a kind no plugin has") }
            sections.append(section)
        }
        return sections
    }

    private func checkStrings(_ sections: [Section], _ index: Int) throws(Unsound) {
        guard sections.indices.contains(index), sections[index].kind == Kind.strings, sections[index].byteCount > 0,
            bytes[sections[index].start + sections[index].byteCount - 1] == 0
        else { throw Unsound(reason: "its section \(index) holds no texts") }
    }

    private func name(_ offset: Int, in strings: Section) throws(Unsound) -> String {
        guard offset < strings.byteCount else { throw Unsound(reason: "a section's name lies outside the names") }
        let start = strings.start + offset
        // Ends at the latest with the section.
        return String(decoding: bytes[start..<strings.start + strings.byteCount].prefix(64).prefix { $0 != 0 }, as: UTF8.self)
    }

    private func checkSymbols(_ table: Section, _ sections: [Section]) throws(Unsound) {
        guard table.entryByteCount == Self.symbolByteCount, table.byteCount % Self.symbolByteCount == 0, table.start % 8 == 0 else {
            throw Unsound(reason: "its symbol table has entries of \(table.entryByteCount) bytes in \(table.byteCount)")
        }
        try checkStrings(sections, table.link)
        let absolute = 0xfff1
        for place in stride(from: table.start, to: table.start + table.byteCount, by: Self.symbolByteCount) {
            let section = integer(place + 6, 2)
            guard integer(place, 4) < sections[table.link].byteCount, section < sections.count || section == absolute else {
                throw Unsound(reason: "a symbol has its name or its place outside the file")
            }
        }
    }
}
