import Glibc
import VoxKernelRuntime
import VoxTensors

/// How long the calls of a layer or a model took, in seconds.
public struct CallTiming: Hashable, Sendable {
    /// The first call after the weights were packed.
    public let first: Double
    /// Of the calls after the first.
    public let median: Double
    /// Of the same calls.
    public let minimum: Double
    /// How many calls `median` and `minimum` are of.
    public let count: Int

    /// Calls a layer on input and output memory that is resident already: once, then at least `minimumCalls` times and at least
    /// for `seconds`, except that `maximumSeconds` end it after any call.
    /// - Throws: as `PreparedLayer.call(_:into:threads:)`.
    public static func measure(
        _ layer: PreparedLayer, _ x: Tensor, into y: inout Tensor, threads: Int, minimumCalls: Int, seconds: Double,
        maximumSeconds: Double = .infinity
    ) throws -> CallTiming {
        try measure(minimumCalls: minimumCalls, seconds: seconds, maximumSeconds: maximumSeconds) {
            try layer.call(x, into: &y, threads: threads)
        }
    }

    /// As `measure` of a layer, for whatever is called.
    package static func measure(
        minimumCalls: Int, seconds: Double, maximumSeconds: Double = .infinity, _ call: () throws -> Void
    ) throws -> CallTiming {
        let first = try time(call)
        var times: [Double] = []
        var total = 0.0
        repeat {
            let duration = try time(call)
            times.append(duration)
            total += duration
        } while (times.count < minimumCalls || total < seconds) && total < maximumSeconds
        return CallTiming(first: first, median: Self.median(times), minimum: times.min() ?? 0, count: times.count)
    }

    /// The middle value, or the mean of the two in the middle.
    /// - Parameter values: at least one.
    package static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// Seconds a piece of work takes.
    package static func time(_ body: () throws -> Void) rethrows -> Double {
        let start = now()
        try body()
        return now() - start
    }

    /// Seconds of a clock that only advances.
    package static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
    }
}

/// Minor page faults of this process so far.
package func minorPageFaults() -> Int {
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    return usage.ru_minflt
}
