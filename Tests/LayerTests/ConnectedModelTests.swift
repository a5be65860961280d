import Testing
import VoxKerasConfig
import Voxelsmith
import _TestSupport

/// `Model` and `Sequential`: shared layers, several inputs and outputs, prediction, tables.
struct ConnectedModelTests {
    private func layer(_ filters: Int, _ name: String, inputShape: [Int?]? = nil) throws -> Conv3DTranspose {
        try Conv3DTranspose(
            filters: filters, kernelSize: 3, padding: .same, kernelInitializer: GlorotUniform(seed: filters), name: name,
            inputShape: inputShape, kernels: KernelRegistry())
    }

    private func tensor(_ shape: [Int], seed: UInt64) throws -> Tensor {
        var random = SeededRandom(seed: seed)
        return try Tensor(shape: shape, random.reals(shape.reduce(1, *)).map { Float($0) })
    }

    /// A layer of the user's own, of two inputs.
    private final class Add: Layer {
        override func call(_ xs: [Tensor], threads: Int) throws -> [Tensor] {
            [try Tensor(shape: xs[0].shape, zip(xs[0].floats, xs[1].floats).map { $0 + $1 })]
        }
        override func computeOutputShapes(_ inputShapes: [[Int?]]) throws -> [[Int?]] { [inputShapes[0]] }
        override func makeCopy() throws -> Layer { Add(name: name) }
    }

    /// Two inputs through one shared layer, whose results are added; the sum and a further layer's result are the outputs.
    private func network() throws -> Model {
        try withGraph {
            let a = try Input(shape: [nil, 3, 2, 2], name: "a"), b = try Input(shape: [nil, 3, 2, 2], name: "b")
            let shared = try layer(4, "shared")
            let add = Add(name: "add")
            try add.build(inputShape: [])
            let sum = try add([shared(a), shared(b)])[0]
            return try Model(inputs: [a, b], outputs: [sum, layer(1, "last")(sum)], name: "net")
        }
    }

    @Test func sharedLayersAndSeveralInputsAndOutputs() throws {
        let model = try network()
        #expect(model.isBuilt && model.layers.map(\.name) == ["a", "b", "shared", "add", "last"])
        #expect(model.inputs.map(\.layer.name) == ["a", "b"] && model.outputs.map(\.layer.name) == ["add", "last"])
        #expect(model.weights.map(\.path) == ["shared/kernel", "shared/bias", "last/kernel", "last/bias"])
        #expect(try model.countParams() == 27 * 8 + 4 + 27 * 4 + 1)
        let (a, b) = (try tensor([2, 5, 3, 2, 2], seed: 1), try tensor([2, 5, 3, 2, 2], seed: 2))
        let results = try model([a, b])
        let expected = zip(try model.layers[2](a).floats, try model.layers[2](b).floats).map { $0 + $1 }
        #expect(results.map(\.shape) == [[2, 5, 3, 2, 4], [2, 5, 3, 2, 1]])
        #expect(results[0].floats == expected)
        #expect(try results[1].floats == model.layers[4](results[0]).floats)
        #expect(try model.computeOutputShapes([[nil, 7, 3, 2, 2], [nil, 7, 3, 2, 2]]) == [[nil, 7, 3, 2, 4], [nil, 7, 3, 2, 1]])
        #expect(throws: LayerError.inputCount(layer: "net", received: 1, expected: 2)) { try model([a]) }

        let copy = try model.copy()
        try model.setWeights(model.getWeights().map { try Tensor(zeros: $0.shape) })
        #expect(try copy([a, b]).map(\.floats) == results.map(\.floats))
        #expect(try model([a, b])[1].floats.allSatisfy { $0 == 0 })
    }

    @Test func modelsAreLayers() throws {
        let inner = try network()
        let outer = try withGraph(inner.graph) {
            let x = try Input(shape: [2, 3, 2, 2])
            return try Model(inputs: [x], outputs: [inner([x, x])[1]])
        }
        let x = try tensor([1, 2, 3, 2, 2], seed: 3)
        #expect(try outer(x).floats == inner([x, x])[1].floats)
        #expect(outer.outputs[0].shape == [nil, 2, 3, 2, 1])
        outer.trainable = false
        #expect(outer.trainableWeights.isEmpty && inner.layers[2].trainableWeights.isEmpty)
    }

