import ArgumentParser
import Glibc
import VoxForge
import VoxKernelBuild
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensorIO
import VoxelsmithModelIO

struct VerifyCommand: ReportingVerb, AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Checks every kernel of a plugin, or that layers or a model need, against the interpreter and the identities of convolution.",
        discussion: """
            Of a file with layers, the kernels are made as `build` makes them for this machine, and kept nowhere. \
            Each kernel runs in a process of its own, on buffers between inaccessible pages: one that crashes, hangs, leaves its \
            buffers or answers wrongly is named, and so is one that this machine cannot run. Layers of millions of voxels take seconds and gigabytes of memory.
            """)

    @Argument(help: ArgumentHelp("A plugin for this machine, or a file with layers.", valueName: "FILE"))
    var file: String

    @OptionGroup var inputShapes: InputShapesOption

    @Option(help: "Of the kernels for layers. direct: sums only; fast: algebraic rearrangements too. (default: fast)")
    var policy: Policy?

    @OptionGroup var compilerOptions: CompilerOptions

    @Option(name: .customLong("time-limit"), help: ArgumentHelp("Seconds one kernel may take.", valueName: "seconds"))
    var timeLimit = VerificationProcess.defaultTimeLimit

    @Option(name: .customLong("total-time-limit"), help: ArgumentHelp("Seconds all of them may take together.", valueName: "seconds"))
    var totalTimeLimit = VerificationProcess.defaultTotalTimeLimit

    @OptionGroup var verifierOption: VerifierOption
    @OptionGroup var reportOption: ReportOption
    @OptionGroup var trust: TrustOptions
    @OptionGroup var verbosity: VerbosityOptions

    var files: NamedFiles {
        var files = NamedFiles()
        files.reads(file, "the file")
        compilerOptions.list(in: &files)
        verifierOption.list(in: &files)
        reportOption.list(in: &files)
        return files
    }

    func validate() throws {
        for (name, seconds) in [("--time-limit", timeLimit), ("--total-time-limit", totalTimeLimit)] where !(seconds > 0 && seconds <= 1e9) {
            throw ValidationError("Received \(name) \(seconds); expected more than 0 and at most 1e9 seconds.")
        }
    }

    func run() async throws {
        var omitted: [(kernel: String, reason: PluginError)] = []
        let verdicts = try await verdicts { omitted.append(($0, $1)) }
        Console.show(lines: Console.lines(of: verdicts.filter { Console.level != .quiet || !$0.isSound }))
        for (kernel, reason) in omitted { Console.say("\(kernel)\n  not verified: \(reason)") }
        let verification = PluginVerification(
            plugin: file, verdicts, omitted: omitted.map { PluginVerification.Omitted(name: $0.kernel, reason: $0.reason) })
        try reportOption.write(verification)
        try verification.check()
        let rest = omitted.isEmpty ? "" : ", \(omitted.count) not, as this machine cannot run them"
        Console.say("\(file): \(counted(verdicts.count, "kernel")) verified\(rest)")
    }

    private func verdicts(onOmitted: (String, PluginError) -> Void) async throws -> [KernelVerdict] {
        if try holdsLayers() {
            let folder = try PrivateFolder()
            defer { folder.remove() }
            let plugin = folder.path + "/plugin.so"
            try await make(plugin)
            return try await verdicts(of: plugin, onOmitted: onOmitted)
        }
        let given: [(String, Bool)] = [
            ("--input-shape", !inputShapes.shapes.isEmpty), ("--policy", policy != nil), ("--clang", compilerOptions.clang != nil),
            ("--no-cache", compilerOptions.withoutCache),
        ]
        for (option, isGiven) in given where isGiven { throw CommandFailure.unusedOption(option, needs: "a file with layers") }
        return try await verdicts(of: file, onOmitted: onOmitted)
    }

    private func verdicts(of plugin: String, onOmitted: (String, PluginError) -> Void) async throws -> [KernelVerdict] {
        defer { Console.endProgress() }
        return try await VerificationProcess(
            verifier: verifierOption.path(), timeLimit: timeLimit, totalTimeLimit: totalTimeLimit, trustedFolders: trust.trustedFolders
        ).verify(plugin: plugin, onKernel: { Console.tell(.verifying(number: $0 + 1, count: $1)) }, onOmitted: onOmitted)
    }

    /// Whether the file is read as layers: by its first bytes, or because it is a pipe, whose bytes can be read only once.
    private func holdsLayers() throws -> Bool {
        var status = stat()
        guard stat(file, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else { return false }
        if status.st_mode & S_IFMT != S_IFREG { return true }
        let kind = FileKind(start: try InputFile.firstBytes(of: file, count: FileKind.startCount))
        return [.json, .keras, .hdf5].contains(kind)
    }

    /// Makes the kernels of the layers for this machine. A plugin that comes through a pipe is refused: it needs a path, which says whether
    /// it is trusted.
    private func make(_ plugin: String) async throws {
        do {
            let build = PluginBuild(
                targets: try PluginTargets([HostCPU.nativeTarget]), builder: try await compilerOptions.builder(), output: plugin, verifier: nil,
                policy: policy ?? .fast)
            try await build.run(inputShapes.file(file), onEvent: Console.tell)
        } catch ModelIOError.foreignFile(_, .elf, _) {
            throw PluginError.notARegularFile(path: file)
        }
    }
}
