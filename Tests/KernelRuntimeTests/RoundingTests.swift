import Synchronization
import Testing
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import _CTestSupport
import _TestSupport

/// A caller may have set another rounding, or subnormal numbers to become 0, for its thread: results are those of the default all the same,
/// on every thread, and the caller's setting is what it was.
@Suite(.serialized) struct RoundingTests {
    /// Runs `body` on this thread with a setting of `vs_test_set_arithmetic`.
    private func with<R>(_ mode: Int32, _ body: () throws -> R) rethrows -> R {
        vs_test_set_arithmetic(mode)
        let set = vs_test_arithmetic()
        defer { vs_test_set_arithmetic(0) }
        let result = try body()
        let after = vs_test_arithmetic()
        #expect(after == set, "mode \(mode) is kept")
        return result
    }

    /// Sums that every rounding changes, and results below the normal numbers.
    private func sample(_ epilogue: Epilogue, _ elements: ElementTypes) throws -> (KernelSpec, weights: [Double], bias: [Double], x: [Double]) {
        let axes = try [12, 5, 4].map { try AxisGeometry(input: $0, output: $0, kernel: 1, stride: 1, dilation: 1, crop: 0) }
        let spec = KernelSpec(geometry: try Geometry(axes: axes, channels: 3, filters: 2), elements: elements, epilogue: epilogue)
        var random = SeededRandom(seed: 21)
        let tiny = elements.storage == .float32 ? 0x1p-140 : 0x1p-1060
        let scale: (Int) -> Double = { $0 % 3 == 0 ? tiny : 1 }
        let count = 12 * 5 * 4 * 3
        return (
            spec, random.reals(6), random.reals(2).map { $0 * tiny }, random.reals(count).enumerated().map { $1 * scale($0 / 3) }
        )
    }

    private func tensor(_ shape: [Int], _ values: [Double], _ type: ElementType) throws -> Tensor {
        type == .float64 ? try Tensor(shape: shape, values) : try Tensor(shape: shape, values.map { Float($0) })
    }

    @Test func resultsAreThoseOfTheDefault() throws {
        for elements in [ElementTypes.float32, .float64] {
            for activation in [Activation.linear, .sigmoid, .gelu(approximate: true), .softmax, .softplus] {
                let (spec, weights, bias, x) = try sample(Epilogue(hasBias: true, activation: activation), elements)
                let (w, b) = (try tensor([1, 1, 1, 2, 3], weights, elements.storage), try tensor([2], bias, elements.storage))
                let input = try tensor([1, 12, 5, 4, 3], x, elements.storage)
                func results(_ mode: Int32) throws -> [[UInt64]] {
                    // Packing is under the same setting; subnormal results become doubles under the default.
                    try with(mode) {
                        let layer = try PreparedLayer(spec: spec, choice: .interpreter(spec, reason: "test"), weights: w, bias: b)
                        return try [1, 2, 3, 7].map { try layer.call(input, threads: $0) }
                    }.map { $0.doubles.map(\.bitPattern) }
                }
                let expected = try results(0)
                #expect(expected.allSatisfy { $0 == expected[0] })
                for mode: Int32 in 1...3 {
                    let received = try results(mode)
                    #expect(received == expected, "\(activation) \(elements.storage) mode \(mode)")
                }
            }
        }
    }

    @Test func pluginsAreCalledUnderTheDefault() throws {
        let folder = try TemporaryFolder()
        let spec = try HandWrittenPlugin.pointwise(input: [12, 5, 4], epilogue: Epilogue(hasBias: true, activation: .linear))
        let registry = KernelRegistry()
        try registry.load(path: HandWrittenPlugin(spec: spec, factor: 3).build(in: folder))
        let (_, weights, bias, x) = try sample(spec.epilogue, .float32)
        let (w, b) = (try tensor([1, 1, 1, 2, 3], weights, .float32), try tensor([2], bias, .float32))
        let input = try tensor([1, 12, 5, 4, 3], x, .float32)
        func results(_ mode: Int32) throws -> [[UInt32]] {
            try with(mode) {
                let layer = try PreparedLayer(spec: spec, choice: registry.lookup(spec, mode: .specialized), weights: w, bias: b)
                return try [1, 2, 5].map { try layer.call(input, threads: $0).floats.map(\.bitPattern) }
            }
        }
        let expected = try results(0)
        for mode: Int32 in 1...3 {
            let received = try results(mode)
            #expect(received == expected, "mode \(mode)")
        }
        // The settings do change such sums where nothing guards them.
        let sums = (0...3).map { mode in with(Int32(mode)) { vs_test_sum(1, 0x1p-30) } }
        #expect(sums[0] == 1 && sums[1] > 1)
        #expect(with(2) { vs_test_sum(0x1p-140, 0) } == 0)
    }

    /// Every turn of a body begins with the default, on whatever thread, also after one that left something else behind.
    @Test func everyThreadBeginsWithTheDefault() throws {
        let settings = Mutex<Set<UInt64>>([])
        let standard = vs_test_arithmetic()
        for round: Int32 in 0..<60 {
            try with(round % 4) {
                try ThreadPool.shared.run(threads: 4, items: 4) { _, _ in
                    // Bodies of odd rounds leave something behind, and those of even rounds look at what they begin with.
                    if round % 2 == 1 {
                        vs_test_set_arithmetic(3)
                    } else {
                        let before = vs_test_arithmetic()
                        settings.withLock { _ = $0.insert(before) }
                    }
                }
            }
        }
        let found = settings.withLock { $0 }
        #expect(found == [standard])
    }

    @Test func functionsAlongAnAxisToo() throws {
        var random = SeededRandom(seed: 4)
        let x = try Tensor(shape: [4, 6, 5], random.reals(120).map { Float(3 * $0) })
        for function in Activation.AxisFunction.allCases {
            let expected = try ActivationArithmetic.apply(function, axis: 1, to: x).floats
            for mode: Int32 in 1...3 {
                let received = try with(mode) { try ActivationArithmetic.apply(function, axis: 1, to: x).floats }
                #expect(received == expected, "\(function) mode \(mode)")
            }
        }
    }
}
