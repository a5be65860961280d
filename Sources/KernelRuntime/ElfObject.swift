/// The few facts of a 64-bit little-endian ELF shared object that are needed to find a symbol's bytes without mapping it.
///
/// Source: System V ABI, generic ELF specification, chapters 4 (symbol table) and 5 (program header).
struct ElfObject {
    let reader: ByteReader
    let machine: UInt16

    private struct Segment {
        let fileOffset: Int
        let address: Int
        let fileSize: Int
    }

    private let segments: [Segment]

    static let magic: [UInt8] = [0x7f, 0x45, 0x4c, 0x46]
    static let headerByteCount = 64
    private static let symbolByteCount = 24
    /// Plugins have a handful of symbols, segments and sections; more than this is no plugin.
    private static let maximumCount = 1 << 16

    init(_ reader: ByteReader) throws(ByteReader.Malformed) {
        self.reader = reader
        guard reader.bytes.count >= Self.headerByteCount, reader.bytes.starts(with: Self.magic) else {
            throw ByteReader.Malformed(reason: "no ELF header")
        }
        guard reader.bytes[4] == 2, reader.bytes[5] == 1 else {
            throw ByteReader.Malformed(reason: "not a 64-bit little-endian object")
        }
        let type = try reader.integer(UInt16.self, at: 16, "the file type")
        guard type == 3 else { throw ByteReader.Malformed(reason: "file type \(type) is no shared object") }
        machine = try reader.integer(UInt16.self, at: 18, "the machine")

        let table = try reader.size(at: 32, "the program header table")
        let entrySize = Int(try reader.integer(UInt16.self, at: 54, "the program header size"))
        let count = Int(try reader.integer(UInt16.self, at: 56, "the program header count"))
        guard entrySize >= 56 else { throw ByteReader.Malformed(reason: "program headers of \(entrySize) bytes") }
        var segments: [Segment] = []
        for index in 0..<count {
            let entry = try ByteReader.offset(table, index, entrySize, "a program header")
            let loadable: UInt32 = 1
            guard try reader.integer(UInt32.self, at: entry, "a program header") == loadable else { continue }
            let segment = Segment(
                fileOffset: try reader.size(at: entry + 8, "a segment offset"),
                address: try reader.size(at: entry + 16, "a segment address"),
                fileSize: try reader.size(at: entry + 32, "a segment size"))
            guard reader.contains(segment.fileOffset, segment.fileSize) else {
                throw ByteReader.Malformed(reason: "a segment lies outside the file")
            }
            segments.append(segment)
        }
        self.segments = segments
    }

    /// Where the bytes of a defined dynamic data symbol stand in the file; nil when there is no such symbol.
    func dynamicObject(named name: String) throws(ByteReader.Malformed) -> Range<Int>? {
        let table = try reader.size(at: 40, "the section header table")
        let entrySize = Int(try reader.integer(UInt16.self, at: 58, "the section header size"))
        let count = Int(try reader.integer(UInt16.self, at: 60, "the section count"))
        if count == 0 { return nil }
        guard entrySize >= 64 else { throw ByteReader.Malformed(reason: "section headers of \(entrySize) bytes") }

        func section(_ index: Int) throws(ByteReader.Malformed) -> (type: UInt32, offset: Int, size: Int, link: Int) {
            guard index < count else { throw ByteReader.Malformed(reason: "section \(index) does not exist") }
            let entry = try ByteReader.offset(table, index, entrySize, "a section header")
            return (
                try reader.integer(UInt32.self, at: entry + 4, "a section type"),
                try reader.size(at: entry + 24, "a section offset"),
                try reader.size(at: entry + 32, "a section size"),
                Int(try reader.integer(UInt32.self, at: entry + 40, "a section link"))
            )
        }

        for index in 0..<count {
            let symbols = try section(index)
            let dynamicSymbols: UInt32 = 11
            guard symbols.type == dynamicSymbols else { continue }
            let texts = try section(symbols.link)
            guard reader.contains(symbols.offset, symbols.size), reader.contains(texts.offset, texts.size),
                symbols.size / Self.symbolByteCount <= Self.maximumCount
            else { throw ByteReader.Malformed(reason: "the dynamic symbols lie outside the file") }
            let pattern = Array(name.utf8) + [0]
            for symbol in 0..<symbols.size / Self.symbolByteCount {
                let entry = symbols.offset + symbol * Self.symbolByteCount
                let nameOffset = Int(try reader.integer(UInt32.self, at: entry, "a symbol name"))
                guard nameOffset <= texts.size, pattern.count <= texts.size - nameOffset,
                    reader.bytes[(texts.offset + nameOffset)...].starts(with: pattern)
                else { continue }
                let undefined: UInt16 = 0
                guard try reader.integer(UInt16.self, at: entry + 6, "a symbol's section") != undefined else { continue }
                return try fileRange(
                    address: try reader.size(at: entry + 8, "a symbol's address"),
                    size: try reader.size(at: entry + 16, "a symbol's size"))
            }
        }
        return nil
    }

    private func fileRange(address: Int, size: Int) throws(ByteReader.Malformed) -> Range<Int> {
        for segment in segments where address >= segment.address {
            let distance = address - segment.address
            guard distance <= segment.fileSize, size <= segment.fileSize - distance else { continue }
            let start = segment.fileOffset + distance  // within the file: the segment is
            return start..<start + size
        }
        throw ByteReader.Malformed(reason: "the plugin object lies in no segment")
    }
}
