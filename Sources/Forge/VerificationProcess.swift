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
    ///   - verifier: the path of `voxelsmith-verify`, the program that verifies one kernel.
    ///   - timeLimit: seconds one kernel may take.
    ///   - totalTimeLimit: seconds all kernels of a plugin may take together.
    ///   - trustedFolders: as `KernelRegistry`'s.
    ///   - inBackground: whether the processes have a low priority.
    public init(
        verifier: String, timeLimit: Double = VerificationProcess.defaultTimeLimit,
        totalTimeLimit: Double = VerificationProcess.defaultTotalTimeLimit, trustedFolders: [String] = [], inBackground: Bool = false
    ) {
        self.verifier = verifier
        self.timeLimit = timeLimit
        self.totalTimeLimit = totalTimeLimit
        self.trustedFolders = trustedFolders
        self.inBackground = inBackground
    }

    /// - Throws: `ForgeError.noVerifier` unless there is a program at the verifier's path.
    func check() throws(ForgeError) {
        if access(verifier, X_OK) != 0 { throw .noVerifier(path: verifier) }
    }

    /// - Parameters:
    ///   - path: of the file.
    ///   - onKernel: called with the number of the kernel that is next, and of all.
    /// - Returns: one verdict for each kernel, in the order of the plugin; one that this machine cannot run gives up with the reason.
    /// - Throws: `ForgeError.noVerifier`, `PluginError` for a plugin none of whose kernels this machine can run, `KernelBuildError.fileSystem` when no process
    ///   can be started, `CancellationError`.
    public func verify(plugin path: String, onKernel: (Int, Int) -> Void = { _, _ in }) async throws -> [KernelVerdict] {
        try check()
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