    @Test func modelsOfDisconnectedTensorsAreRefused() throws {
        try withGraph {
            let a = try Input(shape: [2, 2, 2, 1], name: "a"), b = try Input(shape: [2, 2, 2, 1], name: "b")
            let y = try layer(1, "up")(a)
            #expect(throws: LayerError.disconnected(model: "m", input: "a")) { try Model(inputs: [b], outputs: [y], name: "m") }
            #expect(throws: LayerError.duplicateName("a")) { try Model(inputs: [a, a], outputs: [y]) }
            #expect(throws: LayerError.duplicateName("up")) { try Model(inputs: [a], outputs: [layer(2, "up")(y)]) }
            #expect(throws: LayerError.noLayers(model: "m")) { try Model(inputs: [a], outputs: [], name: "m") }
            // From the middle of a graph on.
            let z = try layer(2, "next")(y)
            let tail = try Model(inputs: [y], outputs: [z])
            #expect(tail.layers.map(\.name) == ["next"])
            #expect(try tail(Tensor(zeros: [1, 2, 2, 2, 1])).shape == [1, 2, 2, 2, 2])
        }
    }

    @Test func predictionInBatchesChangesNothing() throws {
        let model = try network()
        let (a, b) = (try tensor([7, 2, 3, 2, 2], seed: 1), try tensor([7, 2, 3, 2, 2], seed: 2))
        let whole = try model([a, b])
        for batchSize in [1, 3, 7, 32] {
            var done: [Int] = []
            let results = try model.predict([a, b], batchSize: batchSize) { done.append($0 * 100 + $1) }
            #expect(results.map(\.shape) == whole.map(\.shape) && results.map(\.floats) == whole.map(\.floats), "\(batchSize)")
            #expect(done == stride(from: batchSize, to: 7 + batchSize, by: batchSize).map { min($0, 7) * 100 + 7 }, "\(batchSize)")
        }
        #expect(throws: ArgumentError.self) { try model.predict([a, b], batchSize: 0) }
        #expect(throws: ArgumentError.self) { try model.predict([a, tensor([6, 2, 3, 2, 2], seed: 2)]) }
        let chain = try Sequential([layer(2, "x")])
        #expect(try chain.predict(a, batchSize: 2).floats == chain(a).floats)
    }

    @Test func sequentialModelsConnectTheirLayers() throws {
        let first = try layer(3, "first", inputShape: [nil, 4, 4, 2])
        let second = try layer(1, "second")
        let model = try Sequential([first, second], name: "chain")
        #expect(model.isBuilt && model.inputs.map(\.shape) == [[nil, nil, 4, 4, 2]] && model.outputs.map(\.shape) == [[nil, nil, 4, 4, 1]])
        #expect(try second.input == first.output && first.graph === model.graph)
        #expect(try model(Tensor(zeros: [1, 9, 4, 4, 2])).shape == [1, 9, 4, 4, 1])
        let late = try Sequential([layer(2, "late")])
        #expect(late.inputs.isEmpty && !late.isBuilt)
        try late.build(inputShape: [5, 1, 2, 3, 4])
        #expect(late.inputs.map(\.shape) == [[nil, 1, 2, 3, 4]] && late.weights[0].shape == [3, 3, 3, 2, 4])
        #expect(throws: LayerError.alreadyBuilt(layer: late.name)) { try late.build(inputShape: [5, 1, 2, 3, 4]) }
        let symbolic = try Sequential([layer(2, "s")])
        let x = try withGraph(symbolic.graph) { try Input(shape: [nil, nil, nil, 4]) }
        #expect(try symbolic(x).shape == [nil, nil, nil, nil, 2] && symbolic.inputs.map(\.shape) == [[nil, nil, nil, nil, 4]])
        let copy = try model.copy()
        #expect(copy.outputs.map(\.shape) == model.outputs.map(\.shape) && copy.layers[0] !== first)
    }

    @Test func summaryIsATable() throws {
        let chain = try Sequential([layer(3, "first", inputShape: [nil, 4, 4, 40]), layer(1, "second")], name: "chain")
        chain.layers[1].trainable = false
        #expect(try chain.summary() == """
            Model: "chain"
            ┏━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━┓
            ┃ Layer (type)             ┃ Output Shape          ┃ Param # ┃
            ┡━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━┩
            │ first (Conv3DTranspose)  │ (None, None, 4, 4, 3) │   3,243 │
            ├──────────────────────────┼───────────────────────┼─────────┤
            │ second (Conv3DTranspose) │ (None, None, 4, 4, 1) │      82 │
            └──────────────────────────┴───────────────────────┴─────────┘
             Total params: 3,325 (12.99 KB)
             Trainable params: 3,243 (12.67 KB)
             Non-trainable params: 82 (328.00 B)
            """)
        let lines = try network().summary().split(separator: "\n")
        #expect(lines.contains { $0.contains("shared (Conv3DTranspose)") && $0.contains("a[0][0], b[0][0]") })
        #expect(lines.contains { $0.contains("add (Add)") && $0.contains("shared[0][0], shared[1][0]") })
        #expect(try Sequential([layer(1, "u")]).summary().contains("0 (unbuilt)"))
    }
}
