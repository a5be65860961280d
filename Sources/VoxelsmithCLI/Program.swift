import ArgumentParser
import Glibc
import Logging
import VoxLayerSpec

/// Parses the arguments, runs one verb, and turns errors into one sentence and an exit status.
///
/// `main` is synchronous, so that signals are blocked and what the threads of tasks need is checked before there are any.
@main
enum Program {
    static func main() {
        holdStandardDescriptors()
        // A file beyond the limit of sizes (ulimit -f) is then an error of the one who writes it.
        signal(SIGXFSZ, SIG_IGN)
        LoggingSystem.bootstrap { _ in StandardErrorLog() }
        orFail(of: VoxelsmithCommand()) {
            try checkArguments()
            try VoxelsmithCommand.checkVerb(CommandLine.arguments.dropFirst())
        }
        let command = parsedCommand()
        if let verb = command as? any Verb { Console.level = verb.verbosity.level }
        if let verb = command as? any ReportingVerb, verb.reportOption.isStandardOutput { Console.takeOutput() }
        orFail(of: command) {
            try RepeatedOptions.check(CommandLine.arguments.dropFirst(), of: type(of: command))
            try MachineNeeds.check(startsTasks: command is any AsyncParsableCommand)
            if let verb = command as? any Verb { try verb.files.check() }
        }
        Interruption.watch()
        orFail(of: command) {
            if let command = command as? any AsyncParsableCommand {
                try wait(for: command)
            } else {
                var command = command
                try command.run()
            }
        }
        succeed()
    }

    /// The verb of the arguments with its options.
    private static func parsedCommand() -> any ParsableCommand {
        do {
            return try VoxelsmithCommand.parseAsRoot()
        } catch {
            showHelp(error)
            fail("\(whole: UsageHint.sentence(parsing: error))", status: EX_USAGE)
        }
    }

    /// Does a part of the work; an error ends the program with its sentence.
    private static func orFail(of command: any ParsableCommand, _ body: () throws -> Void) {
        do {
            try body()
        } catch {
            // ArgumentParser prints help by a command of its own, whose error it is.
            showHelp(error)
            fail(error, of: command)
        }
    }

    /// Opens /dev/null in the place of each standard descriptor that is closed. Otherwise the next file that is opened would get its
    /// number, and receive what is printed. Reading from it gives the end, and writing to it fails, as with a closed one.
    private static func holdStandardDescriptors() {
        for descriptor in STDIN_FILENO...STDERR_FILENO {
            var status = stat()
            // The lowest free number is given.
            if fstat(descriptor, &status) != 0, errno == EBADF { _ = open("/dev/null", O_RDONLY) }
        }
    }

    /// Ends the program with help or a completion script, which the parser makes and throws as an error; returns with other errors.
    private static func showHelp(_ error: any Error) {
        if VoxelsmithCommand.exitCode(for: error) != .success { return }
        let text = VoxelsmithCommand.fullMessage(for: error)
        if !text.isEmpty { Console.report(text + "\n") }
        succeed()
    }

    /// Ends the program with success, unless something that was to be shown was lost.
    private static func succeed() -> Never {
        do throws(CommandFailure) { try Console.checkOutput() } catch { fail("\(error)", status: EXIT_FAILURE) }
        Glibc.exit(EXIT_SUCCESS)
    }

    /// Refuses arguments that are not UTF-8. Swift replaces their invalid bytes, so that they would name other files.
    private static func checkArguments() throws(CommandFailure) {
        for index in 0..<Int(CommandLine.argc) {
            guard let argument = CommandLine.unsafeArgv[index], String(validatingCString: argument) == nil else { continue }
            throw .notUTF8(argument: UnsafeRawBufferPointer(start: argument, count: strlen(argument)).map { $0 })
        }
    }

    /// A command on its way to the task that runs it, and the outcome on its way back. Only one side uses either at a time.
    private final class Handed: @unchecked Sendable {
        var command: any AsyncParsableCommand
        var error: (any Error)?
        private let done = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

        init(_ command: any AsyncParsableCommand) {
            self.command = command
            sem_init(done, 0, 0)
        }

        deinit { done.deallocate() }

        func signal() { sem_post(done) }
        func wait() { while sem_wait(done) != 0 && errno == EINTR {} }
    }

    private static func wait(for command: any AsyncParsableCommand) throws {
        let handed = Handed(command)
        Interruption.workBegins()
        let work = Task.detached {
            do { try await handed.command.run() } catch { handed.error = error }
            handed.signal()
        }
        Interruption.onSignal { work.cancel() }
        handed.wait()
        Interruption.workIsDone()
        if let error = handed.error { throw error }
    }

    private static func fail(_ error: any Error, of command: any ParsableCommand) -> Never {
        let error = CommandFailure.inWordsOfOptions(error)
        guard (error as? CommandFailure)?.isWrongUsage == true else { fail("\(lines: "\(error)")", status: EXIT_FAILURE) }
        fail("\(whole: UsageHint.sentence("\(error)", verb: type(of: command)))", status: EX_USAGE)
    }

    private static func fail(_ words: Sentence, status: Int32) -> Never {
        Console.fail(words)
        Glibc.exit(status)
    }
}
