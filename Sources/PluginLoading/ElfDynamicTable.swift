/// What an ELF shared object asks of the dynamic linker: its dynamic entries, its symbols and its relocations.
///
/// Source: System V ABI, generic ELF specification, chapters 4 (symbol table, relocation) and 5 (dynamic section); the GNU hash
/// table as glibc's `dl-lookup.c` walks it.
struct ElfDynamicTable: Sendable {
    enum Tag {
        static let null: UInt64 = 0
        static let needed: UInt64 = 1
        static let stringTable: UInt64 = 5
        static let symbolTable: UInt64 = 6
        static let relocations: UInt64 = 7
        static let relocationsByteCount: UInt64 = 8
        static let relocationByteCount: UInt64 = 9
        static let stringTableByteCount: UInt64 = 10
        static let symbolByteCount: UInt64 = 11
        static let textRelocations: UInt64 = 22
        static let flags: UInt64 = 30
        static let gnuHash: UInt64 = 0x6fff_fef5
        static let relativeCount: UInt64 = 0x6fff_fff9
        static let flags1: UInt64 = 0x6fff_fffb
        /// SysV hash table; glibc does not read it beside the GNU one.
        static let hash: UInt64 = 4

        /// Entries that run code when the object is loaded or unloaded.
        static let constructors: [UInt64: String] = [
            12: "DT_INIT", 13: "DT_FINI", 25: "DT_INIT_ARRAY", 26: "DT_FINI_ARRAY", 27: "DT_INIT_ARRAYSZ", 28: "DT_FINI_ARRAYSZ",
            32: "DT_PREINIT_ARRAY", 33: "DT_PREINIT_ARRAYSZ",
        ]
        /// All that the linker writes for a self-contained object.
        static let expected: Set<UInt64> = [
            hash, stringTable, symbolTable, relocations, relocationsByteCount, relocationByteCount, stringTableByteCount,
            symbolByteCount, flags, gnuHash, relativeCount, flags1,
        ]
    }

    struct Symbol: Sendable {
        let name: String
        let type: UInt8
        let binding: UInt8
        let section: UInt16
        let address: Int
        let byteCount: Int

        var isUndefined: Bool { section == 0 }
        var isLocal: Bool { binding == 0 }
        /// Visible to the dynamic linker as one plain piece of data.
        var isGlobalObject: Bool { type == 1 && binding == 1 }
        var isThreadLocal: Bool { type == 6 }
        /// Its address is what a function of the object returns while it is loaded.
        var isIndirectFunction: Bool { type == 10 }
    }

    struct Relocation: Sendable {
        let place: Int
        let type: UInt32
        let symbol: UInt32
        let addend: Int
    }

    /// The libraries it wants loaded.
    let neededLibraries: [String]
    /// Entries by tag, needed libraries and the end apart.
    let entries: [UInt64: UInt64]
    /// Where the table itself is mapped.
    let addresses: Range<Int>
    /// Without the empty one that every table begins with.
    let symbols: [Symbol]
    let relocations: [Relocation]

    private static let entryByteCount = 16
    private static let symbolByteCount = 24
    private static let relocationByteCount = 24
    /// Plugins have some thousand relocations.
    private static let maximumCount = 1 << 20
    /// Plugins have one symbol. Names can share their bytes, so their number and their lengths are bounded.
    private static let maximumNameCount = 256
    private static let maximumNameByteCount = 1024

    init(_ elf: ElfObject) throws(ByteReader.Malformed) {
        let tables = elf.segments.filter { $0.kind == ElfObject.SegmentKind.dynamic }
        guard tables.count == 1, let table = tables.first else {
            throw ByteReader.Malformed(reason: "\(tables.count) dynamic tables; expected 1")
        }
        addresses = table.addresses
        let place = try elf.fileRange(table.fileAddresses, "the dynamic table")
        var entries: [UInt64: UInt64] = [:]
        var needed: [UInt64] = []
        var isEnded = false
        for entry in stride(from: place.lowerBound, through: place.upperBound - Self.entryByteCount, by: Self.entryByteCount) {
            let tag = try elf.reader.integer(UInt64.self, at: entry, "a dynamic entry")
            let value = try elf.reader.integer(UInt64.self, at: entry + 8, "a dynamic entry")
            if tag == Tag.null {
                isEnded = true
                break
            }
            if tag == Tag.needed {
                needed.append(value)
            } else if entries.updateValue(value, forKey: tag) != nil {
                throw ByteReader.Malformed(reason: "two dynamic entries of type 0x\(String(tag, radix: 16))")
            }
        }
        guard isEnded else { throw ByteReader.Malformed(reason: "the dynamic table has no end") }
        self.entries = entries

        let strings = try elf.fileRange(
            at: try Self.value(entries, Tag.stringTable), count: try Self.value(entries, Tag.stringTableByteCount), "the string table")
        var neededLibraries: [String] = []
        guard needed.count <= Self.maximumNameCount else { throw ByteReader.Malformed(reason: "\(needed.count) needed libraries") }
        for offset in needed { neededLibraries.append(try Self.text(elf, strings, offset)) }
        self.neededLibraries = neededLibraries
        symbols = try Self.symbols(elf, entries, strings)
        relocations = try Self.relocations(elf, entries)
    }

