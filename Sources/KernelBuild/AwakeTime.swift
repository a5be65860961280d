import Synchronization

/// Time that passed while this process could run: wall time less the time for which it was stopped (Ctrl-Z, SIGSTOP, a frozen
/// container). Limits of other processes are counted in it, since a compiler goes on while we are stopped and would be found far
/// beyond its limit, though nobody could have looked sooner.
///
/// The system does not tell a process for how long it was stopped, so time is counted in ticks. A tick that took half a second
/// longer than it was meant to counts as one tick: the process was stopped meanwhile, or had no processor.
package final class AwakeTime: Sendable {
    private let counted = Mutex(0.0)

    private static let tick = 0.1
    private static let tolerance = 0.5

    package init() {}

    /// Seconds counted so far.
    package var seconds: Double { counted.withLock { $0 } }

    /// Counts until `limit` seconds are reached.
    /// - Throws: `CancellationError`.
    package func count(to limit: Double) async throws {
        while seconds < limit {
            let (tick, start) = (min(Self.tick, limit - seconds), ContinuousClock.now)
            try await Task.sleep(for: .seconds(tick))
            let passed = (ContinuousClock.now - start) / .seconds(1)
            counted.withLock { $0 += passed < tick + Self.tolerance ? passed : tick }
        }
    }
}
