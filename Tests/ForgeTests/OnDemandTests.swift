import Foundation
import Glibc
import Synchronization
import Testing
import VoxForge
import VoxKernelBuild
import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling
import VoxTensors
import Voxelsmith
import _TestSupport

/// Kernels that are made while a process runs: when which one answers.
@Suite(.serialized) struct OnDemandTests {
    private let bench: OnDemandBench

    init() throws { bench = try OnDemandBench() }

    /// A layer of the problem, with the weights of a sample.
    private static func layer(_ kernels: any KernelProvider, _ sample: ExactSample) throws -> Conv3DTranspose {
        let layer = Conv3DTranspose(config: try OnDemandBench.config(), policy: .direct, kernels: kernels)
        try layer.build(inputShape: OnDemandBench.inputShape)
        try layer.setWeights(sample.weights)
        return layer
    }

    @Test func theInterpreterAnswersUntilTheKernelIsThere() async throws {
        let spec = try OnDemandBench.spec()
        let sample = try ExactSample(spec, seed: 1)
        let kernels = OnDemandKernels(bench.options(compiler: try await bench.waitingCompiler()))
        let events = kernels.events
        let layer = try Self.layer(kernels, sample)
        #expect(try layer(sample.input).doubles == sample.expected)
        #expect(try layer.kernelInUse(inputShape: OnDemandBench.inputShape).hasPrefix("interpreter: the kernel is being made"))
        let prepared = try layer.preparedLayer(inputShape: OnDemandBench.inputShape)

        try bench.letCompilersGo()
        try await kernels.ready(for: spec)
        // Who holds a prepared layer goes on with it; the layer asks anew.
        #expect(!prepared.choice.isSpecialized && prepared.choice.isSuperseded)
        #expect(try prepared.call(sample.input).doubles == sample.expected)
        #expect(try layer.kernelInUse(inputShape: OnDemandBench.inputShape).hasPrefix("vs_"))
        #expect(try layer(sample.input).doubles == sample.expected)
        let swapped = try layer.preparedLayer(inputShape: OnDemandBench.inputShape)
        #expect(swapped.choice.isSpecialized && !swapped.choice.isSuperseded)
        #expect(try kernels.lookup(spec, mode: .specialized).kernel.name == swapped.choice.kernel.name)
        #expect(try !kernels.lookup(spec, mode: .interpreter).isSpecialized)

        await kernels.stop()
        var heard: [OnDemandEvent] = []
        for await event in events { heard.append(event) }
        #expect(heard == [.started(spec.key), .ready(spec.key)])
        #expect(bench.log.warnings == [])
    }

    /// A layer that threads share. Layers are for one thread at a time; the `PreparedLayer` that it has at the moment is for all.
    private final class SharedLayer: @unchecked Sendable {
        private let lock = NSLock()
        private let layer: Conv3DTranspose
        private let sample: ExactSample

        init(_ kernels: OnDemandKernels, _ sample: ExactSample) throws { (layer, self.sample) = (try OnDemandTests.layer(kernels, sample), sample) }

        func current() throws -> PreparedLayer { try lock.withLock { try layer.preparedLayer(inputShape: OnDemandBench.inputShape) } }

        func isRight(threads: Int) throws -> Bool { try current().call(sample.input, threads: threads).doubles == sample.expected }
    }

    /// Each thread has a layer of its own and one that all share; all ask for the same kernel.
    @Test func sixtyFourThreadsMakeOneBuild() async throws {
        let spec = try OnDemandBench.spec()
        let kernels = OnDemandKernels(bench.options(compiler: try await bench.compiler()))
        let events = kernels.events
        let samples = try (0..<64).map { try ExactSample(spec, seed: UInt64($0)) }
        let shared = try SharedLayer(kernels, try ExactSample(spec, seed: 64))
        let faults = Mutex<[String]>([])
        let (first, isReady, second) = (DispatchGroup(), DispatchGroup(), DispatchGroup())
        isReady.enter()
        for (number, sample) in samples.enumerated() {
            first.enter()
            second.enter()
            Thread.detachNewThread {
                func check(_ what: String, _ isRight: () throws -> Bool) {
                    do {
                        if try !isRight() { faults.withLock { $0.append("\(number): \(what)") } }
                    } catch {
                        faults.withLock { $0.append("\(number): \(what): \(error)") }
                    }
                }
                let layer = try? Self.layer(kernels, sample)
                for call in 1...3 {
                    check("call \(call)") { try layer?(sample.input, threads: 1 + number % 3).doubles == sample.expected }
                    check("call \(call) of the shared layer") { try shared.isRight(threads: 1 + number % 3) }
                }
                first.leave()
                isReady.wait()
                check("call after the swap") { try layer?(sample.input).doubles == sample.expected }
                check("swap") { try layer?.preparedLayer(inputShape: OnDemandBench.inputShape).choice.isSpecialized == true }
                check("call of the shared layer after the swap") { try shared.isRight(threads: 1) }
                check("swap of the shared layer") { try shared.current().choice.isSpecialized }
                second.leave()
            }
        }
        await withCheckedContinuation { continuation in first.notify(queue: .global()) { continuation.resume() } }
        try await kernels.ready(for: spec)
        isReady.leave()
        await withCheckedContinuation { continuation in second.notify(queue: .global()) { continuation.resume() } }
        #expect(faults.withLock { $0 } == [])

        await kernels.stop()
        var heard: [OnDemandEvent] = []
        for await event in events { heard.append(event) }
        #expect(heard == [.started(spec.key), .ready(spec.key)])
        #expect(bench.calls == OnDemandBench.callsOfAKernel)
    }

