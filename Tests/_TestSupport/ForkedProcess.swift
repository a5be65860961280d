import Glibc

/// A copy of this process with the calling thread alone. Swift hides `fork`, since most of what it has does not survive one.
package enum ForkedProcess {
    struct CouldNotStart: Error {}

    /// - Parameter body: what the copy does; its status is the number this returns. Its parent has done the same before: the first time, Swift may
    ///   take locks of its own, which another thread may hold for ever in the copy.
    /// - Returns: its number.
    package static func start(_ body: () -> Int32) throws -> pid_t {
        typealias Function = @convention(c) () -> pid_t
        guard let fork = dlsym(nil, "fork") else { throw CouldNotStart() }
        let child = unsafeBitCast(fork, to: Function.self)()
        if child == 0 { _exit(body()) }
        if child < 0 { throw CouldNotStart() }
        return child
    }

    /// Waits for its end, up to a minute.
    /// - Returns: its status as `waitpid` gives it; nil, and it is killed, when it does not end.
    package static func status(of child: pid_t) -> Int32? {
        var status: Int32 = 0
        for _ in 0..<60_000 {
            if waitpid(child, &status, WNOHANG) == child { return status }
            usleep(1000)
        }
        kill(child, SIGKILL)
        waitpid(child, &status, 0)
        return nil
    }
}
