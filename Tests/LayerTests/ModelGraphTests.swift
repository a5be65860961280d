import Testing
import VoxKerasConfig
import VoxTensorIO
import Voxelsmith
import VoxelsmithModelIO
import _TestSupport

/// Models with activations and Dropout as layers, named ends, and models in models, from files.
struct ModelGraphTests {
    private func path(_ name: String) -> String { Fixture.layer("graphs/\(name)") }

    /// Keras's result and ours are each within the bound of the exact one.
    private func check(_ y: Tensor, keras: Tensor, _ bound: Bounded, _ name: String) {
        #expect(y.shape == keras.shape && y.shape == bound.shape, "\(name)")
        for (received, who) in [(y.doubles, "ours"), (keras.doubles, "Keras's")] {
            let violation = ErrorBound.firstViolation(received: received, expected: bound.values, bounds: bound.errors)
            #expect(violation == nil, "\(name), \(who): \(violation ?? "")")
        }
    }

    @Test func dropoutCountsAsNothingAndActivationsCompute() throws {
        let values = try NPZFile(path: path("noops.npz"))
        let (x, expected) = (try values.tensor("x"), try values.tensor("y0"))
        let model = try loadModel(path: path("noops.keras"), policy: .direct, kernels: KernelRegistry())
        #expect(model.isBuilt && model.layers.map(\.className) == ["Conv3DTranspose", "Dropout", "Activation", "Conv3DTranspose", "ReLU"])
        let y = try model(x)
        check(y, keras: expected, try Bounded.results(model, x)[0], "noops")
        #expect(try model(x, threads: 1).floats == model(x, threads: 3).floats)
        #expect(try model.summary().contains("dropout (Dropout)"))
        let again = try modelFromJSON(model.toJSON(), kernels: KernelRegistry())
        try again.setWeights(model.getWeights())
        #expect(try again(x).floats == model(x).floats && again.getConfig() == model.getConfig())
        #expect(try model.copy().call([x], threads: 1).map(\.floats) == [y.floats])
    }

    @Test func namedEndsAreKept() throws {
        let values = try NPZFile(path: path("named_ends.npz"))
        let (x, expected) = (try values.tensor("x"), try values.tensor("y0"))
        for name in ["named_ends.keras", "named_ends.h5"] {
            let model = try loadModel(path: path(name), policy: .direct, kernels: KernelRegistry())
            #expect(model.inputNames == ["image"] && model.outputNames == ["mask"])
            check(try model(x), keras: expected, try Bounded.results(model, x)[0], name)
            #expect(try model.summary().contains("Inputs: image = image (None, 2, 3, 2, 2)"))
            let again = try modelFromJSON(model.toJSON(), kernels: KernelRegistry())
            #expect(again.outputNames == ["mask"] && again.layers.map(\.name) == model.layers.map(\.name))
            #expect(try model.copy().outputNames == ["mask"])
        }
    }

    /// Three models in each other, the innermost called twice, a chain, layers of one name in all of them, Dropout in between.
    @Test func modelsInModelsWithActivations() throws {
        let values = try NPZFile(path: path("deep.npz"))
        let (x, mask, raw) = (try values.tensor("x"), try values.tensor("mask"), try values.tensor("raw"))
        let model = try loadModel(path: path("deep.keras"), policy: .direct, kernels: KernelRegistry())
        #expect(model.inputNames == ["image"] && model.outputNames == ["mask", "raw"] && model.convolutions.count == 4)
        let (ys, bounds) = (try model([x]), try Bounded.results(model, x))
        for (index, expected) in [mask, raw].enumerated() { check(ys[index], keras: expected, bounds[index], model.outputNames[index]) }
    }

    /// A generator with normalizations between its convolutions, one that begins with a product, and layers that resize volumes.
    @Test func layersBetweenConvolutionsCompute() throws {
        for (name, arrays) in [("gan_bn.keras", "gan_bn"), ("gan_bn.h5", "gan_bn"), ("gan_dense.h5", "gan_dense"), ("resize.keras", "resize")] {
            let values = try NPZFile(path: path("\(arrays).npz"))
            let (x, expected) = (try values.tensor("x"), try values.tensor("y0"))
            let model = try loadModel(path: path(name), policy: .direct, kernels: KernelRegistry())
            let y = try model(x)
            check(y, keras: expected, try Bounded.results(model, x)[0], name)
            #expect(try model(x, threads: 1).floats == model(x, threads: 3).floats, "\(name)")
            let again = try modelFromJSON(model.toJSON(), kernels: KernelRegistry())
            try again.setWeights(model.getWeights())
            #expect(try again(x).floats == y.floats && again.getConfig() == model.getConfig(), "\(name)")
            #expect(try model.copy()(x).floats == y.floats, "\(name)")
            let prepared = try model.preparedModel(inputShape: x.shape)
            if prepared.plan.steps.allSatisfy({ !$0.name.contains(" + ") || !$0.name.contains("batch_normalization") }) {
                #expect(try prepared(x).floats == y.floats, "\(name)")
            } else {
                // Weights and biases are rounded once more: each sum of n products has n + 3 roundings for n + 1, and a shift is no larger than
                // the result and what cancels it.
                let bound = try Bounded.results(model, x)[0]
                let wider = Bounded(shape: bound.shape, values: bound.values, errors: bound.errors.map { 2 * $0 })
                check(try prepared(x), keras: expected, wider, "\(name), prepared")
            }
        }
    }

