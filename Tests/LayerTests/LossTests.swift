import Testing
import VoxKerasConfig
import Voxelsmith
import _TestSupport

/// To which call a loss belongs, and what it is worth.
struct LossTests {
    private func up(_ name: String = "up", _ regularizer: (any Regularizer)? = nil, factor: Double = 2) throws -> Conv3DTranspose {
        try Conv3DTranspose(
            filters: 1, kernelSize: 1, kernelInitializer: Constant(factor), activityRegularizer: regularizer, name: name, kernels: KernelRegistry())
    }

    private func ones(_ batch: Int = 1) throws -> Tensor { try Ones()([batch, 1, 1, 2, 1], .float32) }

    @Test func aLossKeepsTheRegularizerOfItsCall() throws {
        try withGraph {
            let layer = try up("up", L1(1))
            let a = try Input(shape: [1, 1, 2, 1], name: "a"), b = try Input(shape: [1, 1, 2, 1], name: "b"), c = try Input(shape: [1, 1, 2, 1])
            let ya = try layer(a)
            layer.activityRegularizer = try L2(10)
            let yb = try layer(b)
            layer.activityRegularizer = nil
            _ = try layer(c)
            #expect(try layer.losses.map(\.tensor) == [ya, yb])
            #expect(try layer.losses[0].regularizer is L1 && layer.losses[1].regularizer is L2)
            #expect(try layer.getLosses(for: a).count == 1 && layer.getLosses(for: b).count == 1 && layer.getLosses(for: c).isEmpty)
            let model = try Model(inputs: [a, b], outputs: [ya, yb])
            _ = try model([ones(), ones()])
            // |2| + |2| and 10 (4 + 4).
            #expect(try model.losses.map(\.value) == [4, 80] && layer.losses.map(\.value) == [4, 80])
            layer.activityRegularizer = try L1(100)
            #expect(try model.losses.map(\.value) == [4, 80] && layer.getLosses(for: a).map(\.value) == [4])
        }
    }

    @Test func modelsCalledOnValuesHaveNumbers() throws {
        let model = try Sequential([up("first", L1(1)), up("second", L2(1), factor: 3)])
        #expect(try model.losses.isEmpty)
        _ = try model(ones())
        // First 2, 2; second 6, 6.
        #expect(try model.losses.map(\.value) == [4, 72] && model.losses.map(\.name) == ["activity", "activity"])
        _ = try model(Tensor(zeros: [1, 1, 1, 2, 1]))
        #expect(try model.losses.map(\.value) == [0, 0], "those of the latest call")
        let x = try Tensor(shape: [3, 1, 1, 2, 1], [1, 1, 0, 0, 2, 2])
        _ = try model(x)
        let whole = try model.losses.map(\.value)
        #expect(whole == [4, 120])
        for batchSize in 1...3 {
            _ = try model.predict(x, batchSize: batchSize)
            for (loss, value) in zip(try model.losses, whole) {
                #expect(abs((loss.value ?? .nan) - (value ?? 0)) <= 1e-12 * (value ?? 0), "\(batchSize)")
            }
        }
        // A call that fails has none.
        #expect(throws: (any Error).self) { try model(Tensor(zeros: [1, 1, 1, 2, 7])) }
        #expect(try model.losses.map(\.value) == [nil, nil])
    }

    /// A model of eager layers, and one that was read, is called on values alone: each of these calls has the regularizers of its time.
    @Test func modelsOfEagerLayersTakeTheRegularizersOfTheCall() throws {
        let chain = try Sequential([up("first"), up("second", L1(1))], name: "m")
        for model in try [chain, modelFromJSON(chain.toJSON(), kernels: KernelRegistry()), chain.copy()] {
            _ = try model(ones())
            #expect(try model.losses.map(\.value) == [8])
            let (first, second) = (model.layers[model.layers.count - 2], model.layers[model.layers.count - 1])
            first.activityRegularizer = try L2(1)
            second.activityRegularizer = nil
            #expect(try model.losses.map(\.value) == [8], "of the call that was made")
            _ = try model(ones())
            #expect(try model.losses.map(\.value) == [8] && model.losses[0].regularizer is L2)
            first.activityRegularizer = try L1(1)
            _ = try model(ones())
            #expect(try model.losses.map(\.value) == [4])
            _ = try model.predict(ones(5), batchSize: 2)
            #expect(try abs((model.losses[0].value ?? .nan) - 4) < 1e-12 && model.losses.count == 1)
        }
    }

    @Test func sharedLayersAndModelsInModels() throws {
        let inner = try Sequential([up("inner", L1(1))], name: "part")
        let model = try withGraph(inner.graph) {
            let x = try Input(shape: [1, 1, 2, 1], name: "x")
            let shared = try up("shared", L1(1))
            let y = try shared(inner(shared(x)))
            _ = try shared(y)  // no part of the model
            return try Model(inputs: [x], outputs: [y])
        }
        #expect(try model.losses.count == 3)
        _ = try model(ones())
        // shared: 2, 2 and 8, 8; inner: 4, 4.
        #expect(try model.losses.map(\.value) == [4, 16, 8])
        #expect(try model.layers.first { $0.name == "shared" }?.losses.map(\.value) == [4, 16, nil])
    }

