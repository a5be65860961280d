import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling
import VoxTensors

/// What the search for one layer's schedule found.
public struct LayerTuning: Sendable {
    /// A schedule and the median time of its calls, in seconds.
    public struct Timed: Hashable, Sendable {
        /// How the layer is computed.
        public let schedule: Schedule
        /// Median of one call, batch 1.
        public let seconds: Double
    }

    /// What `plan` gives without measuring, measured beside the best; nil when its answer was wrong.
    public let estimate: Timed?
    /// The fastest; the estimate, unless another is faster by more than measurements differ.
    public let best: Timed
    /// Candidates that were compiled.
    public let tried: Int
    /// Those left out because their inner loops spill vectors.
    public let spilling: Int
    /// What was wrong with each candidate that computes wrongly: one sentence each.
    public let wrong: [String]
}

/// Why a layer has no measured schedule.
public enum TuningError: Error, Hashable, Sendable, CustomStringConvertible {
    case noRightCandidate(key: String, tried: Int)
    case outOfTime(seconds: Double)
    case cannotRun(target: String, missing: [String])

    public var description: String {
        let sentence: Sentence = switch self {
        case .noRightCandidate(let key, let tried): "All \(tried) candidates for \(key) answer wrongly; expected at least one that does not."
        case .outOfTime(let seconds): "Received a limit of \(seconds) seconds, which are over; expected more for so many layers."
        case .cannotRun(let target, let missing):
            "Received the target \(target) to measure, but this machine lacks \(missing.joined(separator: ", ")); expected a target it runs."
        }
        return sentence.text
    }
}

/// Searches the schedule space of one layer: compiles candidates, checks the answer of each, times them in turns, keeps the best,
/// and then does the same with the neighbours of the best.
public struct LayerTuner: Sendable {
    private let spec: KernelSpec
    private let space: ScheduleSpace
    private let threads: Int
    private let provider: any CandidateProvider
    private let seed: UInt64

    /// Another schedule must be faster than the estimate by this factor.
    static let leastGain = 1.02

    /// - Throws: `SchedulingError` when no family takes the problem; `BenchmarkError` when its answers cannot be checked.
    public init(
        _ spec: KernelSpec, target: Target, threads: Int, provider: any CandidateProvider, seed: UInt64 = 1
    ) throws {
        try AnswerCheck.checkIsPossible(for: spec)
        self.spec = spec
        space = try ScheduleSpace(spec, target: target, threads: threads)
        self.threads = threads
        self.provider = provider
        self.seed = seed
    }

    /// Schedules compiled together: enough for all cores, and few enough to stop in between.
    private static let batchSize = 4

    /// - Parameter deadline: after it nothing more is compiled. At least the first few candidates are measured.
    /// - Throws: `TuningError.noRightCandidate`; what the provider throws, `TensorError`, `KernelError`.
    public func run(deadline: ContinuousClock.Instant? = nil) async throws -> LayerTuning {
        func isOver() -> Bool { deadline.map { ContinuousClock.now >= $0 } ?? false }
        var trial = try Trial(spec, threads: threads, seed: seed)
        try await trial.add(space.candidates.prefix(Self.batchSize), from: provider)
        try await add(space.candidates.dropFirst(Self.batchSize), to: &trial, isOver)
        try trial.time()
        // Twice: the first step often moves towards something better still.
        for _ in 0..<2 {
            guard !isOver(), let leader = trial.ranking.first else { break }
            let untried = space.neighbours(of: leader.schedule).filter { !trial.texts.contains($0.text) }
            try await add(untried[...], to: &trial, isOver)
            try trial.time()
            if trial.ranking.first?.schedule == leader.schedule { break }
        }

        let estimate = trial.ranking.first { $0.schedule == space.candidates.first }
        guard var best = trial.ranking.first else {
            throw TuningError.noRightCandidate(key: spec.key.text, tried: trial.texts.count)
        }
        if let estimate, estimate.seconds < best.seconds * Self.leastGain { best = estimate }
        return LayerTuning(
            estimate: estimate, best: best, tried: trial.texts.count, spilling: trial.spilling, wrong: trial.wrong)
    }

