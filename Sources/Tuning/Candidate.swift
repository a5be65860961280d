import VoxKernelBuild
import VoxKernelEmission
import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling

/// A schedule made into a kernel that can be measured.
public struct Candidate: Sendable {
    /// How it computes.
    public let schedule: Schedule
    /// What computes.
    public let kernel: any Kernel
    /// Vector instructions of its multiply-add loops that touch a spilled register; nil where machine code was not inspected.
    public let loopSpills: Int?

    /// A candidate from its parts.
    public init(schedule: Schedule, kernel: any Kernel, loopSpills: Int?) {
        self.schedule = schedule
        self.kernel = kernel
        self.loopSpills = loopSpills
    }
}

/// Makes candidates of schedules.
public protocol CandidateProvider: Sendable {
    /// - Returns: one candidate for each schedule, in the same order.
    func candidates(_ schedules: [Schedule]) async throws -> [Candidate]
}

/// Candidates by the compiler: all schedules of a call become one plugin, compiled on all cores.
public struct CompiledCandidates: CandidateProvider {
    private let builder: PluginBuilder
    private let target: Target

    /// - Parameters:
    ///   - builder: makes the plugins.
    ///   - target: of the schedules; this machine runs it.
    public init(builder: PluginBuilder, target: Target) {
        self.builder = builder
        self.target = target
    }

    /// - Throws: `KernelBuildError`, `EmissionError`, `PluginError`, `CancellationError`.
    public func candidates(_ schedules: [Schedule]) async throws -> [Candidate] {
        let units = try schedules.map { try KernelUnit($0) }
        let built = try await builder.build(PluginSource(units, templateDigest: templateDigest), target: target)
        let folder = try PrivateFolder()
        defer { folder.remove() }  // what is mapped stays
        let path = folder.path + "/candidates.so"
        try built.write(to: path)
        let kernels = try PluginImage(path: path).kernels()
        return zip(units, kernels).map { unit, kernel in
            var spills: Int?
            if case .inspected(let plugin) = built.inspection { spills = plugin.loopSpills(inFile: unit.source.fileName) }
            return Candidate(schedule: unit.schedule, kernel: kernel, loopSpills: spills)
        }
    }
}
