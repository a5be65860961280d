import ArgumentParser
import VoxForge
import VoxKernelRuntime
import VoxLayerSpec

struct VerifyCommand: ReportingVerb, AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Checks every kernel of a plugin against the interpreter and the identities of convolution.",
        discussion: """
            Each kernel runs in a process of its own, on buffers between inaccessible pages: one that crashes, hangs, leaves its \
            buffers or answers wrongly is named, and so is one that this machine cannot run. Layers of millions of voxels take seconds and gigabytes of memory.
            """)

    @Argument(help: ArgumentHelp("A plugin for this machine.", valueName: "PLUGIN"))
    var plugin: String

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
        files.reads(plugin, "the plugin")
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
            plugin: plugin, verdicts, omitted: omitted.map { PluginVerification.Omitted(name: $0.kernel, reason: $0.reason) })
        try reportOption.write(verification)
        try verification.check()
        let rest = omitted.isEmpty ? "" : ", \(omitted.count) not, as this machine cannot run them"
        Console.say("\(plugin): \(counted(verdicts.count, "kernel")) verified\(rest)")
    }

    private func verdicts(onOmitted: (String, PluginError) -> Void) async throws -> [KernelVerdict] {
        defer { Console.endProgress() }
        return try await VerificationProcess(
            verifier: verifierOption.path(), timeLimit: timeLimit, totalTimeLimit: totalTimeLimit, trustedFolders: trust.trustedFolders
        ).verify(plugin: plugin, onKernel: { Console.tell(.verifying(number: $0 + 1, count: $1)) }, onOmitted: onOmitted)
    }
}
