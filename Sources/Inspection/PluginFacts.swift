import VoxKernelBuild

/// The facts of `describe --json` as rows of the page, each with the name it has there. A test holds the page against the JSON, so that none is
/// missing.
extension PluginContents {
    var facts: [PageContext.Fact] {
        typealias Fact = PageContext.Fact
        var facts = [
            Fact(label: "file", field: "path", value: path), Fact(label: "bytes", field: "bytes", value: "\(bytes)"),
            Fact(label: "SHA-256", field: "digest", value: digest), Fact(label: "processor family", field: "machine", value: machine),
            Fact(label: "targets", field: "targets", value: targets.joined(separator: " ")),
        ]
        switch inspection {
        case .inspected(let plugin):
            facts += [
                Fact(label: "machine code", field: "status", value: "inspected"), Fact(label: "read by", field: "inspector", value: plugin.inspector),
                Fact(label: "exported symbols", field: "exported_symbols", value: plugin.exportedSymbols.joined(separator: " ")),
                Fact(label: "undefined symbols", field: "undefined_symbols", value: plugin.undefinedSymbols.joined(separator: " ")),
                Fact(label: "constructor sections", field: "constructor_sections", value: plugin.constructorSections.joined(separator: " ")),
            ]
        case .notInspected(let reason):
            facts += [
                Fact(label: "machine code", field: "status", value: "not inspected"), Fact(label: "as", field: "reason", value: reason),
            ]
        }
        return facts
    }
}

extension PluginContents.Kernel {
    var facts: [PageContext.Fact] {
        typealias Fact = PageContext.Fact
        var facts = [
            Fact(label: "name", field: "name", value: name), Fact(label: "SpecKey", field: "key", value: key),
            Fact(label: "target", field: "target", value: target),
            Fact(label: "processor features", field: "features", value: features.joined(separator: " ")),
            Fact(label: "schedule", field: "schedule", value: schedule), Fact(label: "loops", field: "loops", value: loops),
            Fact(label: "packing key", field: "packing", value: packing),
            Fact(label: "bytes of packed weights", field: "packed_bytes", value: "\(packedBytes)"),
            Fact(label: "bytes of workspace of a thread", field: "workspace_bytes_per_thread", value: "\(workspaceBytesPerThread)"),
            Fact(label: "bytes of the result of a sample", field: "output_bytes_per_sample", value: "\(outputBytesPerSample)"),
        ]
        if let workItemsPerSample { facts.append(Fact(label: "work items of a sample", field: "work_items_per_sample", value: "\(workItemsPerSample)")) }
        if let workItemsPerCall { facts.append(Fact(label: "work items of a call", field: "work_items_per_call", value: "\(workItemsPerCall)")) }
        return facts + [
            Fact(label: "floating-point operations of a sample", field: "flop_per_sample", value: "\(flopPerSample)"),
            Fact(label: "digest of the templates", field: "template_digest", value: templateDigest),
        ]
    }
}

extension FunctionTable {
    private static let columns: [(heading: String, field: String, count: @Sendable (InspectedFunction) -> Int)] = [
        ("bytes", "byte_count", { $0.byteCount }), ("instructions", "instructions", { $0.instructions }),
        ("FMA", "fused_multiply_adds", { $0.fusedMultiplyAdds }), ("scalar FMA", "scalar_fused_multiply_adds", { $0.scalarFusedMultiplyAdds }),
        ("zmm", "zmm", { $0.zmm }), ("ymm", "ymm", { $0.ymm }), ("xmm", "xmm", { $0.xmm }), ("neon", "neon", { $0.neon }),
        ("spills", "vector_spills", { $0.vectorSpills }), ("in loops", "loop_spills", { $0.loopSpills }),
        ("undecoded", "undecoded_bytes", { $0.undecodedBytes }),
    ]

    /// - Returns: nil for no functions.
    init?(_ functions: [InspectedFunction]) {
        if functions.isEmpty { return nil }
        headings = Self.columns.map(\.heading)
        rows = functions.map { function in
            Function(
                function: function.name, file: function.file,
                counts: Self.columns.map { Count(field: $0.field, value: $0.count(function)) })
        }
    }
}
