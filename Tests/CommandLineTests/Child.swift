import Foundation
import Glibc
import VoxTensorIO
import VoxTensors
import _TestSupport

/// `voxelsmith`, or another program of the package, as a child of this process that can be given limits and signals, and whose peak of memory is known
/// at its end.
///
/// Used by one task at a time; while that waits, by the thread that waits for it.
final class Child: @unchecked Sendable {
    struct Outcome {
        /// nil when a signal ended it.
        let status: Int32?
        let signal: Int32?
        let output: String
        let errors: String
        /// The most bytes of memory it had at once, looked at every half millisecond. The kernel keeps the highest mark, so only what comes
        /// after the last look is missed. (What `wait4` reports begins with the memory of the process that started it.)
        let peakBytes: Int
        let seconds: Double
        /// Processor time of all its threads, which does not grow while others have the processors.
        let processorSeconds: Double
    }

    struct CouldNotStart: Error { let number: Int32 }

    let identifier: pid_t
    private let folder: TemporaryFolder
    private let start = ContinuousClock.now

    /// - Parameters:
    ///   - wrapper: a command that runs the one that follows it, such as `limited`.
    ///   - environment: added to this process's.
    ///   - program: another program to run.
    init(_ arguments: [String], wrapper: [String] = [], environment: [String: String] = [:], program: URL = Voxelsmith.program) throws {
        folder = try TemporaryFolder()
        let command = wrapper + [program.path] + arguments
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, folder.path("output"), O_WRONLY | O_CREAT, 0o600)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, folder.path("errors"), O_WRONLY | O_CREAT, 0o600)
        // Whatever the runner of the tests left open is none of the program's, and counts against limits of files.
        for case let descriptor? in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").map(Int32.init) where descriptor > STDERR_FILENO {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }
        // This process's threads may block signals, and it may ignore those that a job in the background ignores.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var ending = sigset_t()
        sigemptyset(&ending)
        for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&ending, signal) }
        posix_spawnattr_setsigdefault(&attributes, &ending)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let all = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        var variables: [UnsafeMutablePointer<CChar>?] = all.map { strdup("\($0)=\($1)") } + [nil]
        var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { for case let text? in variables + words { free(text) } }
        var identifier = pid_t()
        let number = posix_spawn(&identifier, command[0], &actions, &attributes, &words, &variables)
        if number != 0 { throw CouldNotStart(number: number) }
        self.identifier = identifier
    }

    func send(_ signal: Int32) { kill(identifier, signal) }

    /// Waits for its end; one that takes longer than `seconds` from now on is killed, and reported with signal 9. (From its start would be too strict: a task
    /// that waited for something else may have gone on late, when tests have all threads that tasks share.)
    func wait(seconds: Double = 120) async -> Outcome {
        // A thread of its own: tasks share few.
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: self.outcome(seconds: seconds)) }
        }
    }

    private func outcome(seconds: Double) -> Outcome {
        let limit = ContinuousClock.now + .seconds(seconds)
        var status = Int32()
        var peak = 0
        var usage = rusage()
        while wait4(identifier, &status, WNOHANG, &usage) == 0 {
            if ContinuousClock.now > limit { send(SIGKILL) }
            peak = max(peak, highWaterMark)
            usleep(500)
        }
        let signal = status & 0x7f
        func text(_ name: String) -> String { String(decoding: FileManager.default.contents(atPath: folder.path(name)) ?? Data(), as: UTF8.self) }
        return Outcome(
            status: signal == 0 ? status >> 8 & 0xff : nil, signal: signal == 0 ? nil : signal, output: text("output"), errors: text("errors"),
            peakBytes: peak, seconds: (ContinuousClock.now - start) / .seconds(1),
            processorSeconds: [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + 1e-6 * Double($1.tv_usec) })
    }

    /// The kernel's mark of this process's memory, in bytes; 0 once it has ended, and while it is still a copy of this process, whose
    /// memory and mark it shares until it becomes the program.
    private var highWaterMark: Int {
        let files = FileManager.default
        guard let program = try? files.destinationOfSymbolicLink(atPath: "/proc/\(identifier)/exe"),
            program != (try? files.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        else { return 0 }
        guard let status = files.contents(atPath: "/proc/\(identifier)/status") else { return 0 }
        let line = String(decoding: status, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) << 10
    }

    static func run(
        _ arguments: [String], wrapper: [String] = [], environment: [String: String] = [:], seconds: Double = 120, program: URL = Voxelsmith.program
    ) async throws -> Outcome {
        try await Child(arguments, wrapper: wrapper, environment: environment, program: program).wait(seconds: seconds)
    }

    /// Runs a command with a limit of the shell's `ulimit`: `n` for open files, `v` for kilobytes of addresses.
    static func limited(_ option: Character, _ value: Int) -> [String] { shell("ulimit -\(option) \(value) && exec \"$@\"") }

    /// Runs a script of the shell's in which `"$@"` is the command.
    static func shell(_ script: String) -> [String] { ["/bin/sh", "-c", script, "sh"] }

    /// Runs such a script as root of its own world of mounts; nil where this machine does not allow that.
    static func mounting(_ script: String) -> [String]? {
        for options in [["-rm"], ["-m"]] {
            let prefix = ["/usr/bin/env", "unshare"] + options
            let probe = Process()
            probe.executableURL = URL(fileURLWithPath: prefix[0])
            probe.arguments = Array(prefix.dropFirst()) + ["/bin/sh", "-c", "mount -t tmpfs -o size=64k none /mnt"]
            probe.standardError = FileHandle.nullDevice
            guard (try? probe.run()) != nil else { continue }
            probe.waitUntilExit()
            if probe.terminationStatus == 0 { return prefix + shell(script) }
        }
        return nil
    }
}

