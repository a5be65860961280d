import Glibc
import VoxKernelBuild
import VoxKernelRuntime
import VoxLayerSpec
import VoxVerification

/// Verifies the kernels of a plugin, each in a process of its own: one that crashes, hangs, writes outside its buffers or answers
/// wrongly is named, and the next one has its turn. This process maps and executes nothing of the plugin.
public struct VerificationProcess: Sendable {
    /// The path of `voxelsmith-verify`.
    private let verifier: String
    private let timeLimit: Double
    private let totalTimeLimit: Double
    private let trustedFolders: [String]
    private let inBackground: Bool

    /// Most layers take seconds; this is for those of many millions of voxels.
    public static let defaultTimeLimit = 600.0
    /// For all kernels of a plugin: some thousand of the usual ones.
    public static let defaultTotalTimeLimit = 3600.0

    /// What packages call the program that verifies one kernel.
    public static let programName = "voxelsmith-verify"

    /// The path of `voxelsmith-verify` in the folder of this program, whose links are followed; nil where the system does not say which folder that is.
    public static var verifierBesideThisProgram: String? {
        guard let path = realpath("/proc/self/exe", nil) else { return nil }
        defer { free(path) }
        return String(cString: path).split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/" + programName
    }

    /// - Parameters:
    ///   - verifier: the path of `voxelsmith-verify`, the program that verifies one kernel; a relative one starts at the working folder.
    ///   - timeLimit: seconds one kernel may take.
    ///   - totalTimeLimit: seconds all kernels of a plugin may take together.
    ///   - trustedFolders: as `KernelRegistry`'s.
    ///   - inBackground: whether the processes have a low priority.
    public init(
        verifier: String, timeLimit: Double = VerificationProcess.defaultTimeLimit,
        totalTimeLimit: Double = VerificationProcess.defaultTotalTimeLimit, trustedFolders: [String] = [], inBackground: Bool = false
    ) {
        // `nice` would look on PATH for a name without folders.
        self.verifier = absolutePath(verifier)
        self.timeLimit = timeLimit
        self.totalTimeLimit = totalTimeLimit
        self.trustedFolders = trustedFolders
        self.inBackground = inBackground
    }

    /// - Throws: `ForgeError.noVerifier` unless there is a program at the verifier's path.
    func check() throws(ForgeError) {
        if !isExecutableFile(verifier) { throw .noVerifier(path: verifier) }
    }

    /// - Parameters:
    ///   - path: of the file.
    ///   - onKernel: called with the number of the kernel that is next, and of all that this machine can run.
    ///   - onOmitted: called with the name of each kernel that this machine cannot run, and why; there is no verdict for it.
    /// - Returns: one verdict for each other kernel, in the order of the plugin.
    /// - Throws: `ForgeError.noVerifier`, `PluginError` for a plugin none of whose kernels this machine can run, `KernelBuildError.fileSystem` when no process
    ///   can be started, `CancellationError`.
    public func verify(
        plugin path: String, onKernel: (Int, Int) -> Void = { _, _ in }, onOmitted: (String, PluginError) -> Void = { _, _ in }
    ) async throws -> [KernelVerdict] {
        try check()
        let file = try PluginFile(path: path, trustedFolders: trustedFolders)
        try file.checkMachine()
        var runnable: [Int] = []
        for (index, descriptor) in file.descriptors.enumerated() {
            if let obstacle = file.obstacle(to: descriptor, features: HostCPU.features) {
                onOmitted(descriptor.name, obstacle)
            } else {
                runnable.append(index)
            }
        }
        var verdicts: [KernelVerdict] = []
        let time = AwakeTime()
        async let _ = time.count(to: .infinity)  // until this function ends
        for (number, index) in runnable.enumerated() {
            onKernel(number, runnable.count)
            verdicts.append(try await verify(file.descriptors[index], file, index, secondsLeft: totalTimeLimit - time.seconds))
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
        let secondsToLive = min(Int(Checked.duration(seconds: seconds).components.seconds) + 6, VerificationRequest.mostSecondsToLive)
        let request = VerificationRequest(
            plugin: file.path, digest: file.digest, kernel: index, secondsToLive: secondsToLive, trustedFolders: trustedFolders)
        do {
            let outcome = try await ChildProcess.run([verifier] + request.arguments, what: kernel.name, seconds: seconds, inBackground: inBackground)
            let (checks, isComplete) = VerificationTranscript.read(outcome.standardOutput)
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
}
