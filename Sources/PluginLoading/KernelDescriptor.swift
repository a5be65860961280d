import CVoxKernelABI
import VoxKernels
import VoxLayerSpec

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
    /// What is looped over at run time, for people.
    public let loops: String
    /// Packing key: kernels with equal keys share packed weights.
    public let packing: String
    /// Name of the target it was compiled for.
    public let target: String
    /// SHA-256 of the template it was rendered from, with all its parts; information only.
    public let templateDigest: String
    /// Processor features it needs.
    public let features: [Target.Feature]
    /// Bits of needed features that this version does not know.
    public let unknownFeatureBits: UInt64
    /// Bytes of the packed weights.
    public let packedByteCount: Int
    /// Workspace bytes of one thread.
    public let workspaceByteCount: Int
    /// How each of its stages is cut into work items; at least one.
    public let stages: [WorkItems]
    /// Bytes of the workspace that the threads of a call share, beside what each sample adds.
    public let sharedByteCount: Int
    /// What each sample adds to them.
    public let sharedByteCountPerSample: Int
    /// What it reads beside input, packed weights and bias.
    public let operands: KernelOperands
    /// Useful floating-point operations of one batch element.
    public let flopsPerSample: Int

    /// How its first stage is cut into work items.
    public var workItems: WorkItems { stages[0] }

    /// Bytes of all its texts.
    var textByteCount: Int { [key.text, name, schedule, loops, packing, target, templateDigest].reduce(0) { $0 + $1.utf8.count } }

    /// Whether it needs all processor features that another kernel needs and more. Then it is the better one where both can run.
    package func surpasses(_ other: KernelDescriptor) -> Bool { features.surpass(other.features) }
}

extension KernelDescriptor {
    /// Reads the descriptor that begins at `offset` of the plugin object.
    /// - Parameters:
    ///   - object: the bytes of the whole plugin object; texts are offsets into it.
    ///   - stride: bytes from one descriptor to the next.
    init(reading object: ByteReader, at offset: Int, stride: Int) throws(ByteReader.Malformed) {
        let fields = DescriptorReader(object: object, offset: offset)
        let size = try fields.number(\.size, "its size", maximum: stride)
        let least = MemoryLayout<vs_kernel_descriptor>.size
        guard size >= least else { throw ByteReader.Malformed(reason: "its size is \(size); expected at least \(least)") }
        let keyText = try fields.text(\.key, "its key")
        do throws(SpecError) {
            key = try SpecKey(parsing: keyText)
            spec = try key.spec
        } catch {
            throw ByteReader.Malformed(reason: "\(error)")
        }
        name = try fields.text(\.name, "its name")
        if name.isEmpty { throw ByteReader.Malformed(reason: "its name is empty") }
        schedule = try fields.text(\.schedule, "its schedule")
        loops = try fields.text(\.loops, "its list of loops")
        packing = try fields.text(\.packing, "its packing key")
        target = try fields.text(\.target, "its target")
        templateDigest = try fields.text(\.template_digest, "its template digest")

        let op = try fields.bits(UInt32.self, \.op, "its operation")
        guard spec.op.isGather, op == spec.op.number else {
            let expected = KernelOp.allCases.filter(\.isGather).map { "\($0.number) with \($0.rawValue)" }.joined(separator: " or ")
            throw ByteReader.Malformed(reason: "its operation is \(op) with key operation \(spec.op.rawValue); expected \(expected)")
        }
        let bits = try fields.bits(UInt64.self, \.features, "its features")
        features = Target.Feature.allCases.filter { bits & $0.abiBit != 0 }
        unknownFeatureBits = bits & ~Target.Feature.allCases.reduce(0) { $0 | $1.abiBit }

        packedByteCount = try fields.number(\.packed_bytes, "the size of its packed weights", maximum: Geometry.maximumByteCount)
        if packedByteCount % 64 != 0 {
            throw ByteReader.Malformed(reason: "the size of its packed weights is \(packedByteCount); expected a multiple of 64")
        }
        workspaceByteCount = try fields.number(\.workspace_bytes, "its workspace size", maximum: 1 << 32)
        sharedByteCount = try fields.number(\.shared_bytes, "the size of its shared workspace", maximum: Geometry.maximumByteCount)
        sharedByteCountPerSample = try fields.number(
            \.shared_bytes_per_sample, "what a sample adds to its shared workspace", maximum: Geometry.maximumByteCount)
        flopsPerSample = try fields.number(\.flops_per_sample, "its operation count", maximum: .max)
        stages = try fields.stages()
        operands = KernelOperands(rawValue: try fields.bits(UInt32.self, \.operands, "its operands"))
        guard operands.isSubset(of: .known) else {
            throw ByteReader.Malformed(
                reason: "its operands are \(operands.rawValue); expected bits of \(KernelOperands.known.rawValue)")
        }
    }
}
