/// Checks that bytes are an HDF5 file of the plain kind that Keras and h5py write, before the HDF5 library sees them.
///
/// The library trusts what a file says about itself: altered addresses, lengths and links make it crash, loop or allocate
/// without bound (measured with 1.10.8). Every address, size, count, order and type that it would follow from the root is
/// checked here, and no two pieces may overlap: that rules out cycles, and bounds what reading everything costs by the length of
/// the file.
///
/// Accepted: superblock version 0 at the start of the file with 8-byte offsets, groups of the old style (B-tree, symbol nodes,
/// local heap), version-1 object headers, contiguous data without filters, attributes in the header, strings of fixed length or
/// in global heaps, IEEE floats and whole-byte integers. Links other than hard ones, shared messages and everything newer are
/// refused.
///
/// Source: HDF5 File Format Specification, version 2.0, sections II to IV.
struct HDF5Structure {
    let bytes: UnsafeRawBufferPointer
    let path: String
    /// Nothing the file describes may lie beyond.
    let end: Int
    private let leafRank: Int
    private let internalRank: Int
    private var pieces: [(start: Int, end: Int)] = []
    /// Bytes in `pieces`.
    private var claimed = 0
    /// Of the paths of all objects.
    private var pathBytes = 0
    /// Object sizes of the global heap collections met so far.
    var heaps: [Int: [Int: Int]] = [:]

    private static let undefinedAddress = Int.max
    private static let superblockByteCount = 96
    private static let maximumDepth = 64
    /// Bounds the search for the end of a name.
    private static let maximumNameByteCount = 4096
    /// Granted to paths beyond the length of the file.
    private static let freePathBytes = 1 << 20

