/// A machine code is generated for: instruction set, vector width, registers and cache sizes.
public struct Target: Hashable, Sendable {
    /// What code is compiled for; the raw value is the name on the command line.
    public enum InstructionSet: String, CaseIterable, Hashable, Sendable {
        case x86_64_v2 = "x86-64-v2"
        case x86_64_v3 = "x86-64-v3"
        case x86_64_v4 = "x86-64-v4"
        case aarch64NEON = "aarch64-neon"
    }

    /// Features a plugin may require; the ABI header numbers their bits.
    public enum Feature: String, CaseIterable, Hashable, Sendable {
        case sse42, avx, avx2, fma, f16c, bmi1, bmi2, avx512f, avx512vl, avx512bw, avx512dq, avx512cd, popcnt, lzcnt, movbe, neon
    }

    /// The instructions code may use.
    public let instructionSet: InstructionSet
    /// The name given on the command line: the instruction set's, or "native".
    public let name: String
    /// First-level data cache of one core.
    public let level1Bytes: Int
    /// Second-level cache of one core.
    public let level2Bytes: Int
    /// Last-level cache of all cores.
    public let lastLevelBytes: Int

    /// - Parameters:
    ///   - instructionSet: of the machine.
    ///   - name: of the target; nil for that of the instruction set.
    ///   - level1Bytes: size of one core's first-level data cache.
    ///   - level2Bytes: size of one core's second-level cache.
    ///   - lastLevelBytes: size of the last-level cache of all cores.
    public init(
        _ instructionSet: InstructionSet, name: String? = nil, level1Bytes: Int = 32 << 10, level2Bytes: Int = 1 << 20,
        lastLevelBytes: Int = 32 << 20
    ) {
        self.instructionSet = instructionSet
        self.name = name ?? instructionSet.rawValue
        self.level1Bytes = level1Bytes
        self.level2Bytes = level2Bytes
        self.lastLevelBytes = lastLevelBytes
    }

    /// The named targets, widest first, with fixed cache sizes so that what is generated for them never depends on the host.
    public static let named: [Target] = [
        Target(.x86_64_v4), Target(.x86_64_v3), Target(.x86_64_v2), Target(.aarch64NEON),
    ]

    /// - Throws: `SpecError.unknownTarget`. "native" is resolved by KernelRuntime's host detection, not here.
    public init(named name: String) throws(SpecError) {
        guard let match = Self.named.first(where: { $0.name == name }) else { throw .unknownTarget(name) }
        self = match
    }

    /// Bytes of one vector register.
    public var vectorBytes: Int {
        switch instructionSet {
        case .x86_64_v4: 64
        case .x86_64_v3: 32
        case .x86_64_v2, .aarch64NEON: 16
        }
    }

    /// Architectural vector registers.
    public var vectorRegisters: Int {
        switch instructionSet {
        case .x86_64_v4, .aarch64NEON: 32
        case .x86_64_v3, .x86_64_v2: 16
        }
    }

    /// Whether a multiply-add is one instruction with one rounding.
    public var hasFusedMultiplyAdd: Bool { instructionSet != .x86_64_v2 }

    /// Elements of one vector register.
    public func lanes(_ type: ElementType) -> Int { vectorBytes / type.byteCount }

    /// What the host must have to run code for this target.
    public var requiredFeatures: [Feature] {
        switch instructionSet {
        case .x86_64_v2: [.sse42, .popcnt]
        case .x86_64_v3: [.sse42, .popcnt, .avx, .avx2, .fma, .f16c, .bmi1, .bmi2, .lzcnt, .movbe]
        case .x86_64_v4:
            [
                .sse42, .popcnt, .avx, .avx2, .fma, .f16c, .bmi1, .bmi2, .lzcnt, .movbe, .avx512f, .avx512vl, .avx512bw, .avx512dq,
                .avx512cd,
            ]
        case .aarch64NEON: [.neon]
        }
    }
}
