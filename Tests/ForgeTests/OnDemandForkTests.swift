import Glibc
import Logging
import Testing
import VoxForge
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import _TestSupport

/// A process that is forked off while kernels are made and threads ask for them: it answers and computes, whatever its parent's threads held.
@Suite(.serialized) struct OnDemandForkTests {
    /// Writes its messages to a pipe, without locks or memory shared with other threads.
    private struct PipeHandler: LogHandler {
        let descriptor: Int32
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.warning

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let line = Array("\(event.message)\n".utf8)
            _ = write(descriptor, line, line.count)
        }
    }

    /// What children look up, and call.
    private struct Questions: Sendable {
        let kernels: OnDemandKernels
        let options: OnDemandOptions
        let made: KernelSpec
        let pending: KernelSpec
        let sample: (made: ExactSample, pending: ExactSample)
        let forkedReason = "interpreter: \(OnDemandError.forked)"

        init(_ options: OnDemandOptions) throws {
            (kernels, self.options) = (OnDemandKernels(options), options)
            (made, pending) = (try OnDemandBench.spec(0), try OnDemandBench.spec(1))
            sample = (try ExactSample(made, seed: 3), try ExactSample(pending, seed: 4))
        }

        /// 0 when lookups answer as they should, and layers compute.
        /// - Parameter throwing: whether a lookup that throws is among them. Swift Testing takes a lock of its own at each error that is thrown, so
        ///   threads that throw while a process is forked off leave it locked there.
        func check(isQuiet: Bool, throwing: Bool = true) -> Int32 {
            guard let interpreted = try? kernels.lookup(pending), !interpreted.isSpecialized else { return 1 }
            if throwing, (try? kernels.lookup(pending, mode: .specialized)) != nil { return 2 }
            // The lock may be held, by a thread that is not in this process.
            guard let choice = try? kernels.lookup(made), choice.isSpecialized || !isQuiet else { return 3 }
            if !Self.isRight(pending, interpreted, sample.pending) { return 4 }
            return Self.isRight(made, choice, sample.made) ? 0 : 5
        }

        /// 0 when that is so in a process that was forked off, and a provider of its own, for which nobody would work, says that it makes no kernels.
        func checkForked(isQuiet: Bool) -> Int32 {
            let status = check(isQuiet: isQuiet)
            if status != 0 { return status }
            let own = OnDemandKernels(options)
            for _ in 0..<2 {
                guard let choice = try? own.lookup(pending), !choice.isSpecialized, choice.reason == forkedReason else { return 6 }
            }
            return 0
        }

        static func isRight(_ spec: KernelSpec, _ choice: KernelChoice, _ sample: ExactSample) -> Bool {
            let layer = try? PreparedLayer(spec: spec, choice: choice, weights: sample.weights[0], bias: sample.weights[1])
            return (try? layer?.call(sample.input).doubles) == sample.expected
        }
    }

    /// In a process of its own: threads of other tests might hold locks of Swift's own just then, which nobody can give back in a copy.
    @Test func aForkedProcessAnswers() async {
        await #expect(processExitsWith: .success) { try await OnDemandForkTests.forkAndAsk() }
    }

    private static func forkAndAsk() async throws {
        let bench = try OnDemandBench()
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)  // nothing in it is a failure, not a wait
        var options = bench.options(compiler: try await bench.compiler("[ -e '\(bench.folder.path("hang"))' ] && sleep 600\nexec \"$clang\" \"$@\""))
        let output = ends[1]
        options.logger = Logger(label: "test") { _ in PipeHandler(descriptor: output) }
        let questions = try Questions(options)
        try await questions.kernels.ready(for: questions.made)
        _ = try bench.folder.write([], as: "hang")
        // What a child does, its parent has done before.
        let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
        defer { close(null) }
        Logger(label: "test") { _ in PipeHandler(descriptor: null) }.warning("a warning")
        #expect(questions.check(isQuiet: true) == 0)
        // The compiler of what is pending hangs from now on, and nobody takes the lock.
        for _ in 0..<1500 where bench.calls == OnDemandBench.callsOfAKernel { try await Task.sleep(for: .milliseconds(20)) }
        try #require(bench.calls == OnDemandBench.callsOfAKernel + 1)

        // With nobody at the lock, what is made is found.
        #expect(ForkedProcess.status(of: try ForkedProcess.start { questions.checkForked(isQuiet: true) }) == 0)

        // With threads that take it, and the memory of results, all the time, every child answers all the same.
        let statuses = try await ForkedProcess.statuses(of: forks, while: { _ = questions.check(isQuiet: true, throwing: false) }) {
            questions.checkForked(isQuiet: false)
        }
        #expect(statuses == [Int32?](repeating: 0, count: forks))

        // Each child said twice that it makes no kernels, once for each provider.
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(ends[0], &bytes, bytes.count)
        let lines = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 2 * (1 + forks) && lines.allSatisfy { $0 == "\(OnDemandError.forked)" }, "\(lines)")
        await questions.kernels.stop()
    }

    private static let forks = 50
}
