import Logging
import VoxKernelBuild
import VoxKernelEmission
import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling
import VoxTuning
import VoxVerification

/// Makes the kernel of one problem for this machine: from the cache, or by planning, printing, compiling and verifying it.
struct KernelMaker: Sendable {
    private let options: OnDemandOptions
    private let builder: PluginBuilder
    private let verification: VerificationProcess
    private let target = HostCPU.nativeTarget

    /// Looks for compiler and verifier.
    /// - Throws: `OnDemandError.notCompiled` where one of them is not there or no good; `KernelBuildError` for what may pass; `CancellationError`.
    init(_ options: OnDemandOptions) async throws {
        self.options = options
        do {
            verification = VerificationProcess(
                verifier: options.verifier ?? VerificationProcess.verifierBesideThisProgram ?? VerificationProcess.programName,
                timeLimit: options.verificationTimeLimit, totalTimeLimit: .infinity, inBackground: true)
            try verification.check()
            let compiler = try await Compiler.find(explicit: options.compiler, timeLimit: options.compilerTimeLimit)
            // No cache of objects: what is verified is kept as a whole.
            builder = PluginBuilder(
                compiler: compiler, cache: nil, logger: options.logger, timeLimit: options.compilerTimeLimit, inBackground: true)
        } catch let error as ForgeError {
            throw OnDemandError.notCompiled(reason: "\(error)")
        } catch let error as KernelBuildError {
            switch error {
            case .compilerNotFound, .compilerUnusable: throw OnDemandError.notCompiled(reason: "\(error)")
            default: throw error
            }
        }
    }

    /// - Parameters:
    ///   - spec: the problem.
    ///   - onCompile: called before the compiler is; not for a kernel from the cache.
    ///   - onDoubt: told of what went wrong although there is a kernel: an entry of the cache that is no good, a cache that cannot be written.
    /// - Throws: `SchedulingError` where no family takes the problem, `TuningsError`, `EmissionError`, `KernelBuildError`, `PluginError`,
    ///   `VerificationError.notEnoughMemory`, `ForgeError.unsoundKernel`, `.verificationTimedOut`, `CancellationError`.
    func choice(
        for spec: KernelSpec, onCompile: () -> Void, onDoubt: (_ cause: String, _ sentence: Sentence) -> Void
    ) async throws -> KernelChoice {
        let schedule = try schedule(for: spec)
        let unit = try KernelUnit(schedule)
        let source = try PluginSource([unit], templateDigest: templateDigest)
        let key = builder.key(of: source, target: target)
        if let image = cached(key, unit, onDoubt) { return try choice(for: spec, of: image) }

        onCompile()
        let built = try await builder.build(source, target: target, check: { try await verify($0, unit) })
        var path = "memory"
        if let cache = options.cache {
            do {
                path = try cache.storeVerified(built, key)
                cache.evict()
            } catch {
                onDoubt("cache", "The cache in \(cache.folder) cannot be written, so kernels are kept in this process only. \(error)")
            }
        }
        return try choice(for: spec, of: PluginImage(bytes: built.bytes, path: path))
    }

    private func schedule(for spec: KernelSpec) throws -> Schedule {
        var decision: Decision?
        if let path = options.tunings,
            case .decision(let found, _) = try Tunings(path: path, target: target).lookup(spec.key, target: target, threads: options.threads)
        {
            decision = found
        }
        return try KernelSelection.schedule(ResolvedLayer(spec, name: spec.key.text), target, decision, options.threads) { _ in }
    }

    /// The kernel that this process or an earlier one put into the cache after it was verified. The loader reads it as it reads any plugin: what is
    /// damaged, or may have been written by others, is refused, and made again.
    private func cached(_ key: String, _ unit: KernelUnit, _ onDoubt: (String, Sentence) -> Void) -> PluginImage? {
        guard let path = options.cache?.verifiedPlugin(key) else { return nil }
        do {
            let image = try PluginImage(path: path)
            let found = image.file.descriptors.map(\.name)
            if found == [unit.name] { return image }
            onDoubt(path, "The cache entry \(path) has \(found.joined(separator: ", ")); expected \(unit.name). Making the kernel again.")
        } catch {
            onDoubt(path, "\(error) Making the kernel again.")
        }
        return nil
    }

    /// In a process of its own, before anything of the plugin is mapped here or put into the cache.
    private func verify(_ built: BuiltPlugin, _ unit: KernelUnit) async throws {
        let plugin = UnplacedPlugin(built, [unit.schedule.spec])
        switch plugin.obstacle {
        case .missingFeatures(let missing): throw PluginError.missingFeatures(path: unit.name, kernel: unit.name, features: missing)
        case .memory(let needed, let available): throw VerificationError.notEnoughMemory(kernel: unit.name, needed: needed, available: available)
        case nil: break
        }
        for verdict in try await plugin.verdicts(of: verification) {
            // That says nothing about the kernel.
            if case .timedOut(let seconds)? = verdict.interruption { throw ForgeError.verificationTimedOut(kernel: verdict.kernel, seconds: seconds) }
            if let fault = verdict.fault { throw ForgeError.unsoundKernel(verdict.kernel, reason: fault) }
        }
    }

    /// A lookup among the plugin's kernels, so that what is left to the caller and what is said are as for any plugin.
    private func choice(for spec: KernelSpec, of image: PluginImage) throws -> KernelChoice {
        let registry = KernelRegistry(logger: options.logger)
        registry.register(try image.kernels())
        return try registry.lookup(spec, mode: .specialized)
    }
}
