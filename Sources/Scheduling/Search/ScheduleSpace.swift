import VoxLayerSpec

/// The schedules worth measuring for one problem on one target. Pure: a search can be repeated.
///
/// A search has two steps. `candidates` differ in structure: family, channels per vector, vectors, merged phases, fusion, order,
/// and tiles that fill the registers. `neighbours(of:)` then change one parameter of the best of them at a time.
public struct ScheduleSpace: Sendable {
    private let spec: KernelSpec
    private let target: Target
    private let threads: Int
    /// The estimate of `plan` first, then its estimate for policy `direct`, then what each family proposes, the most promising first. All are
    /// applicable, no two alike. Where the estimate is of a family that excludes others, all are of that family.
    public let candidates: [Schedule]

    /// - Parameters:
    ///   - spec: the problem.
    ///   - target: what the kernels are for.
    ///   - limit: most candidates.
    ///   - threads: as of `plan`.
    /// - Throws: `SchedulingError` when no family takes the problem.
    public init(_ spec: KernelSpec, target: Target, limit: Int = 16, threads: Int = 1) throws(SchedulingError) {
        self.spec = spec
        self.target = target
        self.threads = threads
        let estimate = try plan(spec, target: target, threads: threads)
        let family = type(of: estimate.family.parameters)
        if family.excludesOthers {
            candidates = Schedule.unique([estimate] + family.candidates(spec, target, threads: threads))
            return
        }
        var found = [estimate]
        // Direct sums may turn out to be faster under policy `fast` too.
        if let direct = try? plan(spec.with(policy: .direct), target: target, threads: threads) { found.append(direct) }
        found += kernelFamilies.flatMap { $0.candidates(spec, target, threads: threads) }
        candidates = Array(Schedule.unique(found).prefix(limit))
    }

    /// Applicable schedules that differ from the given one in one parameter, and in those that must change with it, by expected time.
    public func neighbours(of schedule: Schedule, limit: Int = 14) -> [Schedule] {
        func others(_ parameters: some KernelFamily) -> [Schedule] {
            Schedule.ranked(parameters.neighbours(spec, target), spec, target, threads: threads)
        }
        return Array(Schedule.unique([schedule] + others(schedule.family.parameters)).dropFirst().prefix(limit))
    }
}

extension Schedule {
    /// The schedules of those parameters that are legal, no two alike, the one with the fewest expected cycles first.
    static func ranked(_ parameters: [some KernelFamily], _ spec: KernelSpec, _ target: Target, threads: Int) -> [Schedule] {
        let schedules = unique(parameters.compactMap { try? Schedule(spec: spec, target: target, decision: Decision($0)) })
        return schedules.map { (schedule: $0, cycles: $0.expectedCycles(threads: threads)) }
            .sorted { ($0.cycles, $0.schedule.text) < ($1.cycles, $1.schedule.text) }.map(\.schedule)
    }

    /// One schedule for each text: the first that has it.
    static func unique(_ schedules: [Schedule]) -> [Schedule] {
        var seen: Set<String> = []
        return schedules.filter { seen.insert($0.text).inserted }
    }
}

extension KernelFamily {
    /// One copy of the parameters for each value of one of them; the present value may be among these.
    func varied<T>(_ parameter: WritableKeyPath<Self, T>, _ values: [T]) -> [Self] {
        values.map {
            var copy = self
            copy[keyPath: parameter] = $0
            return copy
        }
    }
}
