import ArgumentParser
import Glibc
import Logging

/// The command line: parses, runs one verb, and turns errors into one sentence and an exit status.
@main
struct VoxelsmithCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "voxelsmith",
        abstract: "Forges specialised CPU kernels for 3-D transposed convolutions.",
        discussion: """
            LAYERS is a file with one Keras-serialised or ONNX-style layer, a list of them, a suite, a model's to_json, a \
            .keras archive or a whole-model .h5.

            Exit status: 0 on success, 1 when the work failed, 64 on wrong usage. Errors go to standard error.
            """,
        subcommands: [
            DescribeCommand.self, EmitCommand.self, BuildCommand.self, RunCommand.self, VerifyCommand.self, BenchCommand.self,
            TuneCommand.self, RegenerateCommand.self, CacheCommand.self, VerifyKernelCommand.self, TimeCallsCommand.self,
            ThreadsCommand.self,
        ])

    static func main() async {
        LoggingSystem.bootstrap { _ in StandardErrorLog() }
        var command: any ParsableCommand
        do {
            command = try parseAsRoot()
        } catch {
            if exitCode(for: error) == .success { exit(withError: error) }
            fail(message(for: error), status: exitCode(for: error).rawValue)
        }
        do {
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            // ArgumentParser prints help by a command of its own, whose error it is.
            if exitCode(for: error) == .success { exit(withError: error) }
            fail("\(error)", status: (error as? CommandFailure)?.isWrongUsage == true ? EX_USAGE : EXIT_FAILURE)
        }
    }

    private static func fail(_ sentence: String, status: Int32) -> Never {
        Console.endProgress()
        Console.note(sentence)
        Glibc.exit(status)
    }
}