    private static func value(_ entries: [UInt64: UInt64], _ tag: UInt64) throws(ByteReader.Malformed) -> Int {
        guard let value = entries[tag] else { throw ByteReader.Malformed(reason: "no dynamic entry of type 0x\(String(tag, radix: 16))") }
        guard let value = Int(exactly: value) else {
            throw ByteReader.Malformed(reason: "the dynamic entry of type 0x\(String(tag, radix: 16)) is out of range")
        }
        return value
    }

    private static func text(_ elf: ElfObject, _ strings: Range<Int>, _ offset: UInt64) throws(ByteReader.Malformed) -> String {
        guard offset < strings.count else { throw ByteReader.Malformed(reason: "a name lies outside the string table") }
        let rest = elf.reader.bytes[(strings.lowerBound + Int(offset))..<strings.upperBound].prefix(maximumNameByteCount)
        guard let end = rest.firstIndex(of: 0) else { throw ByteReader.Malformed(reason: "a name has no end") }
        return String(decoding: rest[..<end], as: UTF8.self)
    }

    private static func symbols(
        _ elf: ElfObject, _ entries: [UInt64: UInt64], _ strings: Range<Int>
    ) throws(ByteReader.Malformed) -> [Symbol] {
        guard try value(entries, Tag.symbolByteCount) == symbolByteCount else {
            throw ByteReader.Malformed(reason: "symbols of another size than \(symbolByteCount) bytes")
        }
        let count = try symbolCount(elf, at: try value(entries, Tag.gnuHash))
        let table = try elf.fileRange(at: try value(entries, Tag.symbolTable), count: count * symbolByteCount, "the symbol table")
        var symbols: [Symbol] = []
        for entry in stride(from: table.lowerBound + symbolByteCount, to: table.upperBound, by: symbolByteCount) {
            let information = try elf.reader.integer(UInt8.self, at: entry + 4, "a symbol's type")
            symbols.append(
                Symbol(
                    name: try text(elf, strings, UInt64(try elf.reader.integer(UInt32.self, at: entry, "a symbol's name"))),
                    type: information & 15, binding: information >> 4,
                    section: try elf.reader.integer(UInt16.self, at: entry + 6, "a symbol's section"),
                    address: try elf.reader.size(at: entry + 8, "a symbol's address"),
                    byteCount: try elf.reader.size(at: entry + 16, "a symbol's size")))
        }
        return symbols
    }

    /// The number of symbols, which nothing but the hash table tells. All its chains are followed, so that a lookup by the dynamic
    /// linker stays inside the file as well.
    private static func symbolCount(_ elf: ElfObject, at hash: Int) throws(ByteReader.Malformed) -> Int {
        func word(_ address: Int) throws(ByteReader.Malformed) -> Int {
            let place = try elf.fileRange(at: address, count: 4, "the hash table")
            return Int(try elf.reader.integer(UInt32.self, at: place.lowerBound, "the hash table"))
        }
        let (bucketCount, first) = (try word(hash), try word(hash + 4))
        let (bloomCount, shift) = (try word(hash + 8), try word(hash + 12))
        guard (1...maximumNameCount).contains(bucketCount), (1...maximumNameCount).contains(first), (1...maximumCount).contains(bloomCount),
            bloomCount & (bloomCount - 1) == 0, shift < 32
        else { throw ByteReader.Malformed(reason: "the hash table has impossible sizes") }
        let buckets = hash + 16 + bloomCount * 8
        let chains = buckets + bucketCount * 4
        var count = first
        for bucket in 0..<bucketCount {
            var symbol = try word(buckets + bucket * 4)
            if symbol == 0 { continue }
            guard symbol >= first else { throw ByteReader.Malformed(reason: "the hash table leads to symbols it does not hold") }
            while try word(chains + (symbol - first) * 4) & 1 == 0, symbol <= maximumNameCount { symbol += 1 }
            count = max(count, symbol + 1)
        }
        guard count <= maximumNameCount else { throw ByteReader.Malformed(reason: "more than \(maximumNameCount) symbols") }
        return count
    }

    private static func relocations(
        _ elf: ElfObject, _ entries: [UInt64: UInt64]
    ) throws(ByteReader.Malformed) -> [Relocation] {
        guard entries[Tag.relocations] != nil else { return [] }
        let byteCount = try value(entries, Tag.relocationsByteCount)
        let table = try elf.fileRange(at: try value(entries, Tag.relocations), count: byteCount, "the relocation table")
        guard try value(entries, Tag.relocationByteCount) == relocationByteCount, byteCount % relocationByteCount == 0,
            byteCount / relocationByteCount <= maximumCount,
            entries[Tag.relativeCount] ?? 0 <= byteCount / relocationByteCount
        else { throw ByteReader.Malformed(reason: "the relocation table has impossible sizes") }
        var relocations: [Relocation] = []
        relocations.reserveCapacity(byteCount / relocationByteCount)
        for entry in stride(from: table.lowerBound, to: table.upperBound, by: relocationByteCount) {
            relocations.append(
                Relocation(
                    place: try elf.reader.size(at: entry, "a relocated place"),
                    type: try elf.reader.integer(UInt32.self, at: entry + 8, "a relocation's type"),
                    symbol: try elf.reader.integer(UInt32.self, at: entry + 12, "a relocation's symbol"),
                    addend: try elf.reader.size(at: entry + 16, "a relocation's addend")))
        }
        return relocations
    }
}
