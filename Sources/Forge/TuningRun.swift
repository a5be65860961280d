import Glibc
import VoxKernelBuild
import VoxLayerSpec
import VoxScheduling
import VoxTuning

/// Measured schedules for some layers, from a tunings file and by measuring.
package struct TuningRun {
    /// One layer for each different problem.
    package let layers: [ResolvedLayer]
    /// What the decisions hold for.
    package let context: TuningContext
    private let target: Target
    private let builder: PluginBuilder
    private let timeLimit: Double?
    private let onEvent: ForgeObserver

    /// - Parameters:
    ///   - layers: what is to be computed.
    ///   - target: what the kernels are for.
    ///   - builder: compiles candidates.
    ///   - threads: of the calls that are measured.
    ///   - timeLimit: seconds for all measurements.
    ///   - onEvent: told of decisions made elsewhere, of each measurement, and of layers that keep the estimate.
    package init(
        _ layers: [ResolvedLayer], target: Target, builder: PluginBuilder, threads: Int, timeLimit: Double? = nil,
        onEvent: @escaping ForgeObserver
    ) {
        var seen: Set<SpecKey> = []
        self.layers = layers.filter { seen.insert($0.spec.key).inserted }
        context = TuningContext(target: target, threads: threads, compiler: builder.compiler.version)
        self.target = target
        self.builder = builder
        self.timeLimit = timeLimit
        self.onEvent = onEvent
    }

    /// The decisions of a file that were made in this context.
    /// - Parameter path: the file.
    /// - Throws: `TensorIOError`, `TuningsError`.
    package func decisions(of path: String) throws -> [SpecKey: Decision] {
        let tunings = try Tunings(path: path, context: context)
        return Self.decisions(of: layers, path: path, onEvent: onEvent) { tunings.lookup($0, context) }
    }

    /// The decisions for layers; told of those that a file has for others than are asked for.
    /// - Parameters:
    ///   - layers: what is to be computed.
    ///   - path: the file.
    ///   - onEvent: told of decisions that are not used.
    ///   - answer: what the file says about a problem.
    static func decisions(
        of layers: [ResolvedLayer], path: String, onEvent: ForgeObserver, answer: (SpecKey) -> Tunings.Answer
    ) -> [SpecKey: Decision] {
        var decisions: [SpecKey: Decision] = [:]
        var foreign: [String: Int] = [:]
        for layer in layers where decisions[layer.spec.key] == nil {
            switch answer(layer.spec.key) {
            case .decision(let decision, _): decisions[layer.spec.key] = decision
            case .foreign(let why): foreign[why, default: 0] += 1
            case .none: break
            }
        }
        for (why, count) in foreign.sorted(by: { $0.key < $1.key }) {
            onEvent(.foreignDecisions(layers: count, path: path, why: why))
        }
        return decisions
    }

    /// Measures the layers that the file has no decision for, or all of them, and writes the file after each.
    /// - Parameters:
    ///   - path: the file; nil for none, and it need not exist yet.
    ///   - again: measures those with a decision too.
    /// - Throws: `TuningError.cannotRun`; `TensorIOError`, `TuningsError` for a file that exists and cannot be read.
    package func measure(_ path: String?, again: Bool = false) async throws -> [SpecKey: TuningOutcome] {
        try TuningSession.check(target)
        var tunings = Tunings()
        if let path, access(path, F_OK) == 0 {
            tunings = try Tunings(path: path, context: context)
            _ = Self.decisions(of: layers, path: path, onEvent: onEvent) { [tunings] in tunings.lookup($0, context) }
        }
        let session = TuningSession(
            target: target, context: context, provider: CompiledCandidates(builder: builder, target: target))
        var outcomes: [SpecKey: TuningOutcome] = [:]
        defer { onEvent(.stepEnded) }
        try await session.run(
            layers.map(\.spec), tunings: &tunings, again: again, timeLimit: timeLimit,
            onStart: { onEvent(.measuring(layer: layers[$0].name, number: outcomes.count + 1, count: layers.count)) }
        ) { index, outcome, tunings in
            let layer = layers[index]
            outcomes[layer.spec.key] = outcome
            switch outcome {
            case .measured(_, _, let wrong):
                for sentence in wrong { onEvent(.wrongCandidate(sentence)) }
                if let path { try tunings.write(to: path) }
            case .keptEstimate(let reason):
                onEvent(.notMeasured(layer: layer.name, reason: reason))
            case .earlier: break
            }
        }
        return outcomes
    }
}

extension TuningOutcome {
    /// What was found now or earlier.
    package var record: TuningRecord? {
        switch self {
        case .measured(let record, _, _), .earlier(let record, _): record
        case .keptEstimate: nil
        }
    }

    /// How the layer is computed, where that was measured.
    package var schedule: Schedule? {
        switch self {
        case .measured(_, let schedule, _), .earlier(_, let schedule): schedule
        case .keptEstimate: nil
        }
    }

    /// The parameters of that schedule.
    package var decision: Decision? { schedule?.decision }
}
