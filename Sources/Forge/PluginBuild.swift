import Glibc
import VoxKernelBuild
import VoxKernelEmission
import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling
import VoxTensorIO

/// From layers to a plugin in its place: one value with all options, whose `run` finds the kernels that the layers need, prints their C, compiles it,
/// verifies every kernel, and puts the plugin where it is to be. A run whose task is cancelled ends its compilers and its verification, and
/// leaves the place as it was.
public struct PluginBuild: Sendable {
    /// What the kernels are for: with several targets, the best that fits is chosen for each kernel when the plugin is loaded.
    public let targets: PluginTargets
    /// Compiles.
    public let builder: PluginBuilder
    /// Where the plugin goes.
    public let output: String
    /// The path of `voxelsmith-verify`, the program that verifies one kernel; nil for a plugin that is not verified.
    public let verifier: String?
    /// Folders whose owner and group may write plugins too, in them and below.
    public let trustedFolders: [String]
    /// Whether a plugin with the same bytes stays as it is, with its time.
    public let keepsEqual: Bool
    /// How many threads a call of one sample will have: the cost model looks for the kernel that is fastest with so many.
    public let threads: Int
    /// Of the kernels for the layers of a file; those that are given as values have theirs.
    public let policy: Policy
    /// Where the kernels' schedules come from.
    public let schedules: ScheduleSource

    /// - Parameters:
    ///   - targets: what the kernels are for.
    ///   - builder: compiles.
    ///   - output: where the plugin goes; what is there is replaced.
    ///   - verifier: the path of `voxelsmith-verify`, the program that verifies one kernel; nil for a plugin that is not verified.
    ///   - trustedFolders: as `KernelRegistry`'s.
    ///   - keepsEqual: whether a plugin with the same bytes stays as it is, with its time.
    ///   - threads: how many a call of one sample will have, for the cost model.
    ///   - policy: of the kernels for the layers of a file.
    ///   - schedules: where the kernels' schedules come from.
    public init(
        targets: PluginTargets, builder: PluginBuilder, output: String, verifier: String?, trustedFolders: [String] = [], keepsEqual: Bool = false,
        threads: Int = 1, policy: Policy = .fast, schedules: ScheduleSource = .estimate
    ) {
        self.targets = targets
        self.builder = builder
        self.output = output
        self.verifier = verifier
        self.trustedFolders = trustedFolders
        self.keepsEqual = keepsEqual
        self.threads = threads
        self.policy = policy
        self.schedules = schedules
    }

    /// Refuses a place from which loading would be refused, as a plugin that is verified is to be loaded later, and a verifier that is not there.
    /// - Throws: `PluginError`, `ForgeError.noVerifier`.
    private func checkPlace() throws {
        if let verifier, missingFeatures.isEmpty {
            try VerificationProcess(verifier: verifier).check()
            try FileTrust.current(trustedFolders: trustedFolders).check(folderOf: place())
        }
    }

    /// The file that is written. Where the output's path is a link, the link stays, and the file it leads to is replaced.
    private func place() throws -> String { try StagedFile.destination(of: output) }

    /// Empty where this machine can run kernels for one of the targets.
    private var missingFeatures: [Target.Feature] { targets.missing(from: HostCPU.features) }

    /// Makes the plugin for the layers of a file.
    /// - Parameters:
    ///   - file: the layers.
    ///   - onEvent: told of what happens.
    /// - Returns: what was done.
    /// - Throws: as `run(_:of:onEvent:)`, and as `LayersFile.resolved(policy:onEvent:)`.
    @discardableResult
    public func run(_ file: LayersFile, onEvent: @escaping ForgeObserver = { _ in }) async throws -> BuildReport {
        try checkPlace()
        return try await made(for: file.resolved(policy: policy, isFused: true, onEvent: onEvent), of: file.path, onEvent)
    }

    /// Makes the plugin for some layers.
    /// - Parameters:
    ///   - layers: what it is to compute: layers of a file, or values.
    ///   - source: where the layers come from; for errors.
    ///   - onEvent: told of what happens.
    /// - Returns: what was done.
    /// - Throws: what stands in the way: `ForgeError`, `PluginError` for a place or a plugin that loading would refuse, `KernelBuildError`, `EmissionError`,
    ///   `TuningError`, `TuningsError`, `TensorIOError`, `CancellationError`. Whatever was at the place before is then still there.
    @discardableResult
    public func run(
        _ layers: [ResolvedLayer], of source: String, onEvent: @escaping ForgeObserver = { _ in }
    ) async throws -> BuildReport {
        try checkPlace()
        return try await made(for: layers, of: source, onEvent)
    }

