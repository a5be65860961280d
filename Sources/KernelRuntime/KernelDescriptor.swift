import CKernelABI
import LayerSpec

/// What a plugin says about one of its kernels, read from the file's bytes without executing anything.
public struct KernelDescriptor: Hashable, Sendable {
    /// The text of the problem the kernel solves.
    public let key: SpecKey
    /// The problem `key` stands for.
    public let spec: KernelSpec
    /// Symbol stem.
    public let name: String
    /// Schedule parameters, canonical text.
    public let schedule: String
    /// What is looped and what is unrolled, for people.
    public let loops: String
    /// Packing key: kernels with equal keys share packed weights.
    public let packing: String
    /// Name of the target it was compiled for.
    public let target: String
    /// SHA-256 of the template it was rendered from; information only.
    public let templateDigest: String
    /// Processor features it needs.
    public let features: [Target.Feature]
    /// Bits of needed features that this version does not know.
    public let unknownFeatureBits: UInt64
    /// Bytes of the packed weights.
    public let packedByteCount: Int
    /// Workspace bytes of one thread.
    public let workspaceByteCount: Int
    /// How a call is cut into work items.
    public let workItems: WorkItems
    /// Useful floating-point operations of one batch element.
    public let flopsPerSample: Int

    /// Bytes of all its texts.
    var textByteCount: Int { [key.text, name, schedule, loops, packing, target, templateDigest].reduce(0) { $0 + $1.utf8.count } }

    /// The narrowest instruction set that has all features the kernel needs, as a rank: more is wider.
    package var instructionSetRank: Int {
        let needed = Set(features)
        // `Target.named` lists the widest first; the last that suffices is the narrowest.
        let index = Target.named.lastIndex { needed.isSubset(of: $0.requiredFeatures) }
        return Target.named.count - (index ?? -1)
    }
}

extension KernelDescriptor {
    /// Reads the descriptor that begins at `offset` of the plugin object.
    /// - Parameters:
    ///   - object: the bytes of the whole plugin object; texts are offsets into it.
    ///   - stride: bytes from one descriptor to the next.
    init(reading object: ByteReader, at offset: Int, stride: Int) throws(ByteReader.Malformed) {
        typealias Layout = MemoryLayout<vs_kernel_descriptor>

        func field(_ path: PartialKeyPath<vs_kernel_descriptor>, _ what: String) throws(ByteReader.Malformed) -> Int {
            guard let distance = Layout.offset(of: path) else { throw ByteReader.Malformed(reason: "\(what) has no place") }
            return offset + distance
        }
        func number(_ path: PartialKeyPath<vs_kernel_descriptor>, _ what: String, maximum: Int) throws(ByteReader.Malformed) -> Int {
            let value = try object.integer(UInt64.self, at: try field(path, what), what)
            guard value <= maximum else { throw ByteReader.Malformed(reason: "\(what) is \(value); expected at most \(maximum)") }
            return Int(value)
        }
        func text(_ path: PartialKeyPath<vs_kernel_descriptor>, _ what: String) throws(ByteReader.Malformed) -> String {
            let place = try field(path, what)
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

        let size = try number(\.size, "its size", maximum: stride)
        guard size >= Layout.size else { throw ByteReader.Malformed(reason: "its size is \(size); expected at least \(Layout.size)") }
        do {
            key = try SpecKey(parsing: try text(\.key, "its key"))
            spec = try key.spec
        } catch let error as SpecError {
            throw ByteReader.Malformed(reason: "\(error)")
        } catch let error as ByteReader.Malformed {
            throw error
        } catch {
            throw ByteReader.Malformed(reason: "\(error)")
        }
        name = try text(\.name, "its name")
        if name.isEmpty { throw ByteReader.Malformed(reason: "its name is empty") }
        schedule = try text(\.schedule, "its schedule")
        loops = try text(\.loops, "its list of loops")
        packing = try text(\.packing, "its packing key")
        target = try text(\.target, "its target")
        templateDigest = try text(\.template_digest, "its template digest")

        let op = try object.integer(UInt32.self, at: try field(\.op, "its operation"), "its operation")
        guard op == VS_OP_FORWARD, spec.op == .forward else {
            throw ByteReader.Malformed(reason: "its operation is \(op) with key operation \(spec.op.rawValue); expected \(VS_OP_FORWARD) and forward")
        }
        let bits = try object.integer(UInt64.self, at: try field(\.features, "its features"), "its features")
        features = Target.Feature.allCases.filter { bits & $0.abiBit != 0 }
        unknownFeatureBits = bits & ~Target.Feature.allCases.reduce(0) { $0 | $1.abiBit }

        packedByteCount = try number(\.packed_bytes, "the size of its packed weights", maximum: Geometry.maximumByteCount)
        if packedByteCount % 64 != 0 {
            throw ByteReader.Malformed(reason: "the size of its packed weights is \(packedByteCount); expected a multiple of 64")
        }
        workspaceByteCount = try number(\.workspace_bytes, "its workspace size", maximum: 1 << 32)
        let items = try number(\.items, "its number of work items", maximum: 1 << 40)
        if items == 0 { throw ByteReader.Malformed(reason: "its number of work items is 0; expected at least 1") }
        let rule = try object.integer(UInt32.self, at: try field(\.item_rule, "its rule for work items"), "its rule for work items")
        switch rule {
        case VS_ITEMS_PER_SAMPLE: workItems = .perSample(items)
        case VS_ITEMS_PER_CALL: workItems = .perCall(items)
        default:
            throw ByteReader.Malformed(
                reason: "its rule for work items is \(rule); expected \(VS_ITEMS_PER_SAMPLE) or \(VS_ITEMS_PER_CALL)")
        }
        flopsPerSample = try number(\.flops_per_sample, "its operation count", maximum: .max)
    }
}