    /// Every layer that cannot be computed is named, with its class.
    @Test func missingLayersAreNamed() throws {
        #expect(throws: KerasConfigError.missingLayers(model: "mcm", [OtherLayer(path: "mc", className: "Dropout", isCalledInTraining: true)])) {
            try loadModel(path: path("mc.keras"), kernels: KernelRegistry())
        }
        let config: JSONObject = ["name": "m", "layers": [layer("LSTM", ["name": "a"]), layer("Dense", ["name": "b", "units": 2])]]
        let document: JSONValue = ["class_name": "Sequential", "config": .object(config)]
        #expect(throws: KerasConfigError.missingLayers(model: "m", [OtherLayer(path: "a", className: "LSTM")])) {
            try modelFromJSON(document.text, kernels: KernelRegistry())
        }
    }

    private struct Double2: TensorActivation {
        func callAsFunction(_ x: Tensor) throws -> Tensor { try Tensor(shape: x.shape, x.floats.map { $0 * 2 }) }
    }

    private func layer(_ className: String, _ config: JSONObject, registered: JSONValue = .null) -> JSONValue {
        let object: JSONObject = ["class_name": .string(className), "config": .object(config), "registered_name": registered]
        return .object(object)
    }

    /// Compares a model of one layer with a function.
    private func check(
        _ className: String, _ config: JSONObject = [:], version: String = "3.0", objects: CustomObjects = CustomObjects(),
        _ function: (Float) -> Float = { $0 }
    ) throws {
        let x: [Float] = [-3, -1, 0, 0.5, 2, 7, -0.25, 1]
        let input = layer("InputLayer", ["batch_shape": [nil, 1, 2, 2, 2], "name": "x"])
        let document: JSONValue = [
            "class_name": "Sequential", "keras_version": .string(version),
            "config": ["name": "m", "layers": [input, layer(className, config)]],
        ]
        let model = try modelFromJSON(document.text, objects: objects, kernels: KernelRegistry())
        let y = try model(Tensor(shape: [1, 1, 2, 2, 2], x)).floats
        for (received, expected) in zip(y, x.map(function)) {
            // One rounding of a function computed in double precision, and the roundings of the line that is compared with.
            #expect(abs(received - expected) <= 4 * Float.ulpOfOne * max(1, abs(expected)), "\(className) \(config)")
        }
        #expect(model.outputs.map(\.shape) == [[nil, 1, 2, 2, 2]] && model.isBuilt, "\(className)")
    }

    /// What each class computes at inference, with the meanings of both generations, and the user's own.
    @Test func layersThatAreActivations() throws {
        let objects = CustomObjects()
        objects.register(activation: "Double2") { _ in Double2() }
        for name in ["Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout", "GaussianDropout"] {
            try check(name, ["rate": .number(0.5)])
        }
        try check("Dropout", ["rate": .number(0.5)], version: "2.9")
        try check("GaussianNoise", ["stddev": 1])
        try check("Identity")
        try check("ActivityRegularization", ["l1": 1, "l2": 0])
        try check("Activation", ["activation": "linear"])
        try check("Activation", ["activation": "relu"]) { max(0, $0) }
        try check("Activation", ["activation": "hard_sigmoid"], version: "2.9") { min(1, max(0, 0.2 * $0 + 0.5)) }
        try check("Activation", ["activation": "hard_sigmoid"]) { min(1, max(0, $0 / 6 + 0.5)) }
        try check("Activation", ["activation": "Double2"], objects: objects) { 2 * $0 }
        try check("ReLU", ["max_value": 6, "negative_slope": .number(0.5), "threshold": 0]) { $0 < 0 ? $0 / 2 : min($0, 6) }
        try check("LeakyReLU", ["negative_slope": .number(0.25)]) { $0 < 0 ? $0 / 4 : $0 }
        try check("LeakyReLU", ["alpha": .number(0.25)], version: "2.9") { $0 < 0 ? $0 / 4 : $0 }
        try check("ThresholdedReLU", ["theta": 1], version: "2.9") { $0 > 1 ? $0 : 0 }
        // A class of the user's own under a name of Keras's is not taken for Keras's.
        let own = layer("Dropout", ["name": "own"], registered: "mine>Dropout")
        let document: JSONValue = ["class_name": "Sequential", "config": ["name": "m", "layers": [own]]]
        #expect(throws: KerasConfigError.missingLayers(model: "m", [OtherLayer(path: "own", className: "Dropout")])) {
            try modelFromJSON(document.text, kernels: KernelRegistry())
        }
    }

    /// Some versions of Keras 3 keep the state of Dropout's random numbers among the weights.
    @Test func seedsAreNoWeights() throws {
        func model() throws -> Model {
            try modelFromJSON(
                """
                {"class_name": "Sequential", "config": {"name": "m", "layers": [{"class_name": "Dropout", "config": {"rate": 0}},
                 {"class_name": "Conv3DTranspose", "config": {"filters": 1, "kernel_size": 1, "use_bias": false}},
                 {"class_name": "Dropout", "config": {"rate": 0.5}}]}}
                """, kernels: KernelRegistry())
        }
        let seeded = try model()
        try assign(KerasWeights(path: path("seeds.weights.h5")), to: seeded.layers)
        #expect(seeded.weights.count == 1)
        let stray = try KerasWeights(path: path("stray_seeds.weights.h5"))
        #expect(throws: ModelIOError.self) { try assign(stray, to: model().layers) }
    }
}
