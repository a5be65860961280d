import VoxKernelBuild
import VoxLayerSpec
import VoxScheduling
import VoxTuning

/// Where the schedules of a plugin's kernels come from.
public enum ScheduleSource: Sendable {
    /// The cost model.
    case estimate
    /// A tunings file; the cost model for layers that it has no decision for on this machine, with this compiler and so many threads.
    case tunings(path: String, threads: Int)
    /// A tunings file, wherever its decisions were measured and with whatever compiler: those for the target's instruction set and so many threads
    /// (nil for any number); the cost model for layers that it has none for.
    case fleet(path: String, threads: Int?)
    /// Candidates that are compiled and measured now, for layers that the tunings file, if there is one, has no decision for. It is made
    /// or written anew. `timeLimit` are seconds for all; layers they do not suffice for keep the estimate.
    case measuring(tunings: String?, threads: Int, timeLimit: Double?)

    /// The decisions there are.
    func decisions(
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
