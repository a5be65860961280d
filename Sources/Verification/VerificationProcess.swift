import Glibc
import Synchronization
import VoxKernelBuild
import VoxKernelRuntime
import VoxLayerSpec

/// What became of one kernel that was verified in a process of its own.
public struct KernelVerdict: Hashable, Sendable {
    /// Why not all checks were done.
    public enum Interruption: Hashable, Sendable, CustomStringConvertible {
        /// A signal ended the process: 11 or 7 after a read or write outside the buffers, which lie against inaccessible pages.
        case crashed(status: String)
        case timedOut(seconds: Double)
        /// The time for all kernels together was over before this kernel's turn, or during it.
        case notReached(totalSeconds: Double)
        /// The process gave up, with what it said.
        case gaveUp(String)

        public var description: String {
            let sentence: Sentence = switch self {
            case .crashed(let status) where ["signal 11", "signal 7"].contains(status):
                "it read or wrote outside its buffers (\(status))"
            case .crashed(let status): "it crashed (\(status))"
            case .timedOut(let seconds): "it took longer than \(seconds) seconds"
            case .notReached(let seconds): "the \(seconds) seconds for all kernels were over before it was done"
            case .gaveUp(let reason): "\(reason)"
            }
            return sentence.text
        }
    }

    /// Its name.
    public let kernel: String
    /// The checks that were done, in their order.
    public let checks: [VerificationCheck]
    /// nil when all checks were done.
    public let interruption: Interruption?
    /// Time from the start of its process to the end.
    public let seconds: Double

    /// Whether all checks were done and passed.
    public var isSound: Bool { interruption == nil && !checks.isEmpty && checks.allSatisfy { $0.failure == nil } }
}

/// Verifies the kernels of a plugin, each in a process of its own: one that crashes, hangs, writes outside its buffers or answers
/// wrongly is named, and the next one has its turn. This process maps and executes nothing of the plugin.
public struct VerificationProcess: Sendable {
    /// The program, and its arguments before the plugin's path, the plugin's digest and the number of the kernel. It calls
    /// `verifyKernel`.
    private let command: [String]
    private let timeLimit: Double
    private let totalTimeLimit: Double
    private let trustedFolders: [String]

    /// Most layers take seconds; this is for those of many millions of voxels.
    public static let defaultTimeLimit = 600.0
    /// For all kernels of a plugin: some thousand of the usual ones.
    public static let defaultTotalTimeLimit = 3600.0

    /// - Parameters:
    ///   - command: the program, and its first arguments.
    ///   - timeLimit: seconds one kernel may take.
    ///   - totalTimeLimit: seconds all kernels of a plugin may take together.
    ///   - trustedFolders: as `KernelRegistry`'s; `command` hands them on by itself.
    public init(
        command: [String], timeLimit: Double = VerificationProcess.defaultTimeLimit,
        totalTimeLimit: Double = VerificationProcess.defaultTotalTimeLimit, trustedFolders: [String] = []
    ) {
        self.command = command
        self.timeLimit = timeLimit
        self.totalTimeLimit = totalTimeLimit
        self.trustedFolders = trustedFolders
    }

    /// - Parameters:
    ///   - path: of the file.
    ///   - onKernel: called with the number of the kernel that is next, and of all.
    /// - Returns: one verdict for each kernel, in the order of the plugin; one that this machine cannot run gives up with the reason.
    /// - Throws: `PluginError` for a plugin none of whose kernels this machine can run, `KernelBuildError.fileSystem` when no process can be started,
    ///   `CancellationError`.
    public func verify(plugin path: String, onKernel: (Int, Int) -> Void = { _, _ in }) async throws -> [KernelVerdict] {
        let file = try PluginFile(path: path, trustedFolders: trustedFolders)
        try file.checkMachine()
        var verdicts: [KernelVerdict] = []
        let time = AwakeTime()
        async let _ = time.count(to: .infinity)  // until this function ends
        for (index, descriptor) in file.descriptors.enumerated() {
            onKernel(index, file.descriptors.count)
            verdicts.append(try await verify(descriptor, file, index, secondsLeft: totalTimeLimit - time.seconds))
        }
        return verdicts
    }

