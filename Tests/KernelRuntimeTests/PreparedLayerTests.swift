import Glibc
import Testing
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import _CTestSupport
import _TestSupport

/// Calls of prepared layers: values, refusals, memory.
struct PreparedLayerTests {
    /// A layer with unequal axes whose sums are exact in float32, and its data.
    private static func sample(epilogue: Epilogue, elements: ElementTypes = .float32) throws -> (spec: KernelSpec, weights: Tensor, bias: Tensor?) {
        let config = try LayerConfig(
            name: "l", filters: 3, kernelSize: [2, 3, 4], strides: [2, 1, 3], padding: .same(outputPadding: nil),
            activation: epilogue.activation, useBias: epilogue.hasBias, elementType: elements.storage)
        let spec = try config.spec(inputShape: [1, 5, 4, 3, 2])
        var random = SeededRandom(seed: 5)
        let weights = try tensor(spec.geometry.kernelShape, random.integers(24 * 6, limit: 5), elements.storage)
        return (spec, weights, epilogue.hasBias ? try tensor([3], random.integers(3, limit: 5), elements.storage) : nil)
    }

    private static func tensor(_ shape: [Int], _ values: [Double], _ type: ElementType) throws -> Tensor {
        type == .float32 ? try Tensor(shape: shape, values.map { Float($0) }) : try Tensor(shape: shape, values)
    }

    @Test func theInterpreterAnswersExactly() throws {
        for activation in [Activation.linear, .relu] {
            for hasBias in [true, false] {
                let (spec, weights, bias) = try Self.sample(epilogue: Epilogue(hasBias: hasBias, activation: activation))
                let layer = try PreparedLayer(spec: spec, choice: .interpreter(spec, reason: "test"), weights: weights, bias: bias)
                var random = SeededRandom(seed: 6)
                let x = try Tensor(shape: spec.inputShape(batch: 3), random.integers(3 * 60 * 2, limit: 5).map { Float($0) })
                let expected = ScatterOracle.run(spec, batch: 3, input: x.doubles, operand: weights.doubles, bias: bias?.doubles)
                for threads in [1, 2, 3, 7] {
                    let y = try layer.call(x, threads: threads)
                    #expect(y.shape == [3, 10, 4, 9, 3])
                    #expect(y.doubles == expected.values, "\(activation), bias \(hasBias), \(threads) threads")
                }
                var y = try Tensor(shape: spec.outputShape(batch: 3), [Float](repeating: .nan, count: expected.values.count))
                let copy = y
                try layer.call(x, into: &y, threads: 2)
                #expect(y.doubles == expected.values)
                #expect(copy.floats.allSatisfy { $0.isNaN })  // value semantics: the other holder of the storage sees nothing
            }
        }
    }

    @Test func aPluginsKernelAnswersExactlyOnAnyThreads() throws {
        let folder = try TemporaryFolder()
        for fused in [true, false] {
            let epilogue = Epilogue(hasBias: true, activation: .relu)
            let spec = try HandWrittenPlugin.pointwise(input: [13, 3, 4], epilogue: epilogue)
            let kernelSpec = fused ? spec : spec.with(epilogue: epilogue.withoutActivation)
            let registry = KernelRegistry()
            try registry.load(path: HandWrittenPlugin(spec: kernelSpec).build(in: folder, as: "\(fused).so"))
            let choice = try registry.lookup(spec, mode: .specialized)
            #expect(choice.appliedActivation == (fused ? .linear : .relu))
            var random = SeededRandom(seed: 8)
            let weights = try Tensor(shape: spec.geometry.kernelShape, random.reals(6).map { Float($0) })
            let bias = try Tensor(shape: [2], random.reals(2).map { Float($0) })
            let layer = try PreparedLayer(spec: spec, choice: choice, weights: weights, bias: bias)
            let x = try Tensor(shape: spec.inputShape(batch: 2), random.reals(2 * 13 * 12 * 3).map { Float($0) })
            let once = try layer.call(x, threads: 1).floats
            #expect(once.contains { $0 > 0 } && once.allSatisfy { $0 >= 0 })
            for threads in [2, 3, 7] {
                #expect(try layer.call(x, threads: threads).floats.map(\.bitPattern) == once.map(\.bitPattern), "\(threads) threads")
            }
            let exact = ScatterOracle.run(spec, batch: 2, input: x.doubles, operand: weights.doubles, bias: bias.doubles)
            let bounds = ErrorBound.bounds(chain: 4, type: .float32, magnitudes: exact.magnitudes)
            #expect(ErrorBound.firstViolation(received: once.map { Double($0) }, expected: exact.values, bounds: bounds) == nil)
        }
    }

