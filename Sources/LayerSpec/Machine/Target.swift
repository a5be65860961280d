/// What code is generated for: an instruction set, and the numbers of a machine that schedules are planned with.
public struct Target: Hashable, Sendable {
    /// The instructions code may use.
    public let instructionSet: InstructionSet
    /// The name given on the command line: the instruction set's, or "native".
    public let name: String
    /// Its registers, caches and cores.
    public let machine: Machine

    /// - Parameters:
    ///   - instructionSet: of the machine.
    ///   - name: of the target; nil for that of the instruction set.
    ///   - machine: its numbers.
    public init(_ instructionSet: InstructionSet, name: String? = nil, machine: Machine) {
        self.instructionSet = instructionSet
        self.name = name ?? instructionSet.rawValue
        self.machine = machine
    }

    /// The named machine with other caches.
    /// - Parameters:
    ///   - instructionSet: of the machine.
    ///   - name: of the target; nil for that of the instruction set.
    ///   - level1Bytes: size of one core's first-level data cache; nil, as for the others, for that of the named machine.
    ///   - level2Bytes: size of one core's second-level cache.
    ///   - lastLevelBytes: size of the last-level cache of all cores.
    public init(
        _ instructionSet: InstructionSet, name: String? = nil, level1Bytes: Int? = nil, level2Bytes: Int? = nil, lastLevelBytes: Int? = nil
    ) {
        var machine = instructionSet.machine
        machine.level1Bytes = level1Bytes ?? machine.level1Bytes
        machine.level2Bytes = level2Bytes ?? machine.level2Bytes
        machine.lastLevelBytes = lastLevelBytes ?? machine.lastLevelBytes
        self.init(instructionSet, name: name, machine: machine)
    }

    /// The named targets, one for each instruction set.
    public static let named: [Target] = InstructionSet.allCases.map { Target($0) }

    /// One of the named targets. "native" is none of them: only KernelRuntime knows the host.
    /// - Throws: `SpecError.unknownTarget`.
    public init(named name: String) throws(SpecError) {
        guard let match = Self.named.first(where: { $0.name == name }) else { throw .unknownTarget(name) }
        self = match
    }

    /// Bytes of one vector register.
    public var vectorBytes: Int { machine.vectorBytes }
    /// Architectural vector registers.
    public var vectorRegisters: Int { machine.vectorRegisters }
    /// Whether a multiply-add is one instruction with one rounding.
    public var hasFusedMultiplyAdd: Bool { machine.hasFusedMultiplyAdd }
    /// First-level data cache of one core.
    public var level1Bytes: Int { machine.level1Bytes }
    /// Second-level cache of one core.
    public var level2Bytes: Int { machine.level2Bytes }
    /// Last-level cache of all cores.
    public var lastLevelBytes: Int { machine.lastLevelBytes }
    /// What the host must have to run code for this target.
    public var requiredFeatures: [Feature] { machine.features }

    /// Elements of one vector register.
    public func lanes(_ type: ElementType) -> Int { vectorBytes / type.byteCount }
}
