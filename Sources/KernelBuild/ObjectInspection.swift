import VoxLayerSpec

/// What the compiler made, read back from the plugin's machine code through LLVM.
///
/// As JSON one object: `status` is "inspected", with the fields of `InspectedPlugin` beside it, or "not inspected", with
/// `reason`.
public enum ObjectInspection: Hashable, Sendable {
    case inspected(InspectedPlugin)
    /// No LLVM library on this machine, or a file it cannot read.
    case notInspected(reason: String)

    /// Whether the registers of the target's full width are used at all; nil when not inspected.
    public func usesVectors(of target: Target) -> Bool? {
        guard case .inspected(let plugin) = self else { return nil }
        return plugin.usesVectors(of: target)
    }
}

/// The facts of one plugin.
public struct InspectedPlugin: Codable, Hashable, Sendable {
    /// The library that read the plugin, such as "libLLVM-14.so.1".
    public let inspector: String
    /// Names a loader sees, sorted.
    public let exportedSymbols: [String]
    /// Names a loader would have to find elsewhere, sorted.
    public let undefinedSymbols: [String]
    /// Sections with code that runs at load or unload, in the file's order.
    public let constructorSections: [String]
    /// In the order of their addresses.
    public let functions: [InspectedFunction]

    /// Whether any function touches a register of the target's full width.
    public func usesVectors(of target: Target) -> Bool {
        functions.contains { function in
            switch target.instructionSet {
            case .x86_64_v4: function.zmm > 0
            case .x86_64_v3: function.ymm > 0
            case .x86_64_v2: function.xmm > 0
            case .aarch64NEON: function.neon > 0
            }
        }
    }

    /// Fused multiply-adds of all functions.
    public var fusedMultiplyAdds: Int { functions.reduce(0) { $0 + $1.fusedMultiplyAdds } }

    /// Vector instructions of the loops of one source file that multiply and add, and touch a spilled register.
    public func loopSpills(inFile file: String) -> Int {
        functions.reduce(0) { $0 + ($1.file == file ? $1.loopSpills : 0) }
    }

    /// Vector instructions of all functions that touch a spilled register.
    public var vectorSpills: Int { functions.reduce(0) { $0 + $1.vectorSpills } }
}

/// Counts of one function's instructions, as they stand in the file (a loop's body counts once).
public struct InspectedFunction: Codable, Hashable, Sendable {
    /// The symbol, static functions included.
    public let name: String
    /// The source file it came from, such as the one kernel's; helpers of several kernels may have equal names.
    public let file: String
    /// Bytes of machine code.
    public let byteCount: Int
    /// All instructions that were decoded.
    public internal(set) var instructions = 0
    /// Scalar ones included.
    public internal(set) var fusedMultiplyAdds = 0
    /// Fused multiply-adds of one element.
    public internal(set) var scalarFusedMultiplyAdds = 0
    /// Instructions whose widest register is a zmm; likewise below. On aarch64 all four kinds but `neon` are 0.
    public internal(set) var zmm = 0
    /// Instructions whose widest register is a ymm.
    public internal(set) var ymm = 0
    /// Instructions whose widest register is an xmm.
    public internal(set) var xmm = 0
    /// Instructions that name v0 to v31 or q0 to q31.
    public internal(set) var neon = 0
    /// Vector instructions that read or write a stack slot.
    public internal(set) var vectorSpills = 0
    /// Those of them in innermost loops that hold fused multiply-adds. So a function for a processor without them has none, spilled or not.
    public internal(set) var loopSpills = 0
    /// Bytes the disassembler did not understand.
    public internal(set) var undecodedBytes = 0

    init(name: String, file: String, byteCount: Int) {
        self.name = name
        self.file = file
        self.byteCount = byteCount
    }

    mutating func count(_ instruction: MachineInstruction) {
        instructions += 1
        if instruction.isFusedMultiplyAdd {
            fusedMultiplyAdds += 1
            if instruction.isScalar { scalarFusedMultiplyAdds += 1 }
        }
        if instruction.isSpill { vectorSpills += 1 }
        switch instruction.registers {
        case .none: break
        case .xmm: xmm += 1
        case .ymm: ymm += 1
        case .zmm: zmm += 1
        case .neon: neon += 1
        }
    }
}

extension ObjectInspection: Codable {
    private enum Key: String, CodingKey {
        case status, reason
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        let status = try values.decode(String.self, forKey: .status)
        switch status {
        case "inspected": self = .inspected(try InspectedPlugin(from: decoder))
        case "not inspected": self = .notInspected(reason: try values.decode(String.self, forKey: .reason))
        default:
            throw DecodingError.dataCorruptedError(
                forKey: .status, in: values,
                debugDescription: "Received status \"\(status)\"; expected \"inspected\" or \"not inspected\".")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Key.self)
        switch self {
        case .inspected(let plugin):
            try values.encode("inspected", forKey: .status)
            try plugin.encode(to: encoder)
        case .notInspected(let reason):
            try values.encode("not inspected", forKey: .status)
            try values.encode(reason, forKey: .reason)
        }
    }
}

extension ObjectInspection {
    /// Inspects a plugin file's bytes; executes nothing of them. Opens the LLVM library at its first call (about 10 ms).
    public static func inspect(_ bytes: [UInt8]) -> ObjectInspection {
        inspect(bytes, findsLoops: false).inspection
    }

    /// The same with the hottest loop of each source file that has one; none where the file cannot be inspected.
    package static func inspectWithLoops(_ bytes: [UInt8]) -> (inspection: ObjectInspection, loops: [HotLoop]) { inspect(bytes, findsLoops: true) }

    private static func inspect(_ bytes: [UInt8], findsLoops: Bool) -> (inspection: ObjectInspection, loops: [HotLoop]) {
        switch PluginReader.read(bytes, { $0.inspect(findsLoops: findsLoops) }) {
        case .success(let findings): (.inspected(findings.plugin), findings.loops)
        case .failure(let unread): (.notInspected(reason: unread.reason), [])
        }
    }
}