    @Test func softmaxRunsAfterALinearKernel() throws {
        let folder = try TemporaryFolder()
        let spec = try HandWrittenPlugin.pointwise(filters: 5, epilogue: Epilogue(hasBias: true, activation: .softmax))
        let registry = KernelRegistry()
        try registry.load(path: HandWrittenPlugin(spec: spec.with(epilogue: spec.epilogue.withoutActivation)).build(in: folder))
        var random = SeededRandom(seed: 9)
        let weights = try Tensor(shape: spec.geometry.kernelShape, random.reals(15).map { Float($0) })
        let bias = try Tensor(shape: [5], random.reals(5).map { Float($0) })
        let layer = try PreparedLayer(spec: spec, choice: registry.lookup(spec, mode: .specialized), weights: weights, bias: bias)
        let x = try Tensor(shape: spec.inputShape(batch: 2), random.reals(2 * 24 * 3).map { Float($0) })
        let exact = ScatterOracle.run(spec, batch: 2, input: x.doubles, operand: weights.doubles, bias: bias.doubles).values
        let once = try layer.call(x, threads: 1)
        for (index, value) in once.doubles.enumerated() { #expect(abs(value - exact[index]) < 1e-6, "element \(index)") }
        #expect(try layer.call(x, threads: 3).floats == once.floats)
    }

    @Test func anEmptyBatchGivesAnEmptyResult() throws {
        let (spec, weights, bias) = try Self.sample(epilogue: Epilogue(hasBias: true, activation: .relu))
        let layer = try PreparedLayer(spec: spec, choice: .interpreter(spec, reason: "test"), weights: weights, bias: bias)
        let y = try layer.call(Tensor(zeros: spec.inputShape(batch: 0)))
        #expect(y.shape == [0, 10, 4, 9, 3])
        #expect(y.elementCount == 0)
    }

    @Test func wrongTensorsAreRefused() throws {
        let (spec, weights, bias) = try Self.sample(epilogue: Epilogue(hasBias: true, activation: .linear))
        let choice = KernelChoice.interpreter(spec, reason: "test")
        let layer = try PreparedLayer(spec: spec, choice: choice, weights: weights, bias: bias)
        #expect(throws: TensorError.shapeMismatch(received: [2, 5, 4, 2, 2], expected: [2, 5, 4, 3, 2])) {
            try layer.call(Tensor(zeros: [2, 5, 4, 2, 2]))
        }
        #expect(throws: TensorError.shapeMismatch(received: [], expected: [0, 5, 4, 3, 2])) { try layer.call(Tensor(zeros: [])) }
        #expect(throws: TensorError.typeMismatch(received: "float64", expected: "float32")) {
            try layer.call(Tensor(zeros: [2, 5, 4, 3, 2], .float64))
        }
        var y = try Tensor(zeros: [1, 10, 4, 9, 3])
        #expect(throws: TensorError.shapeMismatch(received: [1, 10, 4, 9, 3], expected: [2, 10, 4, 9, 3])) {
            try layer.call(Tensor(zeros: [2, 5, 4, 3, 2]), into: &y)
        }
        #expect(throws: TensorError.shapeMismatch(received: [3], expected: [2, 3, 4, 3, 2])) {
            try PreparedLayer(spec: spec, choice: choice, weights: Tensor(zeros: [3]), bias: bias)
        }
        #expect(throws: TensorError.shapeMismatch(received: [], expected: [3])) {
            try PreparedLayer(spec: spec, choice: choice, weights: weights, bias: nil)
        }
        #expect(throws: TensorError.shapeMismatch(received: [4], expected: [3])) {
            try PreparedLayer(spec: spec, choice: choice, weights: weights, bias: Tensor(zeros: [4]))
        }
        let none = try Self.sample(epilogue: .none)
        #expect(throws: TensorError.shapeMismatch(received: [3], expected: [])) {
            try PreparedLayer(spec: none.spec, choice: .interpreter(none.spec, reason: "test"), weights: none.weights, bias: bias)
        }
    }

    @Test func kernelsOfOtherProblemsAreRefused() throws {
        let (spec, weights, bias) = try Self.sample(epilogue: Epilogue(hasBias: true, activation: .relu))
        let larger = try LayerConfig(
            name: "l", filters: 3, kernelSize: [2, 3, 4], strides: [2, 1, 3], padding: .same(outputPadding: nil), activation: .relu
        ).spec(inputShape: [1, 5, 4, 4, 2])
        let unactivated = spec.with(epilogue: spec.epilogue.withoutActivation)
        let unbiased = spec.with(epilogue: Epilogue(hasBias: false, activation: .relu))
        for (other, activation) in [(larger, Activation.linear), (unactivated, .linear), (unactivated, .tanh), (unbiased, .linear), (spec, .relu)] {
            let choice = KernelChoice(
                kernel: InterpreterKernel(other), appliedActivation: activation, isSpecialized: false, reason: "test")
            #expect(
                throws: KernelError.otherProblem(
                    kernel: "interpreter", computes: other.key, followedBy: activation, expected: spec.key)
            ) { try PreparedLayer(spec: spec, choice: choice, weights: weights, bias: bias) }
        }
        let separate = KernelChoice(
            kernel: InterpreterKernel(unactivated.with(policy: .direct)), appliedActivation: .relu, isSpecialized: false, reason: "test")
        _ = try PreparedLayer(spec: spec, choice: separate, weights: weights, bias: bias)
    }

    /// No more workspaces are leased than there can be threads: a billion of them would not fit any memory.
    @Test func absurdNumbersOfThreadsAreHarmless() throws {
        let (spec, weights, bias) = try Self.sample(epilogue: Epilogue(hasBias: true, activation: .relu))
        #expect(ThreadPool.participants(threads: .max, items: 1 << 40) == ThreadPool.maximumThreads)
        #expect(ThreadPool.participants(threads: -1, items: 5) == 1)
        #expect(ThreadPool.participants(threads: 7, items: 5) == 5)
        let layer = try PreparedLayer(spec: spec, choice: .interpreter(spec, reason: "test"), weights: weights, bias: bias)
        let x = try Tensor(zeros: spec.inputShape(batch: 2))
        #expect(try layer.call(x, threads: .max).floats == layer.call(x, threads: 1).floats)
    }

    @Test func equalPackingKeysShareWeights() throws {
        let (spec, weights, bias) = try Self.sample(epilogue: Epilogue(hasBias: true, activation: .linear))
        let choice = KernelChoice.interpreter(spec, reason: "test")
        let first = try PreparedLayer(spec: spec, choice: choice, weights: weights, bias: bias)
        let second = try PreparedLayer(spec: spec, choice: choice, weights: weights, bias: bias, sharing: first.packed)
        let third = try PreparedLayer(spec: spec, choice: choice, weights: weights, bias: bias)
        #expect(second.packed === first.packed)
        #expect(third.packed !== first.packed)
    }

    /// Once the previous result is released a call into pooled memory touches no fresh page and asks malloc for nothing large.
    /// Counted for the calling thread, which computes its part of each call: other tests do not disturb the numbers.
    @Test(.enabled(if: vs_test_watches_allocations() != 0, "a sanitizer's allocator is not watched"))
    func aRepeatedCallAllocatesNothing() throws {
        let folder = try TemporaryFolder()
        let epilogue = Epilogue(hasBias: true, activation: .relu)
        let spec = try HandWrittenPlugin.pointwise(input: [70, 110, 130], filters: 5, epilogue: epilogue)  // a result of 20 MB
        for fused in [true, false] {
            let registry = KernelRegistry()
            let kernelSpec = fused ? spec : spec.with(epilogue: epilogue.withoutActivation)
            try registry.load(path: HandWrittenPlugin(spec: kernelSpec).build(in: folder, as: "\(fused).so"))
            let weights = try Tensor(zeros: spec.geometry.kernelShape)
            let layer = try PreparedLayer(
                spec: spec, choice: registry.lookup(spec, mode: .specialized), weights: weights, bias: Tensor(zeros: [5]))
            let x = try Tensor(zeros: spec.inputShape(batch: 1))
            #expect(try layer.call(x).byteCount > 16 << 20)
            _ = try layer.call(x)
            for threads in [1, 2] {
                vs_test_forget_allocations()
                let faults = vs_test_minor_page_faults()
                let y = try layer.call(x, threads: threads)
                #expect(vs_test_minor_page_faults() - faults < 64, "fused \(fused), \(threads) threads")
                #expect(vs_test_largest_allocation() <= 4096, "fused \(fused), \(threads) threads")
                #expect(y.elementCount == 70 * 110 * 130 * 5)
            }
            // The instruments work: with the pool emptied, the next result needs memory anew. Whether malloc has it without a page
            // fault depends on what other tests have freed, so that instrument is tried on a page of the system's.
            StoragePool.shared.trim()
            vs_test_forget_allocations()
            let fresh = try layer.call(x, threads: 1)
            #expect(vs_test_largest_allocation() >= fresh.byteCount)
            let faults = vs_test_minor_page_faults()
            let page = try #require(mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
            page.storeBytes(of: 1, as: UInt8.self)
            #expect(vs_test_minor_page_faults() > faults)
            munmap(page, 4096)
        }
    }

    /// A call takes its workspaces and nothing more, and gives them back; preparing the layer has taken them before.
    @Test(.enabled(if: vs_test_watches_allocations() != 0, "a sanitizer's allocator is not watched"))
    func aCallTakesNoMoreThanTheStatedWorkspace() throws {
        let folder = try TemporaryFolder()
        // One workspace of 3 MB, of a size no other test has.
        let spec = try HandWrittenPlugin.pointwise(input: [2, 1, 1], filters: 786_437, epilogue: .none)
        let registry = KernelRegistry()
        try registry.load(path: HandWrittenPlugin(spec: spec).build(in: folder))
        let weights = try Tensor(zeros: spec.geometry.kernelShape)
        vs_test_forget_allocations()
        let layer = try PreparedLayer(spec: spec, choice: registry.lookup(spec, mode: .specialized), weights: weights, bias: nil)
        let workspace = 786_437 * 4
        #expect(layer.choice.kernel.workspaceByteCount == workspace)
        #expect(vs_test_most_held_bytes() > layer.choice.kernel.packedByteCount + workspace)  // the instrument works
        for threads in [1, 2, 3] {
            // No more threads than items; large enough to share.
            #expect(layer.workspaceByteCount(batch: 1, threads: threads) == min(threads, 2) * workspace, "\(threads) threads")
        }
        #expect(layer.workspaceByteCount(batch: 0) == 0)

        let x = try Tensor(zeros: spec.inputShape(batch: 1))
        var y = try Tensor(zeros: spec.outputShape(batch: 1))
        for threads in [1, 2] {
            vs_test_forget_allocations()
            try layer.call(x, into: &y, threads: threads)
            // Preparing took one for each thread there is, and fewer threads use some of them. Above a workspace: block sizes are rounded
            // up to 2 MiB and cut from mappings that are 2 MiB longer, and arrays of a few words come and go.
            let missing = max(0, threads - ThreadPool.defaultThreadCount)
            #expect(vs_test_most_held_bytes() <= missing * (workspace + (4 << 20)) + 4096, "\(threads) threads")
            vs_test_forget_allocations()
            for _ in 0..<100 { try layer.call(x, into: &y, threads: threads) }
            #expect(vs_test_most_held_bytes() <= 4096, "\(threads) threads")
            // Less than a block for each call: what this thread allocates and another frees, in a pool they share, may differ by one.
            #expect(vs_test_held_bytes() <= 1024, "\(threads) threads")
        }
    }
}
