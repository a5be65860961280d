import VoxLayerSpec

/// What the header of a safetensors file says.
struct SafetensorsHeader {
    /// What it says of one tensor.
    struct Entry: Sendable {
        let name: String
        /// As the format calls it.
        let type: String
        let shape: [Int]
        /// Where the bytes lie, counted from the end of the header.
        let range: Range<Int>

        func moved(by offset: Int) -> Entry {
            Entry(name: name, type: type, shape: shape, range: range.lowerBound + offset..<range.upperBound + offset)
        }
    }

    var entries: [Entry] = []
    var metadata: [String: String] = [:]

    /// Bytes of an element. Types that share a byte among several are none of these.
    private static let elementByteCounts = [
        "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2, "U32": 4, "I32": 4, "F32": 4,
        "U64": 8, "I64": 8, "F64": 8, "C64": 8,
    ]

    /// The tensors in the order of their bytes, each as long as its shape says, without gaps and overlaps.
    /// - Parameter byteCount: of all tensors.
    /// - Throws: `TensorIOError.safetensorsTensor`, `.safetensorsHeader` for bytes that belong to no tensor.
    func laidOut(byteCount: Int, path: String) throws(TensorIOError) -> [Entry] {
        // An empty tensor lies before the one that begins at the same place.
        let ordered = entries.sorted { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
        var end = 0
        for entry in ordered {
            func refuse(_ reason: String) -> TensorIOError { .safetensorsTensor(path: path, tensor: entry.name, reason: reason) }
            guard let elementByteCount = Self.elementByteCounts[entry.type] else { throw refuse("its type \(entry.type) is unknown") }
            guard entry.range.count == Checked.product(entry.shape + [elementByteCount]) else {
                throw refuse("it has \(entry.range.count) bytes, which are none of \(entry.type) in the shape \(entry.shape)")
            }
            guard entry.range.lowerBound == end else { throw refuse("its bytes begin at \(entry.range.lowerBound); expected \(end)") }
            guard entry.range.upperBound <= byteCount else { throw refuse("its bytes end at \(entry.range.upperBound); expected at most \(byteCount)") }
            end = entry.range.upperBound
        }
        if end != byteCount {
            throw .safetensorsHeader(path: path, reason: "its tensors have \(end) bytes; expected the \(byteCount) that follow the header")
        }
        return ordered
    }
}
