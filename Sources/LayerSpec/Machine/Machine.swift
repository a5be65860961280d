extension Target {
    /// What code generation and kernel lookup know of a processor: one row of the table in `InstructionSets.swift`, or the host's.
    public struct Machine: Hashable, Sendable {
        /// What code for it requires, in the order in which plugins list it.
        public let features: [Feature]
        /// Bytes of one vector register.
        public let vectorBytes: Int
        /// Architectural vector registers.
        public let vectorRegisters: Int
        /// Whether a multiply-add is one instruction with one rounding.
        public let hasFusedMultiplyAdd: Bool
        /// What multiplies and adds, beginning with what is taken first where several take the types of a problem.
        public var units: [Unit] = [.vectors]
        /// First-level data cache of one core.
        public var level1Bytes = 32 << 10
        /// Second-level cache of one core.
        public var level2Bytes = 1 << 20
        /// Last-level cache, which all cores share.
        public var lastLevelBytes = 32 << 20
        /// Cores that share it. Nothing reads them yet: what is planned depends on the threads of a call, which whoever plans states.
        public var cores = 8

        /// Whether it has all features of another machine and more. Then code for it is better where both can run. Of two machines, it may be that
        /// neither surpasses the other.
        public func surpasses(_ other: Machine) -> Bool { features.surpass(other.features) }

        /// What code for it requires beyond what a processor has; empty when the processor runs it.
        public func missing(from present: Set<Feature>) -> [Feature] { features.missing(from: present) }
    }
}

extension [Target.Feature] {
    /// Whether these are all of some others and more.
    package func surpass(_ others: [Target.Feature]) -> Bool { Set(self).isStrictSuperset(of: others) }

    /// Those that a processor lacks, in their order.
    package func missing(from present: Set<Target.Feature>) -> [Target.Feature] { filter { !present.contains($0) } }
}
