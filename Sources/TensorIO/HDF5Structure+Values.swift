/// Shapes, types and values: what stands in the messages of an object's header, and in global heaps.
extension HDF5Structure {
    enum Element {
        case number(Int)
        case fixedString(Int)
        case opaque(Int)
        case variableString

        var byteCount: Int {
            switch self {
            case .number(let count), .fixedString(let count), .opaque(let count): count
            case .variableString: 16  // length, address and index of the heap object
            }
        }

        var isPlain: Bool {
            if case .variableString = self { false } else { true }
        }
    }

    func byteCount(elements: Int, _ element: Element, _ name: String) throws(TensorIOError) -> Int {
        let (product, overflow) = elements.multipliedReportingOverflow(by: element.byteCount)
        guard !overflow, product <= end else { throw .tooLarge(path: path, object: name, size: overflow ? .max : UInt64(product), limit: end) }
        return product
    }

    /// - Returns: the number of elements.
    func dataspace(_ body: Range<Int>, _ name: String) throws(TensorIOError) -> Int {
        let start = body.lowerBound
        let version = body.count >= 4 ? try integer(start, 1, name) : 0
        let header = version == 1 ? 8 : 4
        guard version == 1 || version == 2, body.count >= header else { throw refuse(name, "its shape is of another version") }
        let rank = try integer(start + 1, 1, name)
        let flags = try integer(start + 2, 1, name)
        let kind = version == 2 ? try integer(start + 3, 1, name) : rank == 0 ? 0 : 1
        guard rank <= 32, flags <= 1, kind <= 2, kind == 1 || rank == 0, header + rank * 8 * (1 + flags) <= body.count else {
            throw refuse(name, "its shape of rank \(rank) is cut off or of another kind")
        }
        if kind == 2 { return 0 }
        var (count, isEmpty) = (1, false)
        for axis in 0..<rank {
            let extent = try size(start + header + axis * 8, name)
            guard extent < 1 << 48 else { throw refuse(name, "its shape has the extent \(extent)") }
            if flags == 1 {
                let maximum = try size(start + header + (rank + axis) * 8, name)
                guard maximum >= extent else { throw refuse(name, "its shape is larger than it may be") }
            }
            if extent == 0 { isEmpty = true }
            let (product, overflow) = count.multipliedReportingOverflow(by: max(extent, 1))
            count = overflow ? 1 << 48 : min(product, 1 << 48)
        }
        return isEmpty ? 0 : count
    }

    func datatype(_ body: Range<Int>, _ name: String) throws(TensorIOError) -> Element {
        let start = body.lowerBound
        guard body.count >= 8 else { throw refuse(name, "its type is cut off") }
        let head = try integer(start, 1, name)
        let bits = try integer(start + 1, 3, name)
        let count = try integer(start + 4, 4, name)
        func refuseType() -> TensorIOError { refuse(name, "its type is of class \(head & 15), version \(head >> 4), \(count) bytes with flags \(bits)") }
        guard head >> 4 == 1 else { throw refuseType() }
        switch head & 15 {
        case 0:  // integers: byte order, padding, sign; bit offset and precision
            guard [1, 2, 4, 8].contains(count), bits & ~0b1001 == 0, body.count >= 12, try integer(start + 8, 2, name) == 0,
                try integer(start + 10, 2, name) == count * 8
            else { throw refuseType() }
            return .number(count)
        case 1:  // floats: as IEEE defines them, or bfloat16, in either byte order
            let known: [Int: [[Int]]] = [  // precision, places and sizes of exponent and mantissa, bias
                2: [[16, 10, 5, 0, 10, 15], [16, 7, 8, 0, 7, 127]],  // float16, bfloat16
                4: [[32, 23, 8, 0, 23, 127]], 8: [[64, 52, 11, 0, 52, 1023]],
            ]
            guard let known = known[count], body.count >= 20, bits & ~1 == (count * 8 - 1) << 8 | 0x20, try integer(start + 8, 2, name) == 0
            else { throw refuseType() }
            let fields = [
                try integer(start + 10, 2, name), try integer(start + 12, 1, name), try integer(start + 13, 1, name),
                try integer(start + 14, 1, name), try integer(start + 15, 1, name), try integer(start + 16, 4, name),
            ]
            guard known.contains(fields) else { throw refuseType() }
            return .number(count)
        case 3:  // strings: padding 0 to 2, ASCII or UTF-8
            guard count >= 1, count <= end, bits & 15 <= 2, bits >> 4 <= 1 else { throw refuseType() }
            return .fixedString(count)
        case 5:  // opaque: a tag whose length is a multiple of 8
            guard count >= 1, count <= end, bits <= 255, bits % 8 == 0, body.count >= 8 + bits,
                bits == 0 || bytes[(start + 8)..<(start + 8 + bits)].contains(0)
            else { throw refuseType() }
            return .opaque(count)
        case 9:  // variable length: strings of characters that are strings of one byte
            guard count == 16, bits & 15 == 1, bits >> 4 & 15 <= 2, bits >> 8 <= 1, body.count >= 16 else { throw refuseType() }
            guard [0, 3].contains(try integer(start + 8, 1, name) & 15) else { throw refuseType() }
            let base = try datatype(start + 8..<body.upperBound, name)
            switch base {
            case .fixedString(1), .number(1): return .variableString
            default: throw refuseType()
            }
        default: throw refuseType()
        }
    }

