import Foundation
import Glibc
import Synchronization

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

    private final class Ending: Sendable {
        let isAskedFor = Atomic(false)
    }

    /// Forks again and again, until a copy fails, while four threads do something all the time.
    /// - Parameters:
    ///   - count: of copies, where none fails.
    ///   - use: what the threads do.
    ///   - body: what a copy does, as in `start`.
    /// - Returns: what `status(of:)` says of each copy.
    package static func statuses(
        of count: Int, while use: @escaping @Sendable () -> Void, body: @escaping @Sendable () -> Int32
    ) async throws -> [Int32?] {
        // A thread of its own: this one waits, and tasks share few.
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<[Int32?], any Error>) in
            Thread.detachNewThread { continuation.resume(with: Result { try waitedForStatuses(of: count, while: use, body: body) }) }
        }
    }

    private static func waitedForStatuses(
        of count: Int, while use: @escaping @Sendable () -> Void, body: () -> Int32
    ) throws -> [Int32?] {
        let (ending, threads) = (Ending(), DispatchGroup())
        for _ in 0..<4 {
            threads.enter()
            Thread.detachNewThread {
                while !ending.isAskedFor.load(ordering: .relaxed) { use() }
                threads.leave()
            }
        }
        defer {
            ending.isAskedFor.store(true, ordering: .relaxed)
            threads.wait()
        }
        var statuses: [Int32?] = []
        while statuses.count < count, statuses.allSatisfy({ $0 == 0 }) { statuses.append(status(of: try start(body))) }
        return statuses
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