    /// Adds schedules until time is over. Cancelling a compilation for that ends it too; what was compiled before counts.
    private func add(_ schedules: ArraySlice<Schedule>, to trial: inout Trial, _ isOver: () -> Bool) async throws {
        var rest = schedules
        while !rest.isEmpty && !isOver() {
            do {
                try await trial.add(rest.prefix(Self.batchSize), from: provider)
            } catch is CancellationError {
                return
            }
            rest = rest.dropFirst(Self.batchSize)
        }
    }
}

/// The candidates of one layer that are still in the running, and their times.
private struct Trial {
    private struct Entry {
        let schedule: Schedule
        let layer: PreparedLayer
        /// Medians of its turns in the last timing.
        var turns: [Double] = []
    }

    private let spec: KernelSpec
    private let threads: Int
    private let operands: LayerOperands
    private let check: AnswerCheck
    private var y: Tensor
    private var entries: [Entry] = []
    /// Texts of the schedules that were compiled.
    private(set) var texts: Set<String> = []
    private(set) var spilling = 0
    private(set) var wrong: [String] = []

    init(_ spec: KernelSpec, threads: Int, seed: UInt64) throws {
        self.spec = spec
        self.threads = threads
        operands = try LayerOperands(spec, batch: 1, seed: seed)
        check = AnswerCheck(spec, operands, batch: 1, threads: threads, sampleSize: 500)
        y = try Tensor(zeros: spec.outputShape(batch: 1), spec.elements.result)
    }

    /// Compiles schedules and takes in those without spills whose answers are right. The first of all, the estimate, may spill.
    mutating func add(_ schedules: ArraySlice<Schedule>, from provider: any CandidateProvider) async throws {
        if schedules.isEmpty { return }
        for candidate in try await provider.candidates(Array(schedules)) {
            let isFirst = texts.isEmpty
            texts.insert(candidate.schedule.text)
            if let spills = candidate.loopSpills, spills > 0, !isFirst {
                spilling += 1
                continue
            }
            let activation = spec.epilogue.activation
            let choice = KernelChoice(
                kernel: candidate.kernel, appliedActivation: activation.isPointwise ? .linear : activation, isSpecialized: true,
                reason: "measured")
            let layer = try PreparedLayer(spec: spec, choice: choice, weights: operands.weights, bias: operands.bias)
            // What is not written stays NaN.
            try y.withUnsafeMutableBytes { bytes in _ = bytes.initializeMemory(as: UInt8.self, repeating: 0xFF) }
            do {
                try layer.call(operands.x, into: &y, threads: threads)
                _ = try check.worstErrorOverBound(y, of: choice)
                entries.append(Entry(schedule: candidate.schedule, layer: layer))
            } catch where error is BenchmarkError || error is KernelError {
                wrong.append("\(error) Its schedule is \(candidate.schedule.text).")
            }
        }
    }

    /// Rounds, and the least time and number of calls of one turn.
    private static let rounds = 5, turnSeconds = 0.01, turnCalls = 3
    /// Candidates that are slower than the best by this factor leave after a round, except the estimate.
    private static let hopeless = 1.3

    /// Times all candidates anew, in turns, so that a disturbance meets them all.
    mutating func time() throws {
        for index in entries.indices { entries[index].turns = [] }
        for _ in 0..<Self.rounds {
            for index in entries.indices {
                // The first call of a turn finds the caches full of others' weights, and is not counted. Several calls follow it, so that
                // the median is of calls that find the caches as they are in a model that calls a layer again and again.
                let timing = try CallTiming.measure(
                    entries[index].layer, operands.x, into: &y, threads: threads, minimumCalls: Self.turnCalls,
                    seconds: Self.turnSeconds)
                entries[index].turns.append(timing.median)
            }
            let best = entries.map { CallTiming.median($0.turns) }.min() ?? 0
            let first = entries.first?.schedule
            entries.removeAll { $0.schedule != first && CallTiming.median($0.turns) > best * Self.hopeless }
        }
    }

    /// Fastest first.
    var ranking: [LayerTuning.Timed] {
        entries.map { LayerTuning.Timed(schedule: $0.schedule, seconds: CallTiming.median($0.turns)) }
            .sorted { $0.seconds < $1.seconds }
    }
}
