import ArgumentParser
import Glibc
import KernelBuild
import KernelEmission
import KernelRuntime
import LayerSpec
import Scheduling
import Tensors
import Tuning

struct BuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build", abstract: "Generates kernels and compiles them into a plugin.",
        discussion: "Layers that no kernel family takes are named on standard error and left to the interpreter.")

    @OptionGroup var source: LayersOption
    @OptionGroup var targetOption: TargetOption

    @Option(name: [.short, .customLong("output")], help: ArgumentHelp("The plugin file.", valueName: "PLUGIN.so"))
    var output: String

    @Option(help: "direct: sums only; fast: algebraic rearrangements too.")
    var policy = Policy.fast

    @Option(help: "estimate: by the cost model; measure: by compiling and timing candidates on this machine.")
    var effort = Effort.estimate

    @OptionGroup var tuningOptions: TuningOptions
    @OptionGroup var compilerOptions: CompilerOptions

    @Option(help: ArgumentHelp("Measured schedules: read, and written with --effort measure.", valueName: "FILE"))
    var tunings: String?

    @Flag(inversion: .prefixedNo, help: "Check every kernel before the plugin is put in place, where this machine can run it.")
    var verify = true

    func run() async throws {
        if effort == .estimate && tuningOptions.timeLimit != nil {
            throw CommandFailure.unusedOption("--time-limit", needs: "--effort measure")
        }
        let start = ContinuousClock.now
        let target = targetOption.target
        let builder = try await compilerOptions.builder()
        let layers = try source.resolved(policy: policy)
        let tuning = TuningRun(layers, target: target, builder: builder, options: tuningOptions)
        var decisions: [SpecKey: Decision] = [:]
        if effort == .measure {
            decisions = try await tuning.measure(tunings).compactMapValues(\.decision)
        } else if let tunings {
            decisions = try tuning.decisions(of: tunings)
        }
        let selection = try KernelSelection(layers, target: target, path: source.layers, decisions: decisions)
        let plugin = try PluginSource(selection.units, templateDigest: templateDigest)
        let built = try await builder.build(plugin, target: target) { done, steps in
            Console.progress("compiling \(output): \(done) of \(steps)")
        }
        Console.endProgress()
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        // What the runtime would refuse is not put in place.
        let file = try PluginFile(bytes: built.bytes, path: output)
        let known = VerificationRecord.read(beside: output, of: file)
        let record = verify && known == nil ? try await verified(built, selection.units, digest: file.digest) : known
        if record == nil { unlink(VerificationRecord.path(beside: output)) }
        try built.write(to: output)
        if known == nil, let record {
            // The plugin is in place and sound; without a record it is only verified again one day.
            do { try record.write(beside: output) } catch { Console.warn("The verification is not recorded. \(error)") }
        }
        report(built, selection.units, seconds: seconds)
        if verify, let record {
            print("  verified in \(decimal(record.seconds, 2)) s\(known == nil ? "" : ", earlier: \(VerificationRecord.path(beside: output))")")
        }
    }

    /// Checks the plugin under another name, so that a bad one never takes the place of a good one.
    /// - Returns: nil when this machine cannot run it.
    private func verified(_ built: BuiltPlugin, _ units: [KernelUnit], digest: String) async throws -> VerificationRecord? {
        let missing = built.target.requiredFeatures.filter { !HostCPU.features.contains($0) }
        if !missing.isEmpty {
            let names = missing.map(\.rawValue).joined(separator: ", ")
            Console.warn("Not verified, as this machine lacks \(names), which \(built.target.name) needs.")
            return nil
        }
        let (needed, available) = (units.map { KernelVerifier.memory(for: $0.schedule.spec) }.max() ?? 0, AvailableMemory.byteCount)
        if needed > available {
            Console.warn("Not verified, as that takes about \(needed) bytes of memory and \(available) are available.")
            return nil
        }
        let unverified = "\(output).unverified.\(getpid())"
        try built.write(to: unverified)
        defer { unlink(unverified) }
        let verification = PluginVerification(path: unverified)
        let verdicts = try await verification.run()
        let failed = verdicts.filter { !$0.isSound }
        if !failed.isEmpty { print(verification.lines(failed), terminator: "") }
        do {
            try verification.check(verdicts)
        } catch CommandFailure.verificationFailed(let kernels, _) {
            throw CommandFailure.verificationFailed(kernels: kernels, path: output)
        }
        return VerificationRecord(digest: digest, verdicts)
    }

    private func report(_ built: BuiltPlugin, _ units: [KernelUnit], seconds: Double) {
        let target = built.target
        let name = target.name == target.instructionSet.rawValue ? target.name : "\(target.name) (\(target.instructionSet.rawValue))"
        let hits = units.count + 1 - built.compiledUnits
        let origin = built.isFromCache ? "the whole plugin from the cache" : "\(counted(built.compiledUnits, "unit")) compiled, \(hits) from the cache"
        print("\(output): \(counted(units.count, "kernel")) for \(name), \(built.bytes.count) bytes, in \(decimal(seconds, 2)) s; \(origin)")
        for unit in units { print("  \(unit.name)") }
    }
}
