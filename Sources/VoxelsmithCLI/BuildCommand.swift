import ArgumentParser
import VoxForge
import VoxLayerSpec

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

    @OptionGroup var verifierOption: VerifierOption
    @OptionGroup var reportOption: ReportOption
    @OptionGroup var trust: TrustOptions
    @OptionGroup var verbosity: VerbosityOptions

    var files: NamedFiles {
        var files = NamedFiles()
        source.list(in: &files)
        compilerOptions.list(in: &files)
        verifierOption.list(in: &files)
        // Measuring reads the decisions and writes them.
        if effort == .measure { files.writes(tunings, "--tunings") } else { files.reads(tunings, "--tunings") }
        files.writesPlugin(output)
        reportOption.list(in: &files)
        return files
    }

    func run() async throws {
        if effort == .estimate && tuningOptions.timeLimit != nil {
            throw CommandFailure.unusedOption("--time-limit", needs: "--effort measure")
        }
        if !verify && verifierOption.verifier != nil { throw CommandFailure.opposedOptions("--verifier", "--no-verify") }
        let schedules: ScheduleSource = switch effort {
        case .measure: .measuring(tunings: tunings, threads: tuningOptions.threads, timeLimit: tuningOptions.timeLimit)
        case .estimate: tunings.map { .tunings(path: $0, threads: tuningOptions.threads) } ?? .estimate
        }
        let build = PluginBuild(
            target: targetOption.target, builder: try await compilerOptions.builder(), output: output,
            verifier: verify ? try verifierOption.path() : nil, trustedFolders: trust.trustedFolders, policy: policy,
            schedules: schedules)
        let report = try await build.run(source.file, onEvent: Console.tell)
        Console.say(report, verify: verify)
        try reportOption.write(report)
    }
}
