import ArgumentParser
import KernelRuntime
import Tuning

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Checks every kernel of a plugin against the interpreter and the identities of convolution.",
        discussion: "Runs the kernels in this process. Layers of millions of voxels take seconds and gigabytes of memory.")

    @Argument(help: ArgumentHelp("A plugin for this machine.", valueName: "PLUGIN"))
    var plugin: String

    func run() throws { print(try PluginVerification(path: plugin).run(verbose: true), terminator: "") }
}

/// Every check of every kernel of a plugin.
struct PluginVerification {
    let path: String

    /// - Parameter verbose: whether to print the checks of a plugin that fails; those of one that passes are returned.
    /// - Returns: one line a check.
    /// - Throws: `PluginError`, `VerificationError`, `CommandFailure.verificationFailed` when any check failed.
    func run(verbose: Bool) throws -> String {
        let kernels = try PluginImage(path: path).kernels()
        var lines = ""
        var failed: [String] = []
        for (index, kernel) in kernels.enumerated() {
            Console.progress("verifying kernel \(index + 1) of \(kernels.count)")
            let report = try KernelVerifier(kernel).verify()
            Console.endProgress()
            lines += "\(report.kernel)\n"
            for check in report.checks { lines += "  \(check.failure.map { "FAILED" + "  \(check.name): \($0)" } ?? "ok      \(check.name)")\n" }
            if !report.failures.isEmpty { failed.append(report.kernel) }
        }
        if failed.isEmpty { return lines + "\(path): \(counted(kernels.count, "kernel")) verified\n" }
        if verbose { print(lines, terminator: "") }
        throw CommandFailure.verificationFailed(kernels: failed, path: path)
    }
}
