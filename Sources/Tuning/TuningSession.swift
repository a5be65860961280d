import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling

/// What became of one layer of a tuning session.
public enum TuningOutcome: Sendable {
    /// Searched now.
    case measured(TuningRecord, Schedule, wrong: [String])
    /// The tunings had a decision that applies.
    case earlier(TuningRecord, Schedule)
    /// Not measured, so that the estimate holds; why, in one sentence.
    case keptEstimate(reason: String)
}

/// Finds measured schedules for many layers, by looking them up and by measuring.
public struct TuningSession: Sendable {
    private let target: Target
    private let context: TuningContext
    private let provider: any CandidateProvider

    /// - Parameters:
    ///   - target: what the kernels are for.
    ///   - context: of the target.
    ///   - provider: where the kernels come from.
    public init(target: Target, context: TuningContext, provider: any CandidateProvider) {
        self.target = target
        self.context = context
        self.provider = provider
    }

    /// Whether measurements are possible at all.
    /// - Throws: `TuningError.cannotRun` for a target that this machine cannot run.
    public static func check(_ target: Target) throws(TuningError) {
        let missing = target.machine.missing(from: HostCPU.features)
        if !missing.isEmpty { throw .cannotRun(target: target.name, missing: missing.map(\.rawValue)) }
    }

    /// Looks every problem up, and measures those without a decision.
    ///
    /// A layer that fails keeps the estimate, and says why; the others go on.
    /// - Parameters:
    ///   - specs: the problems.
    ///   - tunings: receives the new records.
    ///   - again: measures those with a decision too.
    ///   - timeLimit: seconds for all; each layer gets an equal share of what is left. Layers without any keep the estimate.
    ///   - onStart: called with the number of a problem before it is measured.
    ///   - onOutcome: called with the number of each problem once it is done, when `tunings` has its record.
    /// - Throws: `CancellationError`, and what the callbacks throw.
    public func run(
        _ specs: [KernelSpec], tunings: inout Tunings, again: Bool = false, timeLimit: Double? = nil,
        onStart: (Int) -> Void = { _ in }, onOutcome: (Int, TuningOutcome, Tunings) throws -> Void
    ) async throws {
        let end = timeLimit.map { ContinuousClock.now + Checked.duration(seconds: $0) }
        // Decisions first: they take no time that the others could use.
        var waiting: [Int] = []
        for (index, spec) in specs.enumerated() {
            if !again, case .decision(let decision, let record) = tunings.lookup(spec.key, context),
                let schedule = try? Schedule(spec: spec, target: target, decision: decision)
            {
                try onOutcome(index, .earlier(record, schedule), tunings)
            } else {
                waiting.append(index)
            }
        }
        for (place, index) in waiting.enumerated() {
            var deadline: ContinuousClock.Instant?
            if let end, let timeLimit {
                let left = end - ContinuousClock.now
                if left <= .zero {
                    try onOutcome(index, .keptEstimate(reason: "\(TuningError.outOfTime(seconds: timeLimit))"), tunings)
                    continue
                }
                deadline = ContinuousClock.now + left / (waiting.count - place)
            }
            onStart(index)
            let outcome: TuningOutcome
            do {
                outcome = try await measure(specs[index], deadline: deadline, end: end, timeLimit: timeLimit)
            } catch where !(error is CancellationError) {
                outcome = .keptEstimate(reason: "\(error)")
            }
            if case .measured(let record, _, _) = outcome { tunings.add(record) }
            try onOutcome(index, outcome, tunings)
        }
    }

    /// One layer, stopped in the middle of a compilation when all time is over.
    private func measure(
        _ spec: KernelSpec, deadline: ContinuousClock.Instant?, end: ContinuousClock.Instant?, timeLimit: Double?
    ) async throws -> TuningOutcome {
        let tuner = try LayerTuner(spec, target: target, threads: context.threads, provider: provider)
        let tuning = try await withThrowingTaskGroup(of: LayerTuning.self) { group in
            group.addTask { try await tuner.run(deadline: deadline) }
            if let end, let timeLimit {
                group.addTask {
                    try await Task.sleep(until: end, clock: .continuous)
                    throw TuningError.outOfTime(seconds: timeLimit)
                }
            }
            defer { group.cancelAll() }
            do {
                guard let first = try await group.next() else { throw CancellationError() }
                return first
            } catch let error as TuningError {
                // What was compiled before is still measured, and counts.
                group.cancelAll()
                guard case .outOfTime = error, let late = try? await group.next() else { throw error }
                return late
            }
        }
        return .measured(try TuningRecord(spec.key, context, tuning), tuning.best.schedule, wrong: tuning.wrong)
    }
}
