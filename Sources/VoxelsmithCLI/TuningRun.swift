import Glibc
import KernelBuild
import LayerSpec
import Scheduling
import Tuning

/// Measured schedules for the layers of a command, from a tunings file and by measuring.
struct TuningRun {
    /// One layer for each different problem.
    let layers: [ResolvedLayer]
    let context: TuningContext
    private let target: Target
    private let builder: PluginBuilder
    private let options: TuningOptions

    init(_ layers: [ResolvedLayer], target: Target, builder: PluginBuilder, options: TuningOptions) {
        var seen: Set<SpecKey> = []
        self.layers = layers.filter { seen.insert($0.spec.key).inserted }
        context = TuningContext(target: target, threads: options.threads, compiler: builder.compiler.version)
        self.target = target
        self.builder = builder
        self.options = options
    }

    /// The decisions of a file that were made in this context; notes those that were not.
    /// - Throws: `TensorIOError`, `TuningsError`.
    func decisions(of path: String) throws -> [SpecKey: Decision] {
        let tunings = try Tunings(path: path, context: context)
        noteForeign(tunings, path)
        var decisions: [SpecKey: Decision] = [:]
        for layer in layers {
            if case .decision(let decision, _) = tunings.lookup(layer.spec.key, context) { decisions[layer.spec.key] = decision }
        }
        return decisions
    }

    private func noteForeign(_ tunings: Tunings, _ path: String) {
        var counts: [String: Int] = [:]
        for layer in layers {
            if case .foreign(let why) = tunings.lookup(layer.spec.key, context) { counts[why, default: 0] += 1 }
        }
        for (why, count) in counts.sorted(by: { $0.key < $1.key }) {
            Console.note("note: For \(counted(count, "layer")) the decisions of \(path) are \(why), and are ignored.")
        }
    }

    /// Measures the layers that the file has no decision for, or all of them, and writes the file after each.
    /// - Parameter path: the file; nil for none, and it need not exist yet.
    /// - Throws: `TuningError.cannotRun`; `TensorIOError`, `TuningsError` for a file that exists and cannot be read.
    func measure(_ path: String?, again: Bool = false) async throws -> [SpecKey: TuningOutcome] {
        try TuningSession.check(target)
        var tunings = Tunings()
        if let path, access(path, F_OK) == 0 {
            tunings = try Tunings(path: path, context: context)
            noteForeign(tunings, path)
        }
        let session = TuningSession(
            target: target, context: context, provider: CompiledCandidates(builder: builder, target: target))
        var outcomes: [SpecKey: TuningOutcome] = [:]
        defer { Console.endProgress() }
        try await session.run(
            layers.map(\.spec), tunings: &tunings, again: again, timeLimit: options.timeLimit,
            onStart: { Console.progress("measuring layer \(outcomes.count + 1) of \(layers.count), \(layers[$0].name)") }
        ) { index, outcome, tunings in
            let layer = layers[index]
            outcomes[layer.spec.key] = outcome
            switch outcome {
            case .measured(_, _, let wrong):
                for sentence in wrong { Console.warn("\(sentence)") }
                if let path { try tunings.write(to: path) }
            case .keptEstimate(let reason):
                Console.warn("Layer \"\(layer.name)\" was not measured and keeps the estimate: \(reason)")
            case .earlier: break
            }
        }
        return outcomes
    }
}

extension TuningOutcome {
    /// What was found now or earlier.
    var record: TuningRecord? {
        switch self {
        case .measured(let record, _, _), .earlier(let record, _): record
        case .keptEstimate: nil
        }
    }

    var schedule: Schedule? {
        switch self {
        case .measured(_, let schedule, _), .earlier(_, let schedule): schedule
        case .keptEstimate: nil
        }
    }

    var decision: Decision? { schedule?.decision }
}
