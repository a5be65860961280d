import Foundation
import Synchronization
import Testing
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import Voxelsmith
import _TestSupport

/// Prepared layers called from many threads at once. All numbers are small integers, so every answer is exact.
@Suite(.serialized) struct ConcurrencyTests {
    private static let threadCount = 64

    /// Runs `body` on as many threads at once, not on a pool that would run a few at a time.
    private func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
        let failures = Mutex<[any Error]>([])
        let (ready, done) = (DispatchGroup(), DispatchGroup())
        for number in 0..<count {
            ready.enter()
            done.enter()
            Thread.detachNewThread {
                ready.leave()
                ready.wait()
                do { try body(number) } catch { failures.withLock { $0.append(error) } }
                done.leave()
            }
        }
        done.wait()
        if let error = failures.withLock({ $0.first }) { throw error }
    }

    private struct Sample: Sendable {
        let layer: PreparedLayer
        let input: Tensor
        let expected: [Double]
    }

    private func integers(_ shape: [Int], _ random: inout SeededRandom) throws -> Tensor {
        try Tensor(shape: shape, random.integers(shape.reduce(1, *), limit: 5).map { Float($0) })
    }

    /// A layer for the interpreter, or for the kernel of `choice`, with an input of its own.
    private func sample(_ spec: KernelSpec, _ choice: KernelChoice, seed: UInt64, batch: Int = 1) throws -> Sample {
        var random = SeededRandom(seed: seed)
        let weights = try integers(spec.geometry.kernelShape, &random)
        let bias = spec.epilogue.hasBias ? try integers([spec.biasCount], &random) : nil
        let input = try integers(spec.inputShape(batch: batch), &random)
        let expected = ScatterOracle.run(spec, batch: batch, input: input.doubles, operand: weights.doubles, bias: bias?.doubles).values
        return Sample(layer: try PreparedLayer(spec: spec, choice: choice, weights: weights, bias: bias), input: input, expected: expected)
    }

    private func spec(_ number: Int) throws -> KernelSpec {
        let config = try LayerConfig(
            name: "l", filters: 1 + number % 5, kernelSize: [1 + number % 2, 2, 3], strides: [2, 1, 1 + number % 3],
            padding: .same(outputPadding: nil), activation: number % 2 == 0 ? .relu : .linear, useBias: number % 3 != 0)
        return try config.spec(inputShape: [1, 2 + number % 7, 4, 3, 1 + number % 4])
    }

    private func choices(in folder: TemporaryFolder) throws -> [(String, KernelSpec, KernelChoice)] {
        let pointwise = try HandWrittenPlugin.pointwise(input: [13, 3, 4])
        let registry = KernelRegistry()
        try registry.load(path: HandWrittenPlugin(spec: pointwise).build(in: folder))
        let interpreted = try spec(3)
        return [
            ("a plugin's kernel", pointwise, try registry.lookup(pointwise, mode: .specialized)),
            ("the interpreter", interpreted, .interpreter(interpreted, reason: "test")),
        ]
    }

    @Test func sixtyFourThreadsCallOneLayer() throws {
        let folder = try TemporaryFolder()
        for (what, spec, choice) in try choices(in: folder) {
            let sample = try sample(spec, choice, seed: 70, batch: 3)
            let wrong = Atomic<Int>(0)
            try onThreads(Self.threadCount) { number in
                for round in 0..<25 {
                    let result = try sample.layer.call(sample.input, threads: 1 + (number + round) % 4)
                    if result.doubles != sample.expected { wrong.add(1, ordering: .relaxed) }
                }
            }
            #expect(wrong.load(ordering: .relaxed) == 0, "\(what)")
        }
    }

    @Test func sixtyFourThreadsCallLayersOfTheirOwn() throws {
        let folder = try TemporaryFolder()
        let plugin = try choices(in: folder)[0]
        let samples = try (0..<Self.threadCount).map { number in
            if number % 4 == 0 { return try sample(plugin.1, plugin.2, seed: UInt64(number)) }
            let spec = try spec(number)
            return try sample(spec, .interpreter(spec, reason: "test"), seed: UInt64(number), batch: 1 + number % 2)
        }
        #expect(Set(samples.map(\.layer.spec.key)).count > 30)
        let wrong = Mutex<[Int]>([])
        try onThreads(Self.threadCount) { number in
            let sample = samples[number]
            for round in 0..<25 where try sample.layer.call(sample.input, threads: 1 + round % 3).doubles != sample.expected {
                wrong.withLock { $0.append(number) }
            }
        }
        #expect(wrong.withLock { $0 } == [])
    }

    /// The task that owns a layer gives it new weights again and again; the threads that hold an older `PreparedLayer` go on getting
    /// the answers of the weights it was prepared with, never a mixture.
    @Test func setWeightsReachesNobodyWhoHoldsAPreparedLayer() throws {
        let shape = [1, 3, 4, 5, 2]
        let layer = try Conv3DTranspose(
            filters: 3, kernelSize: [2, 3, 2], strides: [2, 1, 2], kernelInitializer: Ones(), name: "up", kernels: KernelRegistry())
        try layer.build(inputShape: shape)
        let kernelShape = layer.getWeights()[0].shape
        func weights(_ value: Int) throws -> [Tensor] {
            [
                try Tensor(shape: kernelShape, [Float](repeating: Float(value), count: kernelShape.reduce(1, *))),
                try Tensor(shape: [3], [Float](repeating: Float(value), count: 3)),
            ]
        }
        let input = try Tensor(shape: shape, [Float](repeating: 1, count: shape.reduce(1, *)))
        try layer.setWeights(weights(1))
        // Linear in the weights: with all of them k, every result is k times this.
        let unit = try layer(input, threads: 1).floats
        #expect(Set(unit).count > 2 && unit.allSatisfy { $0 >= 1 && $0 < 100 })

        let current = Mutex<(value: Int, layer: PreparedLayer)>((1, try layer.preparedLayer(inputShape: shape)))
        let isDone = Atomic(false)
        let calls = Atomic(0)
        let wrong = Atomic(0)
        let (first, readers) = (DispatchGroup(), DispatchGroup())
        for number in 0..<8 {
            first.enter()
            readers.enter()
            Thread.detachNewThread {
                var isFirst = true
                repeat {
                    let (value, prepared) = current.withLock { ($0.value, $0.layer) }
                    let result = try? prepared.call(input, threads: 1 + number % 3).floats
                    if result != unit.map({ $0 * Float(value) }) { wrong.add(1, ordering: .relaxed) }
                    calls.add(1, ordering: .relaxed)
                    if isFirst { first.leave() }
                    isFirst = false
                } while !isDone.load(ordering: .acquiring)
                readers.leave()
            }
        }
        first.wait()
        var values: Set<Int> = []
        for value in 2...400 {
            try layer.setWeights(weights(value))
            let prepared = try layer.preparedLayer(inputShape: shape)
            current.withLock { $0 = (value, prepared) }
            // The layer itself answers with the new ones at once.
            if try layer(input, threads: 2).floats == unit.map({ $0 * Float(value) }) { values.insert(value) }
        }
        isDone.store(true, ordering: .releasing)
        readers.wait()
        #expect(values.count == 399)
        #expect(wrong.load(ordering: .relaxed) == 0, "of \(calls.load(ordering: .relaxed)) calls")
        #expect(calls.load(ordering: .relaxed) >= 8)
    }
}