    mutating func attribute(_ body: Range<Int>, _ owner: String) throws(TensorIOError) {
        let start = body.lowerBound
        guard body.count >= 8 else { throw refuse(owner, "an attribute is cut off") }
        let version = try integer(start, 1, owner)
        guard (1...3).contains(version), try integer(start + 1, 1, owner) == 0 else { throw refuse(owner, "an attribute is of another version") }
        let sizes = (try integer(start + 2, 2, owner), try integer(start + 4, 2, owner), try integer(start + 6, 2, owner))
        let unit = version == 1 ? 8 : 1
        var at = start + (version == 3 ? 9 : 8)
        if version == 3, try integer(start + 8, 1, owner) > 1 { throw refuse(owner, "an attribute has a name in an unknown encoding") }
        func part(_ count: Int) throws(TensorIOError) -> Range<Int> {
            let padded = (count + unit - 1) / unit * unit
            guard padded <= body.upperBound - at else { throw refuse(owner, "an attribute is cut off") }
            defer { at += padded }
            return at..<at + count
        }
        let nameBytes = try part(sizes.0)
        guard sizes.0 >= 2, bytes[nameBytes].firstIndex(of: 0) == nameBytes.upperBound - 1 else { throw refuse(owner, "an attribute's name has no end") }
        let name = "\(owner)@\(String(decoding: bytes[nameBytes].dropLast(), as: UTF8.self))"
        let element = try datatype(try part(sizes.1), name)
        let elements = try dataspace(try part(sizes.2), name)
        let count = try byteCount(elements: elements, element, name)
        guard count <= body.upperBound - at else { throw refuse(name, "it has \(body.upperBound - at) bytes; expected \(count)") }
        if case .variableString = element { try heapStrings(at: at, count: elements, name) }
    }

    // MARK: Global heaps

    /// Strings of variable length: each names an object of a global heap, as long as the string.
    mutating func heapStrings(at start: Int, count: Int, _ name: String) throws(TensorIOError) {
        for index in 0..<count {
            let place = start + index * 16
            let length = try integer(place, 4, name)
            let address = try size(place + 4, name)
            let object = try integer(place + 12, 4, name)
            if length == 0 && address == 0 { continue }
            if heaps[address] == nil { heaps[address] = try globalHeap(at: address, name) }
            // The library copies the whole object into room for `length` bytes: for each string, so no two may share one.
            guard heaps[address]?.removeValue(forKey: object) == length else {
                throw refuse(name, "a string is not as long as its heap says, or shares its place there")
            }
        }
    }

    /// - Returns: the sizes of the objects by their numbers.
    private mutating func globalHeap(at address: Int, _ name: String) throws(TensorIOError) -> [Int: Int] {
        try expect("GCOL", address, name)
        let total = try size(address + 8, name)
        guard try integer(address + 4, 4, name) == 1, total >= 4096 else { throw refuse(name, "its heap is of another version or size") }
        try claim(address, total, name)
        var objects: [Int: Int] = [:]
        var at = address + 16
        let stop = address + total
        while stop - at >= 16 {
            let number = try integer(at, 2, name)
            let count = try size(at + 8, name)
            if number == 0 {  // the free rest, its header included
                guard count == stop - at else { throw refuse(name, "its heap has a broken free list") }
                return objects
            }
            guard count <= stop - at - 16, (count + 7) / 8 * 8 <= stop - at - 16, objects.updateValue(count, forKey: number) == nil else {
                throw refuse(name, "its heap has broken objects")
            }
            at += 16 + (count + 7) / 8 * 8
        }
        return objects
    }
}