    @Test func lossesOfInputsAndResults() throws {
        try withGraph {
            let layer = try up()
            let a = try Input(shape: [1, 1, 2, 1], name: "a"), b = try Input(shape: [1, 1, 2, 1], name: "b")
            try layer.addLoss(name: "growth") { inputs, results in
                zip(results[0].doubles, inputs[0].doubles).reduce(0) { $0 + $1.0 - $1.1 }
            }
            let (ya, yb) = (try layer(a), try layer(b))
            try layer.addLoss(Loss(of: ya, name: "peak") { $0.doubles.max() ?? 0 }, inputs: a)
            try layer.addLoss(Loss(of: [a, yb], name: "both") { $0[0].doubles[0] * $0[1].doubles[0] })
            #expect(try layer.losses.map(\.name) == ["growth", "growth", "peak", "both"] && layer.losses.allSatisfy { $0.value == nil })
            #expect(try layer.getLosses(for: a).map(\.name) == ["growth", "peak"] && layer.getLosses(for: b).map(\.name) == ["growth"])
            #expect(try layer.getLosses(for: nil).map(\.name) == ["both"])
            #expect(try layer.losses[0].value(for: [ones(), ones()]) == 0)
            #expect(throws: ArgumentError.self) { try layer.losses[0].value(for: []) }
            let one = try Model(inputs: [a], outputs: [ya]), two = try Model(inputs: [a, b], outputs: [ya, yb])
            try two.addLoss(Loss(of: two.outputs, name: "own") { outputs in outputs.reduce(0) { $0 + $1.doubles[1] } })
            _ = try one(ones())
            #expect(try one.losses.map(\.value) == [2, 2])
            _ = try two([ones(), Tensor(shape: [1, 1, 1, 2, 1], [5, 7])])
            #expect(try two.losses.map(\.name) == ["growth", "growth", "peak", "both", "own"])
            #expect(try two.losses.map(\.value) == [2, 12, 2, 10, 16])
        }
    }

    @Test func singleValuesBesideLists() throws {
        try withGraph {
            let layer = try up()
            let a = try Input(shape: [1, 1, 2, 1])
            let value = 0.25
            try layer.addLoss(0.5)
            try layer.addLoss(1, inputs: a)
            try layer.addLoss(value)
            try layer.addLoss(value, inputs: a)
            try layer.addLoss([2, 3.5], inputs: a)
            try layer.addLoss([4], inputs: nil)
            let values = [value, 5]
            try layer.addLoss(values)
            try layer.addLoss([value], inputs: a)
            try layer.addLoss(values, inputs: [a])
            #expect(try layer.getLosses(for: a).map(\.value) == [1, 0.25, 2, 3.5, 0.25, 0.25, 5])
            #expect(try layer.getLosses(for: nil).map(\.value) == [0.5, 0.25, 4, 0.25, 5])
            let update = Update(name: "u") {}
            layer.addUpdate(update)
            layer.addUpdate(update, inputs: a)
            layer.addUpdate([update, update], inputs: a)
            #expect(try layer.updates.count == 4 && layer.getUpdates(for: a).count == 3 && layer.getUpdates(for: nil).count == 1)
        }
    }

    @Test func copiesKeepWhatWasAdded() throws {
        try withGraph {
            let layer = try up("up", L1(1))
            let a = try Input(shape: [1, 1, 2, 1])
            let y = try layer(a)
            try layer.addLoss(0.5, inputs: a)
            try layer.addLoss(Loss(of: y) { $0.doubles[0] }, inputs: a)
            try layer.addLoss { _, results in results[0].doubles[0] }
            layer.addUpdate(Update(name: "u") {}, inputs: a)
            let copy = try layer.copy()
            #expect(try copy.getLosses(for: a).map(\.value) == [0.5, nil] && copy.getUpdates(for: a).count == 1)
            #expect(try copy.losses[1].tensors == [y], "a result of the original")
            _ = try copy(a)
            #expect(try copy.losses.map(\.name) == ["activity", "loss", "loss", "loss"])
        }
    }

