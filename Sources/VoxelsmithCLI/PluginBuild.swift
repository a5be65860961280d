import Glibc
import KernelBuild
import KernelEmission
import KernelRuntime
import LayerSpec
import Scheduling
import TensorIO
import Tensors
import Verification

/// From layers to a plugin in its place: what `build` and `pregenerate` share.
struct PluginBuild {
    let target: Target
    let builder: PluginBuilder
    /// Where the plugin goes.
    let output: String
    /// Whether kernels are verified before that, where this machine can run them.
    let verify: Bool
    var trustedFolders: [String] = []
    /// Whether a plugin with the same bytes stays as it is, with its time.
    var keepsEqual = false

    /// What is verified is to be loaded later, so it does not go where loading is refused.
    /// - Throws: `PluginError`.
    func checkPlace() throws {
        if verify, missingFeatures.isEmpty { try FileTrust.current(trustedFolders: trustedFolders).check(folderOf: place()) }
    }

    /// Where the plugin comes to stand: a link at the output's path stays, and the file it leads to is replaced.
    private func place() throws -> String { try StagedFile.destination(of: output) }

    private var missingFeatures: [Target.Feature] { target.machine.missing(from: HostCPU.features) }

    /// The files a build puts in place: the plugin, and the record of its verification beside it.
    static func list(output: String, in files: inout NamedFiles) {
        files.writes(output, "--output")
        if !output.isEmpty && output != NamedFiles.stream {
            files.writes(VerificationRecord.path(beside: output), "the record of the verification")
        }
    }

    /// Generates, compiles and verifies, and puts the plugin in place.
    /// - Parameters:
    ///   - source: where the layers come from; for errors.
    ///   - decisions: measured schedules; the estimate is taken where there is none.
    /// - Returns: what was done.
    /// - Throws: what stands in the way; whatever was at the place before is then still there.
    @discardableResult
    func run(_ layers: [ResolvedLayer], of source: String, decisions: [SpecKey: Decision] = [:]) async throws -> BuildReport {
        let start = ContinuousClock.now
        try checkPlace()
        let selection = try KernelSelection(layers, target: target, path: source, decisions: decisions)
        let plugin = try PluginSource(selection.units, templateDigest: templateDigest)
        var known: VerificationRecord?, record: VerificationRecord?
        var (seconds, digest) = (0.0, "")
        let built = try await builder.build(plugin, target: target) { done, steps in
            Console.progress("compiling \(output): \(done) of \(steps)")
        } check: { built in
            Console.endProgress()
            seconds = (ContinuousClock.now - start) / .seconds(1)
            // What the runtime would refuse is not put in place.
            let file = try PluginFile(bytes: built.bytes, path: output)
            digest = file.digest
            known = VerificationRecord.read(beside: output, of: file)
            record = verify && known == nil ? try await verified(built, selection.units, digest: file.digest) : known
        }
        if record == nil { unlink(VerificationRecord.path(beside: output)) }
        if !(keepsEqual && (try? InputFile.bytes(of: output, limit: built.bytes.count)) == built.bytes) { try built.write(to: place()) }
        if known == nil, let record {
            // The plugin is in place and sound; without a record it is only verified again one day.
            do { try record.write(beside: output) } catch { Console.warn("The verification is not recorded. \(error)") }
        }
        let report = BuildReport(
            plugin: output, bytes: built.bytes.count, digest: digest, target: target.name,
            instructionSet: target.instructionSet.rawValue, clang: builder.compiler.version, seconds: seconds,
            compiledUnits: built.compiledUnits, cachedUnits: selection.units.count + 1 - built.compiledUnits,
            kernels: zip(selection.units, selection.layerNames).map { unit, layers in
                BuildReport.Kernel(name: unit.name, key: unit.schedule.spec.key.text, schedule: unit.schedule.text, layers: layers)
            },
            interpreted: selection.interpreted,
            verification: record.map { BuildReport.Verification(seconds: $0.seconds, earlier: known != nil) })
        say(report, isFromCache: built.isFromCache)
        return report
    }

    /// Checks the plugin in a folder of its own, so that a bad one never takes the place of a good one.
    /// - Returns: nil when this machine cannot run it.
    private func verified(_ built: BuiltPlugin, _ units: [KernelUnit], digest: String) async throws -> VerificationRecord? {
        if !missingFeatures.isEmpty {
            let names = missingFeatures.map(\.rawValue).joined(separator: ", ")
            Console.warn("Not verified, as this machine lacks \(names), which \(built.target.name) needs.")
            return nil
        }
        let (needed, available) = (units.map { KernelVerifier.memory(for: $0.schedule.spec) }.max() ?? 0, AvailableMemory.byteCount)
        if needed > available {
            Console.warn("Not verified, as that takes about \(needed) bytes of memory and \(available) are available.")
            return nil
        }
        let folder = try PrivateFolder()
        defer { folder.remove() }
        let unverified = folder.path + "/plugin.so"
        try built.write(to: unverified)
        let verification = PluginVerification(path: unverified)
        let verdicts = try await verification.run()
        let failed = verdicts.filter { !$0.isSound }
        if !failed.isEmpty { Console.show(lines: verification.lines(failed)) }
        do {
            try verification.check(verdicts)
        } catch CommandFailure.verificationFailed(let kernels, _) {
            throw CommandFailure.verificationFailed(kernels: kernels, path: output)
        }
        return VerificationRecord(digest: digest, verdicts)
    }

    private func say(_ report: BuildReport, isFromCache: Bool) {
        let name = report.target == report.instructionSet ? report.target : "\(report.target) (\(report.instructionSet))"
        let origin = isFromCache ? "the whole plugin from the cache" : "\(counted(report.compiledUnits, "unit")) compiled, \(report.cachedUnits) from the cache"
        Console.say("\(output): \(counted(report.kernels.count, "kernel")) for \(name), \(report.bytes) bytes, in \(decimal(report.seconds, 2)) s; \(origin)")
        for kernel in report.kernels { Console.say("  \(kernel.name)") }
        if verify, let verification = report.verification {
            let place = verification.earlier ? ", earlier: \(VerificationRecord.path(beside: output))" : ""
            Console.say("  verified in \(decimal(verification.seconds, 2)) s\(place)")
        }
    }
}