    /// Makes the plugin, once its place is known to be good: nothing is read or measured for a plugin that could not be loaded.
    private func made(
        for layers: [ResolvedLayer], of source: String, _ onEvent: @escaping ForgeObserver
    ) async throws -> BuildReport {
        let decisions = try await schedules.decisions(for: layers, targets: targets, builder: builder, onEvent: onEvent)
        let start = ContinuousClock.now
        let selection = try PluginSelection(layers, targets: targets, source: source, decisions: decisions, threads: threads, onEvent: onEvent)
        let plugin = try PluginSource(selection.units, templateDigest: templateDigest)
        var known: VerificationRecord?, record: VerificationRecord?
        var (seconds, digest) = (0.0, "")
        let built = try await builder.build(plugin, targets: targets) { done, steps in
            onEvent(.compiling(output: output, done: done, steps: steps))
        } check: { built in
            onEvent(.stepEnded)
            seconds = (ContinuousClock.now - start) / .seconds(1)
            // What the runtime would refuse is not put in place.
            let file = try PluginFile(bytes: built.bytes, path: output)
            digest = file.digest
            known = VerificationRecord.read(beside: output, of: file)
            record = known
            if let verifier, known == nil { record = try await verified(built, selection.units, digest: file.digest, by: verifier, onEvent) }
        }
        if record == nil { unlink(VerificationRecord.path(beside: output)) }
        if !(keepsEqual && (try? InputFile.bytes(of: output, limit: built.bytes.count)) == built.bytes) { try built.write(to: place()) }
        if known == nil, let record {
            // The plugin is in place and sound; without a record it is only verified again one day.
            do { try record.write(beside: output) } catch { onEvent(.notRecorded(error)) }
        }
        return BuildReport(
            plugin: output, bytes: built.bytes.count, digest: digest, target: targets.names,
            instructionSet: targets.all.map(\.instructionSet.rawValue).joined(separator: ", "), clang: builder.compiler.version, seconds: seconds,
            compiledUnits: built.compiledUnits, cachedUnits: selection.units.count + 1 - built.compiledUnits,
            kernels: selection.kernels, interpreted: selection.interpreted,
            verification: record.map { record in
                let verified = Set(record.kernels.map(\.name))
                return BuildReport.Verification(
                    seconds: record.seconds, earlier: known != nil, omitted: selection.units.map(\.name).filter { !verified.contains($0) })
            },
            isFromCache: built.isFromCache)
    }

    /// Verifies the plugin before it has its place.
    /// - Returns: nil when this machine can run none of its kernels.
    private func verified(
        _ built: BuiltPlugin, _ units: [KernelUnit], digest: String, by verifier: String, _ onEvent: ForgeObserver
    ) async throws -> VerificationRecord? {
        for target in built.targets.all {
            let missing = target.machine.missing(from: HostCPU.features)
            if !missing.isEmpty { onEvent(.notVerified(target: target, missing: missing)) }
        }
        let runnable = units.map(\.schedule).filter { $0.target.machine.missing(from: HostCPU.features).isEmpty }
        let plugin = UnplacedPlugin(built, runnable.map(\.spec))
        switch plugin.obstacle {
        case .missingFeatures: return nil
        case .memory(let needed, let available):
            onEvent(.tooLittleMemoryToVerify(needed: needed, available: available))
            return nil
        case nil: break
        }
        let verdicts: [KernelVerdict]
        do {
            defer { onEvent(.stepEnded) }
            verdicts = try await plugin.verdicts(of: VerificationProcess(verifier: verifier)) { index, count in
                onEvent(.verifying(number: index + 1, count: count))
            }
        }
        let unsound = verdicts.filter { !$0.isSound }
        if !unsound.isEmpty { onEvent(.unsoundKernels(unsound)) }
        try PluginVerification(plugin: output, verdicts).check()
        return VerificationRecord(digest: digest, verdicts)
    }
}
