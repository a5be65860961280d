import ArgumentParser
import Dispatch
import VoxKernelRuntime
import VoxLayerSpec
import VoxTuning

/// Measures what the numbers of the page on threads come from: hidden, as no user needs it.
struct ThreadsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-threads",
        abstract: "Measures handing out work: one thread, the own pool, and Dispatch.",
        discussion: """
            A call is `work` on one thread, cut into 16 equal items; `gap` is what the caller idles between two calls. Times in \
            microseconds, medians of many calls of one way after another.
            """,
        shouldDisplay: false)

    @OptionGroup var threadsOption: ThreadsOption

    @Option(help: "Calls of each way for each row.")
    var calls = 200

    func validate() throws {
        if !(1...1_000_000).contains(calls) { throw ValidationError("Received --calls \(calls); expected at least 1 and at most 1000000.") }
    }

    func run() throws {
        let threads = threadsOption.threads
        let items = 16
        let steps = Self.stepsPerMicrosecond()
        var table = TextTable(["work", "gap", "one thread", "pool", "Dispatch"])
        for gap in [0.0, 10, 30, 100, 1000] {
            for work in [2.0, 4, 10, 20, 40, 100, 200, 1000] {
                let count = Int(min(work * steps / Double(items), 1e9))
                let serial = measure(gap) { for _ in 0..<items { Self.spin(count) } }
                let pool = measure(gap) {
                    try? ThreadPool.shared.run(threads: threads, items: items) { _, range in
                        for _ in range { Self.spin(count) }
                    }
                }
                let dispatch = measure(gap) {
                    DispatchQueue.concurrentPerform(iterations: threads) { thread in
                        for _ in items * thread / threads..<items * (thread + 1) / threads { Self.spin(count) }
                    }
                }
                table.add([decimal(work, 0), decimal(gap, 0)] + [serial, pool, dispatch].map { decimal($0, 1) })
            }
        }
        Console.show("\(counted(threads, "thread")), times in microseconds")
        Console.show(lines: table.text)
    }

    /// The median time of the body with idle time before it, in microseconds.
    private func measure(_ gap: Double, _ body: () -> Void) -> Double {
        CallTiming.median((0..<calls).map { _ in Self.time(after: gap, body) })
    }

    /// Idle for `gap` microseconds, then the time of the body, in microseconds.
    private static func time(after gap: Double, _ body: () -> Void) -> Double {
        let end = now() + gap
        while now() < end {}
        let start = now()
        body()
        return now() - start
    }

    /// A chain of dependent operations that no memory and no other core slows down.
    @inline(never)
    private static func spin(_ steps: Int) {
        var value: UInt64 = 1
        for _ in 0..<steps { value = value &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407 }
        if value == 0 { Console.show("") }  // keeps the chain
    }

    private static func stepsPerMicrosecond() -> Double {
        let steps = 1_000_000
        return Double(steps) / (0..<5).map { _ in time(after: 0) { spin(steps) } }.reduce(.infinity, min)
    }

    /// Microseconds.
    static func now() -> Double { CallTiming.now() * 1e6 }
}
