import Glibc
import VoxKernelBuild
import VoxVerification

/// Why a kernel was not made, as far as others are not made for the same reason.
struct FailureCause {
    /// Failures of one name are of one cause.
    let name: String
    /// Whether another attempt may succeed in the same process.
    let mayPass: Bool

    init(_ error: any Error) {
        switch error {
        case KernelBuildError.fileSystem(_, _, let number): (name, mayPass) = ("file system: \(number)", true)
        case VerificationError.notEnoughMemory: (name, mayPass) = ("memory", true)
        // A compiler that fails does so for every kernel. Its words are English, as it runs without a language.
        case KernelBuildError.compilationFailed(_, _, let status, let words):
            (name, mayPass) = ("compiler: \(status)", words.contains(String(cString: strerror(ENOSPC))))
        case KernelBuildError.timedOut: (name, mayPass) = ("compiler: time", false)
        default: (name, mayPass) = ("\(error)", false)
        }
    }
}
