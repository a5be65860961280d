import Glibc
import Subprocess

/// Runs one program to its end, or stops it and everything it started.
package enum ChildProcess {
    package struct Outcome: Sendable {
        package let succeeded: Bool
        /// Such as "exit status 1" or "signal 9".
        package let status: String
        package let standardOutput: String
        package let standardError: String
    }

    private enum Event: Sendable {
        case ended(Outcome)
        case limitReached
    }

    /// More output than this is an error of its own.
    private static let outputLimit = 4 << 20

    /// - Parameters:
    ///   - command: the program's path, then its arguments.
    ///   - what: names the work in errors.
    ///   - folder: where it runs; nil for the folder of this process.
    ///   - environment: `NAME=VALUE` with a zero at the end; nil for the environment of this process, except for the language of messages.
    ///   - seconds: how long it may take, not counting the time for which this process was stopped.
    ///   - inBackground: whether it gets processor time only that others leave, through the program `nice`, where there is one.
    /// - Throws: `KernelBuildError.timedOut`; `.compilationFailed` when it could not be run or printed too much; `.fileSystem` when no
    ///   more files can be opened, or the system has no room for another process; `CancellationError`.
    package static func run(
        _ command: [String], what: String, folder: String? = nil, environment: [[UInt8]]? = nil, seconds: Double, inBackground: Bool = false
    ) async throws -> Outcome {
        try FileDescriptors.require(toStart: command[0])
        var options = PlatformOptions()
        // A group of its own, ended as a whole: clang's compiler and linker processes would outlive the driver otherwise.
        options.processGroupID = 0
        options.teardownSequence = [
            .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .milliseconds(100))
        ]
        let platformOptions = options
        // The system has a priority for each thread and its children, and no way to give one to a child before it runs.
        let nice = inBackground ? searchFolders().map { $0 + "/nice" }.first(where: isExecutableFile) : nil
        let words = (nice.map { [$0, "-n", "10"] } ?? []) + command
        do {
            let first = try await withThrowingTaskGroup(of: Event.self) { group in
                group.addTask {
                    let result = try await Subprocess.run(
                        .path(.init(words[0])), arguments: Arguments(Array(words.dropFirst())),
                        environment: environment.map { .custom($0) } ?? .inherit.updating(["LC_ALL": "C"]), workingDirectory: folder.map { .init($0) },
                        platformOptions: platformOptions, output: .string(limit: outputLimit),
                        error: .string(limit: outputLimit))
                    let status =
                        switch result.terminationStatus {
                        case .exited(let code): "exit status \(code)"
                        case .signaled(let signal): "signal \(signal)"
                        }
                    return .ended(
                        Outcome(
                            succeeded: result.terminationStatus.isSuccess, status: status,
                            standardOutput: result.standardOutput, standardError: result.standardError))
                }
                group.addTask {
                    try await AwakeTime().count(to: seconds)
                    return .limitReached
                }
                defer { group.cancelAll() }
                return try await group.next() ?? .limitReached
            }
            try Task.checkCancellation()
            switch first {
            case .ended(let outcome): return outcome
            case .limitReached: throw KernelBuildError.timedOut(what: what, command: command, seconds: seconds)
            }
        } catch let error as SubprocessError {
            try Task.checkCancellation()
            // It says nothing about the program.
            if let number = error.underlyingError?.rawValue, [EAGAIN, ENOMEM, EMFILE, ENFILE].contains(number) {
                throw KernelBuildError.fileSystem(operation: "start", path: command[0], errorNumber: number)
            }
            throw KernelBuildError.compilationFailed(
                what: what, command: command, status: "no result", standardError: error.description)
        }
    }
}
