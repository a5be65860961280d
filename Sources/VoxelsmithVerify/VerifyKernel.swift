import Glibc
import Synchronization
import VoxKernelRuntime
import VoxLayerSpec
import VoxVerification

/// The program `voxelsmith-verify`: verifies one kernel of a plugin and prints each check as it is done. `VerificationProcess` starts it for each
/// kernel, since one that crashes, hangs or writes outside its buffers then ends this process and harms nothing else.
@main
enum VerifyKernel {
    static func main() {
        do {
            let request: VerificationRequest
            do {
                request = try VerificationRequest(arguments: Array(CommandLine.arguments.dropFirst()))
            } catch {
                fail(error, status: EX_USAGE)
            }
            try verify(request)
        } catch {
            fail(error, status: EXIT_FAILURE)
        }
    }

    private static func verify(_ request: VerificationRequest) throws {
        end(after: request.secondsToLive)
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)  // a crash is an answer here, not a bug to look into
        // Swift's own handlers would look for a backtrace, which takes seconds.
        for number in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP] { signal(number, SIG_DFL) }
        let image = try PluginImage(path: request.plugin, trustedFolders: request.trustedFolders)
        guard image.file.digest == request.digest, image.file.descriptors.indices.contains(request.kernel) else {
            throw PluginError.imageDiffers(path: request.plugin)
        }
        _ = try KernelVerifier(image.kernel(at: request.kernel)).verify { write(VerificationTranscript.line($0), to: STDOUT_FILENO) }
        write(VerificationTranscript.lastLine, to: STDOUT_FILENO)
    }

    private static let secondsLeft = Atomic(0)

    /// Ends this process by SIGALRM after so many seconds, not counting those for which it was stopped. The timer sends a signal each second, and
    /// a stopped process gets only one of them.
    private static func end(after seconds: Int) {
        secondsLeft.store(seconds, ordering: .relaxed)
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { number in
            if VerifyKernel.secondsLeft.subtract(1, ordering: .relaxed).newValue > 0 { return }
            signal(number, SIG_DFL)
            raise(number)
        }
        action.sa_flags = SA_RESTART
        sigaction(SIGALRM, &action, nil)
        let second = timeval(tv_sec: 1, tv_usec: 0)
        var timer = itimerval(it_interval: second, it_value: second)
        setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &timer, nil)
    }

    private static func fail(_ error: any Error, status: Int32) -> Never {
        write("\(error)\n", to: STDERR_FILENO)
        exit(status)
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
