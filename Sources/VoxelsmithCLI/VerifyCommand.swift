import ArgumentParser
import Glibc
import KernelRuntime
import LayerSpec
import Verification

struct VerifyCommand: ReportingVerb, AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Checks every kernel of a plugin against the interpreter and the identities of convolution.",
        discussion: """
            Each kernel runs in a process of its own, on buffers between inaccessible pages: one that crashes, hangs, leaves its \
            buffers or answers wrongly is named. Layers of millions of voxels take seconds and gigabytes of memory.
            """)

    @Argument(help: ArgumentHelp("A plugin for this machine.", valueName: "PLUGIN"))
    var plugin: String

    @Option(name: .customLong("time-limit"), help: ArgumentHelp("Seconds one kernel may take.", valueName: "seconds"))
    var timeLimit = VerificationProcess.defaultTimeLimit

    @Option(name: .customLong("total-time-limit"), help: ArgumentHelp("Seconds all of them may take together.", valueName: "seconds"))
    var totalTimeLimit = VerificationProcess.defaultTotalTimeLimit

    @OptionGroup var reportOption: ReportOption
    @OptionGroup var trust: TrustOptions
    @OptionGroup var verbosity: VerbosityOptions

    var files: NamedFiles {
        var files = NamedFiles()
        files.reads(plugin, "the plugin")
        reportOption.list(in: &files)
        return files
    }

    func validate() throws {
        for (name, seconds) in [("--time-limit", timeLimit), ("--total-time-limit", totalTimeLimit)] where !(seconds > 0 && seconds <= 1e9) {
            throw ValidationError("Received \(name) \(seconds); expected more than 0 and at most 1e9 seconds.")
        }
    }

    func run() async throws {
        let verification = PluginVerification(path: plugin, timeLimit: timeLimit, totalTimeLimit: totalTimeLimit, trustedFolders: trust.trustedFolders)
        let verdicts = try await verification.run()
        Console.show(lines: verification.lines(verdicts.filter { Console.level != .quiet || !$0.isSound }))
        try reportOption.write(VerificationReport(plugin: plugin, verdicts))
        try verification.check(verdicts)
        Console.say("\(plugin): \(counted(verdicts.count, "kernel")) verified")
    }
}

/// What `verify` runs for each kernel.
struct VerifyKernelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "verify-kernel", abstract: "Internal.", shouldDisplay: false)

    @Argument var plugin: String
    @Argument var digest: String
    @Argument var index: Int
    @Argument var secondsToLive: Int
    @OptionGroup var trust: TrustOptions

    func run() throws {
        try VerificationProcess.verifyKernel(index, plugin: plugin, digest: digest, secondsToLive: secondsToLive, trustedFolders: trust.trustedFolders)
    }
}

/// Every check of every kernel of a plugin.
struct PluginVerification {
    let path: String
    var timeLimit = VerificationProcess.defaultTimeLimit
    var totalTimeLimit = VerificationProcess.defaultTotalTimeLimit
    var trustedFolders: [String] = []

    /// - Throws: `PluginError`, `KernelBuildError` when no process can be started, `CancellationError`.
    func run() async throws -> [KernelVerdict] {
        defer { Console.endProgress() }
        return try await VerificationProcess(
            command: [try Self.program(), VerifyKernelCommand.configuration.commandName ?? ""] + trustedFolders.map { "--trust-folder=\($0)" },
            timeLimit: timeLimit, totalTimeLimit: totalTimeLimit, trustedFolders: trustedFolders
        ).verify(plugin: path) { index, count in Console.progress("verifying kernel \(index + 1) of \(count)") }
    }

    /// One line a check.
    func lines(_ verdicts: [KernelVerdict]) -> String {
        var lines: [Sentence] = []
        for verdict in verdicts {
            lines.append("\(verdict.kernel)")
            for check in verdict.checks {
                lines.append(check.failure.map { "  FAILED  \(check.name): \($0)" } ?? "  ok      \(check.name)")
            }
            if let interruption = verdict.interruption { lines.append("  FAILED  \(interruption)") }
        }
        return lines.map { $0.text + "\n" }.joined()
    }

    /// - Throws: `CommandFailure.verificationFailed` unless every kernel is sound.
    func check(_ verdicts: [KernelVerdict]) throws {
        let failed = verdicts.filter { !$0.isSound }.map(\.kernel)
        if !failed.isEmpty { throw CommandFailure.verificationFailed(kernels: failed, path: path) }
    }

    /// The file of this program.
    private static func program() throws -> String {
        guard let path = realpath("/proc/self/exe", nil) else {
            throw CommandFailure.fileSystem(operation: "find", path: "this program's file", reason: String(cString: strerror(errno)))
        }
        defer { free(path) }
        // The other process is this program until it has become one of its own.
        return String(validatingCString: path) ?? "/proc/self/exe"
    }
}

/// The whole of `verify --json`.
struct VerificationReport: Encodable {
    struct Check: Encodable {
        let name: String
        let failure: String?
    }

    struct Kernel: Encodable {
        let name: String
        let sound: Bool
        let seconds: Double
        let checks: [Check]
        /// How its process ended before all checks were done.
        let interruption: String?
    }

    let plugin: String
    let sound: Bool
    let kernels: [Kernel]

    init(plugin: String, _ verdicts: [KernelVerdict]) {
        self.plugin = plugin
        sound = verdicts.allSatisfy(\.isSound)
        kernels = verdicts.map { verdict in
            Kernel(
                name: verdict.kernel, sound: verdict.isSound, seconds: verdict.seconds,
                checks: verdict.checks.map { Check(name: $0.name, failure: $0.failure) },
                interruption: verdict.interruption.map { "\($0)" })
        }
    }
}