    /// What was added to the layers of a model, and to the model, follows the tensors of a copy.
    @Test func copiesOfModelsKeepWhatDependsOnTensors() throws {
        let (model, x, layer) = try withGraph {
            let layer = try up("up", L1(1))
            let x = try Input(shape: [1, 1, 2, 1], name: "x")
            let y = try layer(x)
            try layer.addLoss(Loss(of: y, name: "peak") { $0.doubles.max() ?? 0 }, inputs: x)
            try layer.addLoss(Loss(of: [x, y], name: "both") { $0[0].doubles[0] + $0[1].doubles[0] })
            layer.addUpdate(Update(name: "u") {}, inputs: x)
            let model = try Model(inputs: [x], outputs: [up("last")(y)], name: "m")
            try model.addLoss(Loss(of: model.outputs, name: "own") { $0[0].doubles[1] }, inputs: x)
            return (model, x, layer)
        }
        let copy = try model.copy()
        #expect(try copy.losses.map(\.value) == [nil, nil, nil, nil])
        _ = try copy(ones())
        #expect(try copy.losses.map(\.name) == ["activity", "peak", "both", "own"] && copy.losses.map(\.value) == [4, 2, 3, 4])
        #expect(try copy.copy().losses.count == 4, "a copy of the copy")
        let copied = copy.layers[1]
        #expect(try copied.getLosses(for: copy.inputs).map(\.name) == ["activity", "peak"] && copied.getLosses(for: x).isEmpty)
        #expect(try copied.getUpdates(for: copy.inputs).count == 1 && copy.getLosses(for: copy.inputs).map(\.value) == [4])
        // The original is as it was.
        #expect(try model.losses.map(\.value) == [nil, nil, nil, nil] && layer.getLosses(for: x).map(\.name) == ["activity", "peak"])
        let chain = try Sequential([up("a"), up("b")])
        try chain.build(inputShape: [1, 1, 1, 2, 1])
        try chain.layers[1].addLoss(Loss(of: chain.outputs, name: "peak") { $0[0].doubles.max() ?? 0 })
        let twin = try chain.copy()
        _ = try twin(ones())
        #expect(try twin.losses.map(\.value) == [4] && chain.losses.map(\.value) == [nil])
    }

    /// In a layer's `call` on values, `addLoss` adds to that call.
    @Test func lossesAddedInsideOfACall() throws {
        final class Noting: Layer {
            override func call(_ x: Tensor, threads: Int) throws -> Tensor {
                try addLoss(x.doubles.reduce(0, +))
                return x
            }
            override func computeOutputShape(_ inputShape: [Int]) throws -> [Int] { inputShape }
        }
        let model = try Sequential([Noting(name: "n")])
        for factor in 1...3 {
            _ = try model(Tensor(shape: [1, 2], [Float(factor), 0]))
            #expect(try model.losses.map(\.value) == [Double(factor)])
        }
        // Several batches: means over the samples, as for penalties on results; the model may have one of its own.
        model.activityRegularizer = try L1(1)
        _ = try model.predict(Tensor(shape: [3, 2], [1, 1, 2, 2, 6, 6]), batchSize: 2)
        #expect(try model.losses.map(\.name) == ["loss", "activity"])
        for (loss, value) in zip(try model.losses, [(6 * 2 + 12) / 3.0, 18 / 3.0]) { #expect(abs((loss.value ?? .nan) - value) <= 1e-12 * value) }
    }

    @Test func eagerLossesEndWithTheirMeaning() throws {
        let layer = try up("up", L1(1))
        _ = try layer(ones())
        layer.activityRegularizer = nil
        #expect(try layer.losses.map(\.value) == [4], "of the call that was made")
        #expect(throws: (any Error).self) { try layer(Tensor(zeros: [1, 1, 1, 2, 5])) }
        #expect(try layer.losses.isEmpty, "the latest call failed")
        layer.activityRegularizer = try L1(1)
        _ = try layer(ones())
        #expect(try layer.copy().losses.isEmpty, "the copy was not called")
        let model = try Sequential([layer])
        #expect(try model.losses.isEmpty, "the layer is in graph mode now")
    }

    @Test func layersKeepTheirGraph() throws {
        let (one, two) = (Graph(), Graph())
        let layer = try withGraph(one) { try up("inside") }
        #expect(throws: LayerError.layerOfAnotherGraph(layer: "inside", model: "m")) { try withGraph(two) { try Sequential([layer], name: "m") } }
        #expect(try layer.graph === one)
        let other = try withGraph(two) { try up("other") }
        #expect(throws: LayerError.layerOfAnotherGraph(layer: "other", model: "m")) { try Sequential([layer, other], name: "m") }
        #expect(try layer.graph === one && other.graph === two)
        let eager = try up("eager")
        #expect(throws: LayerError.layerOfAnotherGraph(layer: "other", model: "m")) { try Sequential([eager, layer, other], name: "m") }
        #expect(throws: LayerError.eagerMode(layer: "eager", member: "graph"), "a refused model takes no layer") { try eager.graph }
        #expect(LayerError.layerOfAnotherGraph(layer: "a", model: "m").kerasKind == .valueError)
        // The graph that layers were made in is the model's; eager ones follow, and models that opened a graph of their own.
        let chain = try Sequential([up("eager"), Sequential([up("part")], name: "parts"), layer], name: "m")
        #expect(try chain.graph === one && layer.graph === one && chain.layers.allSatisfy { try $0.graph === one })
        #expect(try chain(ones()).floats == [8, 8])
    }
}