extension Child.Outcome {
    /// Whether it failed in its work and said why in one sentence; compilers' own words may follow.
    func isFailure(_ words: String...) -> Bool {
        status == 1 && errors.hasPrefix("voxelsmith: ") && words.allSatisfy { errors.contains($0) }
    }
}

/// Whether any process has `mark` in its command line, once those about to end have had a moment.
func isRunning(_ mark: String) async -> Bool {
    for _ in 0..<100 {
        let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "/proc"))?.filter { Int($0) != nil } ?? []
        let found = numbers.contains { number in
            guard let line = FileManager.default.contents(atPath: "/proc/\(number)/cmdline") else { return false }
            return String(decoding: line.map { $0 == 0 ? 32 : $0 }, as: UTF8.self).contains(mark)
        }
        if !found { return false }
        try? await Task.sleep(for: .milliseconds(20))
    }
    return true
}

extension TemporaryFolder {
    /// Makes a folder only its owner may enter.
    /// - Returns: its path.
    func makeFolder(_ name: String) throws -> String {
        try FileManager.default.createDirectory(
            atPath: path(name), withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        return path(name)
    }

    /// Writes an executable script of the shell's.
    func script(_ name: String, _ body: String) throws -> String {
        let (text, file) = (try write(name + ".text", "#!/bin/sh\n\(body)\n"), path(name))
        // A process of its own writes the script: were it open here, a process that another test starts just then would hold it
        // open for a moment, and it could not be executed ("Text file busy").
        let copying = Process()
        copying.executableURL = URL(fileURLWithPath: "/bin/sh")
        copying.arguments = ["-c", "mv \"$0\" \"$1\".moved && cp \"$1\".moved \"$1\" && chmod 755 \"$1\" && rm \"$1\".moved", text, file]
        try copying.run()
        copying.waitUntilExit()
        return file
    }

    /// The layer `TinyLayer`, an input and weights for it.
    /// - Returns: arguments of `run` up to `--output`.
    func tinyRun() throws -> [String] {
        let layer = try write("layer.json", TinyLayer.json())
        try NPY.write(TinyLayer.random(TinyLayer.inputShape, seed: 1), to: path("x.npy"))
        try NPZFile.write([("kernel", TinyLayer.random(TinyLayer.kernelShape, seed: 2)), ("bias", TinyLayer.random([5], seed: 3))], to: path("w.npz"))
        return ["run", layer, "--input", path("x.npy"), "--weights", path("w.npz"), "--output"]
    }
}
