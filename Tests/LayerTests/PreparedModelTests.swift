import Testing
import VoxKerasConfig
import VoxKernelRuntime
import Voxelsmith
import _TestSupport

/// What any task may call: prepared models; and `withGraph` around code that waits.
struct PreparedModelTests {
    private final class Add: Layer {
        override func call(_ xs: [Tensor], threads: Int) throws -> [Tensor] { [try Self.sum(xs)] }
        override func computeOutputShapes(_ inputShapes: [[Int?]]) throws -> [[Int?]] { [inputShapes[0]] }
        override func preparedCall(inputShapes: [[Int]]) throws -> PreparedCall { { xs, _ in [try Self.sum(xs)] } }
        private static func sum(_ xs: [Tensor]) throws -> Tensor {
            try Tensor(shape: xs[0].shape, zip(xs[0].floats, xs[1].floats).map { $0 + $1 })
        }
    }
    private final class Silent: Layer {
        override func call(_ x: Tensor, threads: Int) throws -> Tensor { x }
        override func computeOutputShape(_ inputShape: [Int]) throws -> [Int] { inputShape }
    }

    private func random(_ shape: [Int], seed: UInt64) throws -> Tensor {
        var random = SeededRandom(seed: seed)
        return try Tensor(shape: shape, random.reals(shape.reduce(1, *)).map { Float($0) })
    }

    private func up(_ filters: Int, _ name: String, dtype: DTypePolicy = .float32, activation: any ActivationArgument = .relu) throws -> Conv3DTranspose {
        try Conv3DTranspose(
            filters: filters, kernelSize: 3, padding: .same, activation: activation, name: name, dtype: dtype, kernels: KernelRegistry())
    }

    private func network() throws -> Model {
        try withGraph {
            let a = try Input(shape: [3, nil, 2, 2], name: "a"), b = try Input(shape: [3, nil, 2, 2], name: "b")
            let shared = try up(4, "shared", dtype: .mixedBfloat16, activation: .alongAxis(.softmax, axis: 1))
            let part = try Sequential([up(2, "inside")], name: "part")
            let sum = try Add(name: "add")([shared(a), shared(b)])[0]
            return try Model(inputs: [a, b], outputs: [sum, part(sum), a], name: "net")
        }
    }

    @Test func anyTaskMayCallAPreparedModel() async throws {
        let prepared: PreparedModel
        let expected: [[Float]]
        let inputs = [try random([2, 3, 4, 2, 2], seed: 1), try random([2, 3, 4, 2, 2], seed: 2)]
        do {
            let model = try network()
            expected = try model(inputs).map(\.floats)
            prepared = try model.preparedModel(inputShapes: inputs.map(\.shape))
            // Later weights do not reach it.
            try model.setWeights(model.getWeights().map { try Tensor(zeros: $0.shape, $0.elementType) })
        }
        let results = try await withThrowingTaskGroup(of: [[Float]].self) { group in
            for threads in 1...8 { group.addTask { try prepared(inputs, threads: threads).map(\.floats) } }
            return try await group.reduce(into: [[[Float]]]()) { $0.append($1) }
        }
        #expect(results.count == 8 && results.allSatisfy { $0 == expected })
        #expect(throws: TensorError.shapeMismatch(received: [1, 3, 5, 2, 2], expected: [2, 3, 4, 2, 2])) {
            try prepared([random([1, 3, 5, 2, 2], seed: 1), inputs[1]])
        }
        #expect(throws: LayerError.inputCount(layer: "model", received: 1, expected: 2)) { try prepared([inputs[0]]) }
        #expect(throws: LayerError.inputCount(layer: "model", received: 1, expected: 2)) { try prepared(inputs[0]) }
    }

    @Test func chainsAreBuiltAndPrepared() throws {
        let chain = try Sequential([up(3, "first"), up(1, "second")])
        let x = try random([1, 2, 2, 2, 2], seed: 3)
        let prepared = try chain.preparedModel(inputShape: x.shape)
        #expect(chain.isBuilt && prepared.inputShapes == [x.shape])
        #expect(try prepared(x).floats == chain(x).floats && prepared(Tensor(zeros: [0, 2, 2, 2, 2])).shape == [0, 2, 2, 2, 1])
        let own = try Sequential([up(3, "first"), Silent(name: "silent")])
        #expect("a layer that does not say how", performing: { try own.preparedModel(inputShape: x.shape) },
            throws: { $0 as? LayerError == .cannotPrepareCall(layer: "silent", className: "Silent") })
    }

    @Test func graphsReachCodeThatWaits() async throws {
        let graph = Graph()
        let shape = try await withGraph(graph) {
            await Task.yield()
            let x = try Input(shape: [1, 1, 1, 2])
            await Task.yield()
            return try Conv3DTranspose(filters: 3, kernelSize: 1)(x).shape
        }
        #expect(shape == [nil, 1, 1, 1, 3] && Graph.current == nil)
        // Without anything to wait for it needs no `await`, here too.
        let current = try withGraph(graph) { try Input(shape: [1]).layer.graph }
        #expect(current === graph)
    }

    @Test func errorsOfTheModulesBelowHaveKerasKinds() {
        #expect(TensorError.negativeExtent(shape: [-1]).kerasKind == .valueError && TensorError.outOfMemory(byteCount: 1).kerasKind == .runtimeError)
        #expect(TensorError.elementCount(received: 1, shape: [2]).kerasKind == .valueError)
        #expect(KernelError.failed(kernel: "k", status: 1).kerasKind == .runtimeError)
    }
}
