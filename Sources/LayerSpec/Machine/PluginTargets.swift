/// What the kernels of one plugin are for: targets of one processor family, each instruction set once.
public struct PluginTargets: Hashable, Sendable {
    /// At least one. They have the order of `Target.InstructionSet`, in whichever order they were given, so that nothing made for them depends on that.
    public let all: [Target]

    /// Kernels for one target.
    public init(_ target: Target) { all = [target] }

    /// Kernels for several targets in one file.
    /// - Throws: `SpecError.noTargets`, `.targetsOfTwoFamilies`, and `.sameTargets` for two of one instruction set: neither would be the better one.
    public init(_ targets: [Target]) throws(SpecError) {
        guard let first = targets.first else { throw .noTargets }
        if let other = targets.first(where: { $0.instructionSet.family != first.instructionSet.family }) {
            throw .targetsOfTwoFamilies(first.name, other.name)
        }
        all = Target.InstructionSet.allCases.flatMap { set in targets.filter { $0.instructionSet == set } }
        for (one, next) in zip(all, all.dropFirst()) where one.instructionSet == next.instructionSet { throw .sameTargets(one.name, next.name) }
    }

    /// The processors that have machine code in the file.
    public var family: Target.ProcessorFamily { least.instructionSet.family }

    /// The target that requires the fewest features.
    public var least: Target { all.min { $0.requiredFeatures.count < $1.requiredFeatures.count } ?? all[0] }

    /// Their names, for people.
    public var names: String { all.map(\.name).joined(separator: ", ") }

    /// What a processor lacks to run any of them: of the target that lacks least. Empty where it runs at least one.
    public func missing(from present: Set<Target.Feature>) -> [Target.Feature] {
        all.map { $0.machine.missing(from: present) }.min { $0.count < $1.count } ?? []
    }
}
