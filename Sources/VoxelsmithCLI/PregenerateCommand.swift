import ArgumentParser
import Glibc
import VoxForge
import VoxKernelBuild
import VoxLayerSpec
import VoxPregeneration
import VoxTensorIO

/// What the plugins in `Plugins` run for a target: for its build, with a Swift file that loads the kernels, or into a folder.
struct PregenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "pregenerate", abstract: "Internal.", shouldDisplay: false)

    @Argument(help: ArgumentHelp("The folder with \(PregenerationPlan.fileName).", valueName: "DIR"))
    var folder: String

    @Option(name: [.short, .customLong("output")], help: ArgumentHelp("Where plugins and Swift file go.", valueName: "DIR"))
    var output: String

    @Option(help: ArgumentHelp("For a build: the name of the target's resources, package and target.", valueName: "NAME"))
    var bundle: String?

    @Option(parsing: .upToNextOption, help: ArgumentHelp("Files whose changes start a new build, seen from the folder.", valueName: "PATH"))
    var planned: [String] = []

    @Option(name: .customLong("for-version"), help: ArgumentHelp("The version that the build plugin belongs to.", valueName: "VERSION"))
    var pluginVersion: String?

    @OptionGroup var compilerOptions: CompilerOptions
    @OptionGroup var verifierOption: VerifierOption

    func run() async throws {
        // An installed program may be another than the plugin was written for: what it would make might not fit what the plugin declares.
        if let pluginVersion, pluginVersion != Version.number { throw CommandFailure.otherVersion(expected: pluginVersion) }
        let path = "\(folder)/\(PregenerationPlan.fileName)"
        let plan = try PregenerationPlan(bytes: InputFile.bytes(of: path, limit: PregenerationPlan.byteLimit), path: path)
        try files(of: plan, path: path).check()
        let layers = try plan.layers.flatMap { try LayersFile(path: "\(folder)/\($0)").resolved(policy: plan.policy, isFused: true, onEvent: Console.tell) }
        if bundle != nil { try plan.check(planned: planned, path: path) }
        let made = try await plugins(for: layers, plan, path: path)
        guard let bundle else {
            for target in Target.named where !made.contains(target) {
                try TextFiles.remove(plugin(for: target))
                try TextFiles.remove(VerificationRecord.path(beside: plugin(for: target)))
            }
            return
        }
        // SwiftPM asks for the names of all files before the plan is read: what is not made is there, and empty.
        for target in Target.named where !made.contains(target) {
            try replace(plugin(for: target), with: "")
        }
        let source = GeneratedSource(bundle: bundle, buildFolder: output, targets: made)
        try replace(swift, with: source.text)
    }

    /// Makes the plugins.
    /// - Returns: what they are for; less than the plan asks for where it is optional and the compiler is missing or fails.
    private func plugins(for layers: [ResolvedLayer], _ plan: PregenerationPlan, path: String) async throws -> [Target] {
        let schedules: ScheduleSource = plan.tunings.map { .fleet(path: "\(folder)/\($0)", threads: plan.threads) } ?? .estimate
        var made: [Target] = []
        do {
            let builder = try await compilerOptions.builder()
            let verifier = try verifierOption.path()
            for target in plan.targets {
                let build = PluginBuild(
                    targets: PluginTargets(target), builder: builder, output: plugin(for: target), verifier: verifier, keepsEqual: true,
                    threads: plan.threads ?? 1, schedules: schedules)
                Console.say(try await build.run(layers, of: path, onEvent: Console.tell), verify: true)
                made.append(target)
            }
        } catch let error as KernelBuildError where plan.isOptional {
            Console.warn("\(error) Going on without these kernels, as \(path) says that they are optional.")
        }
        return made
    }

    private func plugin(for target: Target) -> String { "\(output)/\(PregeneratedFile.plugin(for: target))" }
    private var swift: String { "\(output)/\(PregeneratedFile.swift)" }

    /// Every file that is read or written. Only the plan names them all, so they are checked once it is read.
    private func files(of plan: PregenerationPlan, path: String) -> NamedFiles {
        var files = NamedFiles()
        files.reads(path, PregenerationPlan.fileName)
        for layer in plan.layers { files.reads("\(folder)/\(layer)", "the layers") }
        files.reads(plan.tunings.map { "\(folder)/\($0)" }, "the tunings")
        compilerOptions.list(in: &files)
        verifierOption.list(in: &files)
        for target in Target.named {
            if plan.targets.contains(target) {
                files.writesPlugin(plugin(for: target))
            } else {
                files.writes(plugin(for: target), "--output")
            }
        }
        if bundle != nil { files.writes(swift, "--output") }
        return files
    }

    /// Writes a file that is not so already: an unchanged one is not compiled or copied again.
    private func replace(_ path: String, with text: String) throws {
        if let bytes = try? InputFile.bytes(of: path), bytes == Array(text.utf8) { return }
        try TextFiles.write(text, to: path)
    }
}
