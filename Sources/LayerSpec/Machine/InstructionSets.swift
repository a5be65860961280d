extension Target {
    /// What code is compiled for; the raw value is the name on the command line. Each has a row below.
    public enum InstructionSet: String, CaseIterable, Hashable, Sendable {
        // Messages list them in this order. Where a processor runs several that no other surpasses, `best` takes the first.
        case x86_64_v4 = "x86-64-v4"
        case x86_64_v3 = "x86-64-v3"
        case x86_64_v2 = "x86-64-v2"
        case aarch64NEON = "aarch64-neon"
    }

    /// The processors that one file has machine code for.
    public enum ProcessorFamily: String, CaseIterable, Hashable, Sendable {
        case x86_64, aarch64

        /// What all of its processors that kernels are made for run.
        public var least: InstructionSet {
            switch self {
            case .x86_64: .x86_64_v2
            case .aarch64: .aarch64NEON
            }
        }
    }

    /// What multiplies and adds. `MultiplyUnit` of the generator has the numbers of each.
    public enum Unit: Hashable, Sendable {
        /// The vector registers, which every machine has.
        case vectors
    }

    /// Features a plugin may require; the ABI header numbers their bits.
    public enum Feature: String, CaseIterable, Hashable, Sendable {
        case sse42, avx, avx2, fma, f16c, bmi1, bmi2, avx512f, avx512vl, avx512bw, avx512dq, avx512cd, popcnt, lzcnt, movbe, neon
    }
}

extension Target.InstructionSet {
    private static let ofV2: [Target.Feature] = [.sse42, .popcnt]
    private static let ofV3: [Target.Feature] = ofV2 + [.avx, .avx2, .fma, .f16c, .bmi1, .bmi2, .lzcnt, .movbe]
    private static let ofV4: [Target.Feature] = ofV3 + [.avx512f, .avx512vl, .avx512bw, .avx512dq, .avx512cd]

    /// The processors that have it.
    public var family: Target.ProcessorFamily {
        switch self {
        case .x86_64_v4, .x86_64_v3, .x86_64_v2: .x86_64
        case .aarch64NEON: .aarch64
        }
    }

    /// The named machine of this instruction set: a usual one, with fixed caches and cores, so that what is generated for it never
    /// depends on the host.
    public var machine: Target.Machine {
        switch self {
        case .x86_64_v4: Target.Machine(features: Self.ofV4, vectorBytes: 64, vectorRegisters: 32, hasFusedMultiplyAdd: true)
        case .x86_64_v3: Target.Machine(features: Self.ofV3, vectorBytes: 32, vectorRegisters: 16, hasFusedMultiplyAdd: true)
        case .x86_64_v2: Target.Machine(features: Self.ofV2, vectorBytes: 16, vectorRegisters: 16, hasFusedMultiplyAdd: false)
        case .aarch64NEON: Target.Machine(features: [.neon], vectorBytes: 16, vectorRegisters: 32, hasFusedMultiplyAdd: true)
        }
    }

    /// The best instruction set that a processor with these features runs: one that no other of those it runs surpasses. Nil when it runs none.
    public static func best(on present: Set<Target.Feature>) -> Target.InstructionSet? {
        let runnable = allCases.filter { $0.machine.missing(from: present).isEmpty }
        return runnable.first { candidate in !runnable.contains { $0.machine.surpasses(candidate.machine) } }
    }
}