    private func verify(
        _ kernel: KernelDescriptor, _ file: PluginFile, _ index: Int, secondsLeft: Double
    ) async throws -> KernelVerdict {
        let start = ContinuousClock.now
        func verdict(_ checks: [VerificationCheck], _ interruption: KernelVerdict.Interruption?) -> KernelVerdict {
            KernelVerdict(kernel: kernel.name, checks: checks, interruption: interruption, seconds: (ContinuousClock.now - start) / .seconds(1))
        }
        let isLast = secondsLeft < timeLimit
        let seconds = min(timeLimit, secondsLeft)
        if seconds <= 0 { return verdict([], .notReached(totalSeconds: totalTimeLimit)) }
        let arguments = [file.path, file.digest, "\(index)", "\(Checked.duration(seconds: seconds).components.seconds + 6)"]
        do {
            let outcome = try await ChildProcess.run(command + arguments, what: kernel.name, seconds: seconds)
            let (checks, isComplete) = Self.parse(outcome.standardOutput)
            if outcome.succeeded && isComplete { return verdict(checks, nil) }
            if outcome.status.hasPrefix("signal") { return verdict(checks, .crashed(status: outcome.status)) }
            let reason = outcome.standardError.split(separator: "\n").first.map(String.init)
            return verdict(checks, .gaveUp(reason ?? "its process ended with \(outcome.status)"))
        } catch let error as KernelBuildError {
            switch error {
            case .timedOut where isLast: return verdict([], .notReached(totalSeconds: totalTimeLimit))
            case .timedOut(_, _, let seconds): return verdict([], .timedOut(seconds: seconds))
            case .compilationFailed(_, _, _, let text): return verdict([], .gaveUp("its process could not be run: \(text)"))
            default: throw error  // says nothing about the kernel
            }
        }
    }

    // MARK: The other process

    private static let end = "end"

    /// Verifies one kernel in this process and prints each check as it is done.
    /// - Parameters:
    ///   - index: of the kernel in the plugin.
    ///   - path: of the file.
    ///   - digest: the plugin must have it, as it is the one that was asked about.
    ///   - secondsToLive: ends this process by itself, should its parent be gone.
    ///   - trustedFolders: as `KernelRegistry`'s.
    /// - Throws: `PluginError`, and what `KernelVerifier` throws.
    public static func verifyKernel(
        _ index: Int, plugin path: String, digest: String, secondsToLive: Int, trustedFolders: [String] = []
    ) throws {
        end(after: secondsToLive)
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)  // a crash is an answer here, not a bug to look into
        // Swift's own handlers would look for a backtrace, which takes seconds.
        for number in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP] { signal(number, SIG_DFL) }
        let image = try PluginImage(path: path, trustedFolders: trustedFolders)
        guard image.file.digest == digest else { throw PluginError.imageDiffers(path: path) }
        guard image.file.descriptors.indices.contains(index) else { throw PluginError.imageDiffers(path: path) }
        _ = try KernelVerifier(image.kernel(at: index)).verify { check in print(line(check)) }
        print(line(end))
    }

    private static let secondsLeft = Atomic(0)

    /// Ends this process by SIGALRM after so many seconds, not counting those for which it was stopped. The timer sends a signal each second, and
    /// a stopped process gets only one of them.
    private static func end(after seconds: Int) {
        secondsLeft.store(seconds, ordering: .relaxed)
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { number in
            if VerificationProcess.secondsLeft.subtract(1, ordering: .relaxed).newValue > 0 { return }
            signal(number, SIG_DFL)
            raise(number)
        }
        action.sa_flags = SA_RESTART
        sigaction(SIGALRM, &action, nil)
        let second = timeval(tv_sec: 1, tv_usec: 0)
        var timer = itimerval(it_interval: second, it_value: second)
        setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &timer, nil)
    }

    private static func print(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return }
            bytes = bytes.dropFirst(count)
        }
    }

    private static func line(_ fields: String...) -> String {
        fields.map { field in field.map { $0 == "\t" || $0.isNewline ? " " : String($0) }.joined() }.joined(separator: "\t") + "\n"
    }

    private static func line(_ check: VerificationCheck) -> String {
        check.failure.map { line("failed", check.name, $0) } ?? line("passed", check.name)
    }

    private static func parse(_ output: String) -> (checks: [VerificationCheck], isComplete: Bool) {
        var checks: [VerificationCheck] = []
        for text in output.split(separator: "\n") {
            let fields = text.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            switch (fields[0], fields.count) {
            case ("passed", 2): checks.append(VerificationCheck(name: fields[1], failure: nil))
            case ("failed", 3): checks.append(VerificationCheck(name: fields[1], failure: fields[2]))
            case (end, 1): return (checks, true)
            default: return (checks, false)
            }
        }
        return (checks, false)
    }
}