    /// As the next process does, another provider takes kernels from the cache; without a cache it makes them again.
    @Test func kernelsStayInTheCache() async throws {
        let options = bench.options(compiler: try await bench.compiler())
        let specs = try (0..<2).map { try OnDemandBench.spec($0) }
        for (round, expected) in [2, 2].enumerated() {
            let kernels = OnDemandKernels(options)
            let events = kernels.events
            for spec in specs { try await kernels.ready(for: spec) }
            await kernels.stop()
            let heard = await events.reduce(into: [OnDemandEvent]()) { $0.append($1) }
            let starts = specs.filter { heard.contains(.started($0.key)) }.count
            #expect(starts == (round == 0 ? 2 : 0) && heard.count == starts + 2, "round \(round): \(heard)")
            #expect(bench.calls == expected * OnDemandBench.callsOfAKernel, "round \(round)")
            let size = bench.cache.size()
            #expect(try bench.entries().count == 2 && size.entries == 2, "round \(round): \(size)")
        }
        var uncached = options
        uncached.cache = nil
        let kernels = OnDemandKernels(uncached)
        try await kernels.ready(for: specs[0])
        #expect(try kernels.lookup(specs[0]).isSpecialized && bench.calls == 3 * OnDemandBench.callsOfAKernel)
        try bench.cache.clear()
        #expect(try bench.entries() == [] && bench.log.warnings == [])
    }

    /// Of several kernels that are asked for at once, one is compiled at a time, with a lower priority than this process has.
    @Test func compilersWorkInTheBackground() async throws {
        let (busy, notes) = (bench.folder.path("busy"), bench.folder.path("notes"))
        let compiler = try await bench.compiler(
            """
            mkdir '\(busy)' || echo overlap >> '\(notes)'
            nice >> '\(notes)'
            "$clang" "$@"
            status=$?
            rmdir '\(busy)'
            exit $status
            """)
        let kernels = OnDemandKernels(bench.options(compiler: compiler))
        let specs = try (0..<3).map { try OnDemandBench.spec($0) }
        for spec in specs { _ = try kernels.lookup(spec) }
        for spec in specs { try await kernels.ready(for: spec) }
        let expected = min(19, getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0) + 10)
        let lines = try String(contentsOfFile: notes, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 3 * OnDemandBench.callsOfAKernel && lines.allSatisfy { $0 == "\(expected)" }, "\(lines)")
    }

    /// What is loaded answers first, and nothing is made for it.
    @Test func loadedKernelsAnswerFirst() async throws {
        let options = bench.options(compiler: try await bench.compiler())
        let spec = try HandWrittenPlugin.pointwise()
        try options.loaded.load(path: HandWrittenPlugin(spec: spec).build(in: bench.folder))
        let kernels = OnDemandKernels(options)
        #expect(try kernels.lookup(spec).isSpecialized)
        try await kernels.ready(for: spec)
        await kernels.stop()
        #expect(bench.calls == 0)
    }

    /// A problem that no family takes is one event, and the interpreter's for ever.
    @Test func problemsWithoutAFamilyAreTheInterpreters() async throws {
        let kernels = OnDemandKernels(bench.options())
        let spec = try LayerConfig(name: "l", filters: 2, kernelSize: [2], strides: [1], dilationRate: [1]).spec(inputShape: [1, 4, 3])
        #expect(throws: SchedulingError.self) { try plan(spec, target: HostCPU.nativeTarget) }
        await #expect(throws: OnDemandError.self) { try await kernels.ready(for: spec) }
        for _ in 0..<3 { #expect(try !kernels.lookup(spec).isSpecialized) }
        #expect(bench.log.warnings.count == 1)
    }

    /// Waiting can be given up; the kernel is made all the same.
    @Test func aWaitIsCancelledAlone() async throws {
        let spec = try OnDemandBench.spec()
        let kernels = OnDemandKernels(bench.options(compiler: try await bench.waitingCompiler()))
        let waiting = Task { try await kernels.ready(for: spec) }
        _ = try kernels.lookup(spec)
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        try bench.letCompilersGo()
        try await kernels.ready(for: spec)
        #expect(bench.calls == OnDemandBench.callsOfAKernel)
    }

    /// The compiler at work ends, and so does everyone's waiting; what is ready stays.
    @Test func stopEndsTheCompiler() async throws {
        let (made, cut) = (try OnDemandBench.spec(0), try OnDemandBench.spec(1))
        let mark = "\(Int.random(in: 100_000_000...999_999_999))"
        let compiler = try await bench.compiler("[ -e '\(bench.folder.path("hang"))' ] && sleep \(mark)\nexec \"$clang\" \"$@\"")
        let kernels = OnDemandKernels(bench.options(compiler: compiler))
        try await kernels.ready(for: made)
        _ = try bench.folder.write([], as: "hang")
        let waiting = Task { try await kernels.ready(for: cut) }
        #expect(try await waits(for: "sleep \(mark)", toRun: true))
        await kernels.stop()
        #expect(try await waits(for: "sleep \(mark)", toRun: false))
        await #expect(throws: OnDemandError.stopped) { try await waiting.value }
        await #expect(throws: OnDemandError.stopped) { try await kernels.ready(for: OnDemandBench.spec(2)) }
        #expect(try kernels.lookup(made).isSpecialized && !kernels.lookup(cut).isSpecialized)
        #expect(try bench.entries().count == 1)
        #expect(bench.log.warnings == [])
    }
}
