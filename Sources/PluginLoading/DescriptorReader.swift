import CVoxKernelABI
import VoxKernels
import VoxLayerSpec

/// Reads the fields of one descriptor of a plugin object. What is wrong with a field becomes the end of an error's sentence.
struct DescriptorReader {
    private typealias Layout = MemoryLayout<vs_kernel_descriptor>
    typealias Field = PartialKeyPath<vs_kernel_descriptor>

    /// The bytes of the whole plugin object; texts are offsets into it.
    let object: ByteReader
    /// Where the descriptor begins.
    let offset: Int

    private func place(of field: Field, _ what: String) throws(ByteReader.Malformed) -> Int {
        guard let distance = Layout.offset(of: field) else { throw ByteReader.Malformed(reason: "\(what) has no place") }
        return offset + distance
    }

    func bits<T: FixedWidthInteger>(_ type: T.Type, _ field: Field, _ what: String) throws(ByteReader.Malformed) -> T {
        try object.integer(type, at: try place(of: field, what), what)
    }

    /// A field of 64 bits.
    func number(_ field: Field, _ what: String, maximum: Int) throws(ByteReader.Malformed) -> Int {
        let value = try bits(UInt64.self, field, what)
        guard value <= maximum else { throw ByteReader.Malformed(reason: "\(what) is \(value); expected at most \(maximum)") }
        return Int(value)
    }

    func text(_ field: Field, _ what: String) throws(ByteReader.Malformed) -> String {
        let place = try place(of: field, what)
        let start = Int(try object.integer(UInt32.self, at: place, what))
        let length = Int(try object.integer(UInt32.self, at: place + 4, what))
        guard length <= 1 << 16, object.contains(start, length) else {
            throw ByteReader.Malformed(reason: "\(what) lies outside the plugin object")
        }
        guard let text = String(validating: object.bytes[start..<start + length], as: UTF8.self) else {
            throw ByteReader.Malformed(reason: "\(what) is not UTF-8")
        }
        return text
    }

    /// The work items of each stage, in order.
    func stages() throws(ByteReader.Malformed) -> [WorkItems] {
        let count = try bits(UInt32.self, \.stage_count, "its number of stages")
        guard (1...VS_MAX_STAGES).contains(count) else {
            throw ByteReader.Malformed(reason: "its number of stages is \(count); expected 1 to \(VS_MAX_STAGES)")
        }
        let first = try bits(UInt64.self, \.items, "its number of work items")
        var stages = [try Self.workItems(first, rule: try bits(UInt32.self, \.item_rule, "its rule for work items"))]
        let later = try place(of: \.later_stages, "its list of stages")
        for index in 0..<Int(VS_MAX_STAGES) - 1 {
            let start = later + index * MemoryLayout<vs_stage>.size
            let items = try object.integer(UInt64.self, at: start, "its number of work items")
            let rule = try object.integer(UInt32.self, at: start + 8, "its rule for work items")
            let reserved = try object.integer(UInt32.self, at: start + 12, "what is reserved")
            let isUsed = index + 1 < count
            guard reserved == 0, isUsed || (items == 0 && rule == 0) else {
                throw ByteReader.Malformed(reason: "stage \(index + 1) of \(count) has numbers where 0 was expected")
            }
            if isUsed { stages.append(try Self.workItems(items, rule: rule)) }
        }
        return stages
    }

    private static func workItems(_ count: UInt64, rule: UInt32) throws(ByteReader.Malformed) -> WorkItems {
        let maximum = 1 << 40
        guard (1...UInt64(maximum)).contains(count) else {
            throw ByteReader.Malformed(reason: "its number of work items is \(count); expected at least 1 and at most \(maximum)")
        }
        switch rule {
        case VS_ITEMS_PER_SAMPLE: return .perSample(Int(count))
        case VS_ITEMS_PER_CALL: return .perCall(Int(count))
        default:
            throw ByteReader.Malformed(
                reason: "its rule for work items is \(rule); expected \(VS_ITEMS_PER_SAMPLE) or \(VS_ITEMS_PER_CALL)")
        }
    }
}
