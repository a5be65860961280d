import ArgumentParser
import LayerSpec
import Scheduling
import Tuning

struct BuildCommand: ReportingVerb, AsyncParsableCommand {
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

    @Flag(inversion: .prefixedNo, exclusivity: .exclusive, help: "Check every kernel before the plugin is put in place, where this machine can run it.")
    var verify = true

    @OptionGroup var reportOption: ReportOption
    @OptionGroup var trust: TrustOptions
    @OptionGroup var verbosity: VerbosityOptions

    var files: NamedFiles {
        var files = NamedFiles()
        source.list(in: &files)
        compilerOptions.list(in: &files)
        // Measuring reads the decisions and writes them.
        if effort == .measure { files.writes(tunings, "--tunings") } else { files.reads(tunings, "--tunings") }
        PluginBuild.list(output: output, in: &files)
        reportOption.list(in: &files)
        return files
    }

    func run() async throws {
        if effort == .estimate && tuningOptions.timeLimit != nil {
            throw CommandFailure.unusedOption("--time-limit", needs: "--effort measure")
        }
        let target = targetOption.target
        let builder = try await compilerOptions.builder()
        let build = PluginBuild(target: target, builder: builder, output: output, verify: verify, trustedFolders: trust.trustedFolders)
        try build.checkPlace()  // before anything is measured
        let layers = try source.resolved(policy: policy)
        let tuning = TuningRun(layers, target: target, builder: builder, options: tuningOptions)
        var decisions: [SpecKey: Decision] = [:]
        if effort == .measure {
            decisions = try await tuning.measure(tunings).compactMapValues(\.decision)
        } else if let tunings {
            decisions = try tuning.decisions(of: tunings)
        }
        try reportOption.write(try await build.run(layers, of: source.layers, decisions: decisions))
    }
}
