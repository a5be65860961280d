import VoxKernelBuild
import VoxLayerSpec
import VoxScheduling
import VoxTuning

/// Where the schedules of a plugin's kernels come from.
public enum ScheduleSource: Sendable {
    /// The planner's estimate.
    case estimate
    /// A tunings file. Layers get the estimate for which it has no decision that was measured on this machine, with this compiler and this number
    /// of threads.
    case tunings(path: String, threads: Int)
    /// A tunings file, wherever its decisions were measured and with whatever compiler: those for the target's instruction set and this number of
    /// threads (nil for any number). Layers without one get the estimate.
    case fleet(path: String, threads: Int?)
    /// Measures now, for layers that the tunings file, if one is named, has no decision for, and writes the file. `timeLimit` is in seconds for all
    /// layers and targets together; layers that are not measured in that time keep the estimate.
    case measuring(tunings: String?, threads: Int, timeLimit: Double?)

    /// The decisions for these layers, for each target in turn.
    /// - Throws: what reading and measuring throw; `TuningError.cannotRun` before anything is measured where one target cannot be measured here.
    func decisions(
        for layers: [ResolvedLayer], targets: PluginTargets, builder: PluginBuilder, onEvent: @escaping ForgeObserver
    ) async throws -> [[SpecKey: Decision]] {
        if case .measuring = self { for target in targets.all { try TuningSession.check(target) } }
        var decisions: [[SpecKey: Decision]] = []
        for target in targets.all {
            decisions.append(
                try await forOne(of: targets.all.count).decisions(for: layers, target: target, builder: builder, onEvent: onEvent))
        }
        return decisions
    }

    /// The same source, with an equal share of the time for one of so many targets.
    private func forOne(of count: Int) -> ScheduleSource {
        guard case .measuring(let tunings, let threads, let timeLimit?) = self else { return self }
        return .measuring(tunings: tunings, threads: threads, timeLimit: timeLimit / Double(count))
    }

    /// The decisions for these layers by their problems; layers without one get the estimate.
    private func decisions(
        for layers: [ResolvedLayer], target: Target, builder: PluginBuilder, onEvent: @escaping ForgeObserver
    ) async throws -> [SpecKey: Decision] {
        switch self {
        case .estimate:
            return [:]
        case .tunings(let path, let threads):
            return try TuningRun(layers, target: target, builder: builder, threads: threads, onEvent: onEvent).decisions(of: path)
        case .fleet(let path, let threads):
            let tunings = try Tunings(path: path, target: target)
            return TuningRun.decisions(of: layers, path: path, onEvent: onEvent) { tunings.lookup($0, target: target, threads: threads) }
        case .measuring(let path, let threads, let timeLimit):
            let run = TuningRun(layers, target: target, builder: builder, threads: threads, timeLimit: timeLimit, onEvent: onEvent)
            return try await run.measure(path).compactMapValues(\.decision)
        }
    }
}