    /// - Throws: `TensorIOError.notHDF5`, `.hdf5Structure` with what is not as expected.
    static func check(_ bytes: [UInt8], path: String) throws(TensorIOError) {
        let result: Result<Void, TensorIOError> = bytes.withUnsafeBytes { bytes in
            do throws(TensorIOError) {
                var structure = try HDF5Structure(bytes, path: path)
                try structure.walk()
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    private init(_ bytes: UnsafeRawBufferPointer, path: String) throws(TensorIOError) {
        self.bytes = bytes
        self.path = path
        let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]
        guard bytes.count >= Self.superblockByteCount, bytes.starts(with: signature) else { throw .notHDF5(path: path) }
        func refuse(_ reason: String) -> TensorIOError { .hdf5Structure(path: path, object: "its superblock", reason: reason) }
        // Versions of superblock, free space, root entry, reserved, shared messages; sizes of offsets and lengths; reserved.
        guard bytes[8..<16].elementsEqual([0, 0, 0, 0, 0, 8, 8, 0]) else {
            throw refuse("its versions and sizes are \(Array(bytes[8..<16])); expected a superblock of version 0 with 8-byte offsets")
        }
        func short(_ offset: Int) -> Int { Int(bytes[offset]) | Int(bytes[offset + 1]) << 8 }
        leafRank = short(16)
        internalRank = short(18)
        guard leafRank >= 1, internalRank >= 1, bytes[20..<24].allSatisfy({ $0 == 0 }) else {
            throw refuse("its B-tree ranks are \(leafRank) and \(internalRank) with flags \(Array(bytes[20..<24]))")
        }
        func address(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        guard address(24) == 0, address(32) == .max, address(48) == .max else {
            throw refuse("it has a base address, free-space table or driver block; expected none")
        }
        guard let end = Int(exactly: address(40)), end >= Self.superblockByteCount, end <= bytes.count else {
            throw refuse("the file has \(bytes.count) bytes; expected \(address(40))")
        }
        self.end = end
    }

    private mutating func walk() throws(TensorIOError) {
        try claim(0, Self.superblockByteCount, "its superblock")
        let root = try size(64, "its root")
        let kind = try integer(72, 4, "its root")
        let found = try object(at: root, name: "/", depth: 0)
        guard case .group(let tree, let heap) = found, kind == 0 || kind == 1 else { throw refuse("its root", "it is no group") }
        if kind == 1 { try checkCached(80, tree: tree, heap: heap, "its root") }

        pieces.sort { $0.start < $1.start }
        for (piece, next) in zip(pieces, pieces.dropFirst()) where piece.end > next.start {
            throw refuse("the bytes from \(next.start)", "two objects share them")
        }
    }

    // MARK: Reading

    func refuse(_ object: String, _ reason: String) -> TensorIOError {
        .hdf5Structure(path: path, object: object, reason: reason)
    }

    func integer(_ offset: Int, _ count: Int, _ object: String) throws(TensorIOError) -> Int {
        guard offset >= 0, offset <= end - count else { throw refuse(object, "it reaches beyond the end of the file") }
        var value = 0
        for index in (0..<count).reversed() { value = value << 8 | Int(bytes[offset + index]) }
        return value
    }

    /// An address or a length: 8 bytes. All ones, which means undefined, and everything else beyond 2^63 becomes
    /// `undefinedAddress`, which no check of a range lets through.
    func size(_ offset: Int, _ object: String) throws(TensorIOError) -> Int {
        let low = try integer(offset, 4, object)
        let high = try integer(offset + 4, 4, object)
        return high >= 1 << 31 ? Self.undefinedAddress : high << 32 | low
    }

    func expect(_ text: String, _ offset: Int, _ object: String) throws(TensorIOError) {
        guard offset >= 0, offset <= end - 4, bytes[offset..<offset + 4].elementsEqual(text.utf8) else {
            throw refuse(object, "it has no \(text) at byte \(offset)")
        }
    }

    /// Reserves bytes of the file for one purpose.
    mutating func claim(_ start: Int, _ count: Int, _ object: String) throws(TensorIOError) {
        guard start >= 0, count >= 0, start <= end, count <= end - start else { throw refuse(object, "it reaches beyond the end of the file") }
        if count > 0 { pieces.append((start, start + count)) }
        // Overlaps are found at the end. This ends cycles, and bounds the time of the walk, at once.
        claimed += count
        if claimed > end || pieces.count > end / 8 { throw refuse(object, "it shares its bytes with other objects") }
    }

    /// A name in a local heap, which ends inside it.
    private func text(_ heap: Range<Int>, _ offset: Int, _ object: String) throws(TensorIOError) -> ArraySlice<UInt8> {
        guard offset < heap.count else { throw refuse(object, "a name lies outside its heap") }
        let start = heap.lowerBound + offset
        guard let stop = bytes[start..<min(heap.upperBound, start + Self.maximumNameByteCount)].firstIndex(of: 0) else {
            throw refuse(object, "a name has no end")
        }
        return ArraySlice(bytes[start..<stop])
    }

    // MARK: Groups

    private enum Object {
        case group(tree: Int, heap: Int)
        case dataset
    }

    private func checkCached(_ offset: Int, tree: Int, heap: Int, _ name: String) throws(TensorIOError) {
        guard try size(offset, name) == tree, try size(offset + 8, name) == heap else {
            throw refuse(name, "its entry and its header disagree")
        }
    }

    private mutating func group(tree: Int, heap: Int, name: String, depth: Int) throws(TensorIOError) {
        guard depth < Self.maximumDepth else { throw refuse(name, "it is nested more than \(Self.maximumDepth) deep") }
        let names = try localHeap(at: heap, name)
        var last: ArraySlice<UInt8>?
        var neighbours: [Int: (address: Int, right: Int)] = [:]
        try node(at: tree, level: nil, names, &last, &neighbours, name, depth)
        for (_, node) in neighbours where node.right != Self.undefinedAddress { throw refuse(name, "its B-tree has a loose end") }
    }

    /// A B-tree node and all below it. Names come in ascending order, so that lookups find what lists show.
    private mutating func node(
        at address: Int, level: Int?, _ names: Range<Int>, _ last: inout ArraySlice<UInt8>?,
        _ neighbours: inout [Int: (address: Int, right: Int)], _ group: String, _ depth: Int
    ) throws(TensorIOError) {
        try expect("TREE", address, group)
        try claim(address, 24 + (2 * internalRank + 1) * 8 + 2 * internalRank * 8, group)
        let own = try integer(address + 5, 1, group)
        let count = try integer(address + 6, 2, group)
        guard try integer(address + 4, 1, group) == 0, own == level ?? own, count <= 2 * internalRank else {
            throw refuse(group, "its B-tree has a node of another kind")
        }
        let (left, right) = (try size(address + 8, group), try size(address + 16, group))
        let before = neighbours[own]
        guard left == before?.address ?? Self.undefinedAddress, before == nil || before?.right == address else {
            throw refuse(group, "its B-tree has wrong neighbours")
        }
        neighbours[own] = (address, right)
        for index in 0..<count {
            let key = address + 24 + index * 16
            let child = try size(key + 8, group)
            let lower = try text(names, try size(key, group), group)
            // A child holds the names beyond its lower key, up to and including its upper one. The first key is the empty name.
            if let last, last != lower { throw refuse(group, "its B-tree has keys that are none of its names") }
            if last == nil { guard lower.isEmpty else { throw refuse(group, "its B-tree begins with a key of its own") } }
            if last == nil { last = lower }
            if own == 0 {
                try symbols(at: child, names, &last, group, depth)
            } else {
                try node(at: child, level: own - 1, names, &last, &neighbours, group, depth)
            }
            guard try text(names, try size(key + 16, group), group) == last else {
                throw refuse(group, "its B-tree has keys that are none of its names")
            }
        }
    }

    private mutating func symbols(
        at address: Int, _ names: Range<Int>, _ last: inout ArraySlice<UInt8>?, _ group: String, _ depth: Int
    ) throws(TensorIOError) {
        try expect("SNOD", address, group)
        try claim(address, 8 + 2 * leafRank * 40, group)
        let count = try integer(address + 6, 2, group)
        guard try integer(address + 4, 2, group) == 1, (1...2 * leafRank).contains(count) else {
            throw refuse(group, "it has a list of \(count) members; expected 1 to \(2 * leafRank)")
        }
        for index in 0..<count {
            let entry = address + 8 + index * 40
            let name = try text(names, try size(entry, group), group)
            guard !name.isEmpty, !name.contains(UInt8(ascii: "/")), last.map({ $0.lexicographicallyPrecedes(name) }) ?? true else {
                throw refuse(group, "its names are not in order")
            }
            last = name
            let path = (group == "/" ? "/" : group + "/") + String(decoding: name, as: UTF8.self)
            // Names can share their bytes, and each path has those of all groups above: lists of them must not outgrow the file.
            pathBytes += path.utf8.count
            if pathBytes > end + Self.freePathBytes { throw refuse(group, "its names are too long") }
            let cached = try integer(entry + 16, 4, path)
            guard cached == 0 || cached == 1 else { throw refuse(path, "it is no hard link") }
            let object = try object(at: try size(entry + 8, path), name: path, depth: depth + 1)
            if cached == 1 {
                guard case .group(let tree, let heap) = object else { throw refuse(path, "its entry and its header disagree") }
                try checkCached(entry + 24, tree: tree, heap: heap, path)
            }
        }
    }

    /// - Returns: where the names stand.
    private mutating func localHeap(at address: Int, _ group: String) throws(TensorIOError) -> Range<Int> {
        try expect("HEAP", address, group)
        try claim(address, 32, group)
        let count = try size(address + 8, group)
        let start = try size(address + 24, group)
        guard try integer(address + 4, 4, group) == 0 else { throw refuse(group, "its heap is of another version") }
        try claim(start, count, group)
        // The list of free blocks: each has the offset of the next (1 ends the list) and its own size.
        var free = try size(address + 16, group)
        var blocks = 0
        while free != 1 {
            guard free % 8 == 0, count >= 16, free <= count - 16, blocks <= count / 16 else { throw refuse(group, "its heap has a broken free list") }
            let blockSize = try size(start + free + 8, group)
            guard blockSize >= 16, blockSize <= count - free else { throw refuse(group, "its heap has a broken free list") }
            free = try size(start + free, group)
            blocks += 1
        }
        return start..<start + count
    }

    // MARK: Object headers

    private enum Message {
        static let nothing = 0x00, dataspace = 0x01, datatype = 0x03, oldFillValue = 0x04, fillValue = 0x05, layout = 0x08
        static let attribute = 0x0c, continuation = 0x10, symbolTable = 0x11, modificationTime = 0x12
    }

    /// An object header and what it describes.
    private mutating func object(at address: Int, name: String, depth: Int) throws(TensorIOError) -> Object {
        let total = try integer(address, 1, name) == 1 ? try integer(address + 2, 2, name) : -1
        guard total >= 0, try integer(address + 1, 1, name) == 0 else { throw refuse(name, "its header is not of version 1") }
        let count = try integer(address + 8, 4, name)
        try claim(address, 16 + count, name)
        var blocks = [(start: address + 16, end: address + 16 + count)]
        var seen = 0
        var single: [Int: Range<Int>] = [:]
        var next = 0
        while next < blocks.count {
            var (at, stop) = blocks[next]
            next += 1
            while at < stop {
                guard stop - at >= 8 else { throw refuse(name, "its header has a gap") }
                let kind = try integer(at, 2, name)
                let bodySize = try integer(at + 2, 2, name)
                let flags = try integer(at + 4, 1, name)
                // Bit 1 of the flags: the message stands elsewhere; others from bit 3 on change what readers must do.
                guard bodySize % 8 == 0, bodySize <= stop - at - 8, flags & ~0b101 == 0 else {
                    throw refuse(name, "its header has a message of \(bodySize) bytes with flags \(flags)")
                }
                let body = at + 8..<at + 8 + bodySize
                at = body.upperBound
                seen += 1
                switch kind {
                case Message.nothing: break
                case Message.attribute: try attribute(body, name)
                case Message.continuation:
                    guard bodySize >= 16 else { throw refuse(name, "its header is cut off") }
                    let (start, length) = (try size(body.lowerBound, name), try size(body.lowerBound + 8, name))
                    try claim(start, length, name)
                    blocks.append((start, start + length))
                case Message.dataspace, Message.datatype, Message.oldFillValue, Message.fillValue, Message.layout, Message.symbolTable,
                    Message.modificationTime:
                    if single.updateValue(body, forKey: kind) != nil { throw refuse(name, "its header has two messages of type \(kind)") }
                default: throw refuse(name, "its header has a message of type \(kind), which Keras does not write")
                }
            }
        }
        guard seen == total else { throw refuse(name, "its header has \(seen) messages; expected \(total)") }
        if let time = single[Message.modificationTime] {
            guard time.count == 8, try integer(time.lowerBound, 4, name) == 1 else { throw refuse(name, "its time is of another version") }
        }
        if let table = single.removeValue(forKey: Message.symbolTable) {
            single[Message.modificationTime] = nil
            guard single.isEmpty, table.count == 16 else { throw refuse(name, "it is both a group and a dataset") }
            let (tree, heap) = (try size(table.lowerBound, name), try size(table.lowerBound + 8, name))
            try group(tree: tree, heap: heap, name: name, depth: depth)
            return .group(tree: tree, heap: heap)
        }
        try dataset(single, name)
        return .dataset
    }

    private mutating func dataset(_ messages: [Int: Range<Int>], _ name: String) throws(TensorIOError) {
        guard let space = messages[Message.dataspace], let type = messages[Message.datatype], let layout = messages[Message.layout] else {
            throw refuse(name, "it is neither a group nor a dataset")
        }
        let element = try datatype(type, name)
        let count = try byteCount(elements: try dataspace(space, name), element, name)
        for kind in [Message.fillValue, Message.oldFillValue] {
            if let body = messages[kind] { try fillValue(body, isOld: kind == Message.oldFillValue, element, name) }
        }
        let start = layout.lowerBound
        guard layout.count >= 18, try integer(start, 1, name) == 3, try integer(start + 1, 1, name) == 1 else {
            throw refuse(name, "its data are not contiguous")
        }
        let (address, length) = (try size(start + 2, name), try size(start + 10, name))
        guard length == count else { throw refuse(name, "it has \(length) bytes of data; expected \(count)") }
        if count == 0 {
            guard address == Self.undefinedAddress || address <= end else { throw refuse(name, "it reaches beyond the end of the file") }
            return
        }
        try claim(address, count, name)
        if case .variableString = element { try heapStrings(at: address, count: count / element.byteCount, name) }
    }

    private func fillValue(_ body: Range<Int>, isOld: Bool, _ element: Element, _ name: String) throws(TensorIOError) {
        var at = body.lowerBound
        if !isOld {
            let version = try integer(at, 1, name)
            guard body.count >= 4, version == 1 || version == 2, (1...3).contains(try integer(at + 1, 1, name)), try integer(at + 2, 1, name) <= 2,
                try integer(at + 3, 1, name) <= 1
            else { throw refuse(name, "its fill value is of another version") }
            if version == 2, try integer(at + 3, 1, name) == 0 { return }
            at += 4
        }
        guard body.upperBound - at >= 4 else { throw refuse(name, "its fill value is cut off") }
        let count = try integer(at, 4, name)
        // No value of its own: zeros.
        if count == 0 || count == 0xffff_ffff { return }
        guard count == element.byteCount, count <= body.upperBound - at - 4, element.isPlain else {
            throw refuse(name, "its fill value has \(count) bytes")
        }
    }
}
