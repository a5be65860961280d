import VoxKernelTemplates
import VoxLayerSpec
import VoxScheduling

extension PluginSource {
    /// All files of a plugin with the given kernels.
    /// - Parameters:
    ///   - units: the kernels' units.
    ///   - templateDigest: hexadecimal SHA-256 of a template's text, stated in descriptors for information.
    /// - Throws: `EmissionError` for no kernels or two equal ones.
    public init(_ units: [KernelUnit], templateDigest: (String) -> String) throws(EmissionError) {
        if units.isEmpty { throw .noKernels }
        var names: Set<String> = []
        for unit in units where !names.insert(unit.name).inserted { throw .duplicateKernel(name: unit.name) }
        self.init(
            kernels: units.map(\.source),
            table: CSource(
                fileName: "plugin.c",
                text: try Template.render(.plugin, PluginContext(units, templateDigest: templateDigest))),
            headers: Self.headers)
    }

    /// The headers that generated C includes.
    public static let headers = Templates.File.headers.map {
        CSource(fileName: $0.name, text: Templates.text($0))
    }
}

/// What `Templates/shared/plugin.c.mustache` is rendered with.
struct PluginContext {
    struct Text { let field: String; let offset: Int; let length: Int }
    struct Kernel {
        let name: String
        let texts: [Text]
        let operation: String
        let features: String
        let packedBytes: Int
        let workspaceBytes: Int
        let itemRule: String
        let items: Int
        let flopsPerSample: Int
    }
    struct Line { let text: String }

    /// Sizes of `vs_plugin` and `vs_kernel_descriptor`; the rendered unit asserts them.
    private static let headerSize = 24
    private static let descriptorSize = 200

    let count: Int
    let textStart: Int
    let textSize: Int
    let totalSize: String
    let kernels: [Kernel]
    let lines: [Line]

    init(_ units: [KernelUnit], templateDigest: (String) -> String) {
        let start = Self.headerSize + units.count * Self.descriptorSize
        var lines: [Line] = []
        var length = 0
        var digests: [String: String] = [:]
        for unit in units where digests[unit.templateFile] == nil { digests[unit.templateFile] = templateDigest(unit.templateFile) }
        kernels = units.map { unit in
            let schedule = unit.schedule
            var texts: [Text] = []
            for (field, text) in [
                ("key", schedule.spec.key.text), ("name", unit.name), ("schedule", schedule.text), ("loops", unit.looped),
                ("packing", schedule.packingKey), ("target", schedule.target.instructionSet.rawValue),
                ("template_digest", digests[unit.templateFile, default: ""]),
            ] {
                texts.append(Text(field: field, offset: start + length, length: text.utf8.count))
                lines.append(Line(text: text.unicodeScalars.map { $0 == "\\" || $0 == "\"" ? "\\\($0)" : String($0) }.joined()))
                length += text.utf8.count
            }
            let (rule, items) =
                switch schedule.workItems {
                case .perSample(let number): ("VS_ITEMS_PER_SAMPLE", number)
                case .perCall(let number): ("VS_ITEMS_PER_CALL", number)
                }
            return Kernel(
                name: unit.name, texts: texts, operation: Self.operation(schedule.spec.op),
                features: schedule.target.requiredFeatures.map { "VS_CPU_" + $0.rawValue.uppercased() }.joined(separator: " | "),
                packedBytes: schedule.packedByteCount, workspaceBytes: schedule.workspaceByteCount,
                itemRule: rule, items: items, flopsPerSample: schedule.spec.geometry.flopCount)
        }
        count = units.count
        textStart = start
        textSize = length + 1  // the literal's terminator
        totalSize = "sizeof(plugin_table)"
        self.lines = lines
    }

    /// The ABI header's name of an operation: `VS_OP_KERNEL_GRADIENT` for `kernelGradient`.
    private static func operation(_ op: KernelOp) -> String {
        op.rawValue.reduce(into: "VS_OP_") { $0 += $1.isUppercase ? "_" + String($1) : $1.uppercased() }
    }
}
