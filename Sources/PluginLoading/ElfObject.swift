/// The layout of a 64-bit little-endian ELF shared object: what the dynamic linker would map, read without mapping it.
///
/// Section headers are never used to find anything, as the dynamic linker does not read them: whatever is said here about the
/// file is said about what would be loaded.
///
/// Source: System V ABI, generic ELF specification, chapter 5 (program header).
struct ElfObject: Sendable {
    /// One program header.
    struct Segment: Sendable {
        /// `p_type`.
        let kind: UInt32
        let isWritable: Bool
        let isExecutable: Bool
        let fileOffset: Int
        let address: Int
        let fileSize: Int
        let memorySize: Int
        let alignment: Int

        /// Addresses whose bytes come from the file.
        var fileAddresses: Range<Int> { address..<address + fileSize }
        var addresses: Range<Int> { address..<address + memorySize }
    }

    enum SegmentKind {
        static let loadable: UInt32 = 1
        static let dynamic: UInt32 = 2
        static let interpreter: UInt32 = 3
        static let headers: UInt32 = 6
        static let threadLocal: UInt32 = 7
        static let unwindTable: UInt32 = 0x6474_e550
        static let stack: UInt32 = 0x6474_e551
        static let readOnlyAfterRelocation: UInt32 = 0x6474_e552
    }

    let reader: ByteReader
    let machine: UInt16
    /// All program headers, in the order of the file.
    let segments: [Segment]
    /// Those that are mapped.
    let loads: [Segment]

    static let magic: [UInt8] = [0x7f, 0x45, 0x4c, 0x46]
    static let headerByteCount = 64
    private static let segmentByteCount = 56
    /// The linker writes eight.
    private static let maximumSegmentCount = 64
    /// Bound of addresses and sizes: sums of a few of them stay far from overflow, and no plugin reserves more memory.
    private static let maximumAddress = 1 << 32
    private static let pageByteCount = 4096

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
        guard entrySize == Self.segmentByteCount else { throw ByteReader.Malformed(reason: "program headers of \(entrySize) bytes") }
        guard count <= Self.maximumSegmentCount, reader.contains(table, count * entrySize) else {
            throw ByteReader.Malformed(reason: "\(count) program headers do not fit the file")
        }
        var segments: [Segment] = []
        for index in 0..<count { segments.append(try Self.segment(reader, at: table + index * entrySize)) }
        self.segments = segments
        loads = segments.filter { $0.kind == SegmentKind.loadable }
        try checkPlaces()
        if let headers = segments.first(where: { $0.kind == SegmentKind.headers }) {
            guard try fileRange(headers.fileAddresses, "the program header table") == table..<table + count * entrySize else {
                throw ByteReader.Malformed(reason: "the program header table is not where it says")
            }
        }
    }

    private static func segment(_ reader: ByteReader, at entry: Int) throws(ByteReader.Malformed) -> Segment {
        let flags = try reader.integer(UInt32.self, at: entry + 4, "a segment's flags")
        let segment = Segment(
            kind: try reader.integer(UInt32.self, at: entry, "a segment's type"),
            isWritable: flags & 2 != 0, isExecutable: flags & 1 != 0,
            fileOffset: try reader.size(at: entry + 8, "a segment offset"),
            address: try reader.size(at: entry + 16, "a segment address"),
            fileSize: try reader.size(at: entry + 32, "a segment size"),
            memorySize: try reader.size(at: entry + 40, "a segment size"),
            alignment: try reader.size(at: entry + 48, "a segment alignment"))
        guard reader.contains(segment.fileOffset, segment.fileSize) else {
            throw ByteReader.Malformed(reason: "a segment lies outside the file")
        }
        guard segment.address <= maximumAddress, segment.memorySize <= maximumAddress, segment.fileSize <= segment.memorySize else {
            throw ByteReader.Malformed(reason: "a segment's sizes are out of range")
        }
        return segment
    }

    /// Loadable segments ascend and share no page; every other segment lies in one of them.
    private func checkPlaces() throws(ByteReader.Malformed) {
        var end = 0
        for load in loads {
            let page = max(load.alignment, Self.pageByteCount)
            guard page & (page - 1) == 0, page <= Self.maximumAddress, load.address % page == load.fileOffset % page else {
                throw ByteReader.Malformed(reason: "a segment is aligned to \(load.alignment) bytes and cannot be mapped so")
            }
            guard load.address / page * page >= end else { throw ByteReader.Malformed(reason: "segments overlap") }
            end = (load.addresses.upperBound + page - 1) / page * page
        }
        // The stack's segment has no bytes. Thread-local ones may lie past the end of theirs, and are refused later.
        let placeless = [SegmentKind.loadable, SegmentKind.stack, SegmentKind.threadLocal]
        for segment in segments where !placeless.contains(segment.kind) && segment.memorySize > 0 {
            guard loads.contains(where: { $0.addresses.contains(segment.addresses) && $0.fileAddresses.contains(segment.fileAddresses) }) else {
                throw ByteReader.Malformed(reason: "a segment of type 0x\(String(segment.kind, radix: 16)) is not loaded")
            }
        }
    }

    /// Where the bytes stand in the file that would be mapped at these addresses.
    func fileRange(_ addresses: Range<Int>, _ what: String) throws(ByteReader.Malformed) -> Range<Int> {
        for load in loads where load.fileAddresses.contains(addresses) {
            let start = load.fileOffset + (addresses.lowerBound - load.address)  // within the file: the segment is
            return start..<start + addresses.count
        }
        throw ByteReader.Malformed(reason: "\(what) lies in no segment")
    }

    /// `count` bytes from an address that was read from the file.
    func fileRange(at address: Int, count: Int, _ what: String) throws(ByteReader.Malformed) -> Range<Int> {
        guard address >= 0, address <= Self.maximumAddress, count >= 0, count <= Self.maximumAddress else {
            throw ByteReader.Malformed(reason: "\(what) is out of range")
        }
        return try fileRange(address..<address + count, what)
    }
}

extension Range<Int> {
    /// Whether `other` lies inside, empty ranges at either end included.
    fileprivate func contains(_ other: Range<Int>) -> Bool {
        other.lowerBound >= lowerBound && other.upperBound <= upperBound
    }
}
