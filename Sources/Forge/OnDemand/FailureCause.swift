import VoxKernelBuild
import VoxKernelRuntime
import VoxVerification

/// Why a kernel was not made, as far as others are not made for the same reason.
struct FailureCause {
    /// Failures of one name are of one cause.
    let name: String
    /// Whether another attempt may succeed in the same process.
    let mayPass: Bool

    /// What a compiler says that cannot write. Its words are English, whatever the language of this process, as it runs without one.
    private static let fullDisk = ["No space left on device", "Disk quota exceeded"]

    init(_ error: any Error) {
        switch error {
        case KernelBuildError.fileSystem(_, _, let number): (name, mayPass) = ("file system: \(number)", true)
        case VerificationError.notEnoughMemory: (name, mayPass) = ("memory", true)
        case PluginError.loadFailed: (name, mayPass) = ("mapping", true)
        // A compiler that fails does so for every kernel.
        case KernelBuildError.compilationFailed(_, _, let status, let words):
            (name, mayPass) = ("compiler: \(status)", Self.fullDisk.contains { words.contains($0) })
        // In the background there is only the processor time that others leave: what has none for minutes may have some later.
        case KernelBuildError.compilerSilent, KernelBuildError.timedOut: (name, mayPass) = ("compiler: time", true)
        case ForgeError.verificationTimedOut: (name, mayPass) = ("verification: time", true)
        default: (name, mayPass) = ("\(error)", false)
        }
    }
}
