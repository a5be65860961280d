import Testing
import VoxKerasConfig
import VoxTensorIO
import Voxelsmith
import VoxelsmithModelIO
import _TestSupport

/// Models with activations and Dropout as layers, named ends, and models in models, from files.
struct ModelGraphTests {
    private func path(_ name: String) -> String { Fixture.layer("graphs/\(name)") }

    /// A tensor in exact arithmetic, and how far float32 arithmetic may be from it.
    private struct Bounded {
        let shape: [Int]
        let values: [Double]
        let errors: [Double]
    }

    /// Carries values and error bounds through a model. A convolution adds the bound of its rounded sums, and multiplies the errors of its
    /// input by the sums of its weights' magnitudes. The other layers here change by no more than their input does.
    private func bounded(_ model: Model, _ x: Tensor) throws -> [Bounded] {
        let start = Bounded(shape: x.shape, values: x.doubles, errors: x.doubles.map { _ in 0 })
        let unit = ElementType.float32.unitRoundoff
        return try model.trace([start]) { layer, inputs in
            let x = inputs[0]
            guard let layer = layer as? Conv3D else {
                let y = try layer(Tensor(shape: x.shape, x.values.map { Float($0) }), threads: 1)
                let most = layer.className == "Softmax" ? x.errors.max() ?? 0 : 0
                // Rounding of the argument and of the result, once here and once in a float32 computation of a few operations.
                let results = y.doubles
                let errors = x.values.indices.map { max(x.errors[$0], most) + unit * (abs(x.values[$0]) + 8 * abs(results[$0])) }
                return [Bounded(shape: y.shape, values: results, errors: errors)]
            }
            let spec = try layer.config.spec(inputShape: x.shape, policy: .direct)
            let weights = layer.getWeights().map(\.doubles)
            let batch = x.shape[0]
            let exact = ScatterOracle.run(spec, batch: batch, input: x.values, operand: weights[0], bias: weights.last)
            let carried = ScatterOracle.run(
                spec, batch: batch, input: x.errors, operand: weights[0].map(abs), bias: weights.last.map { $0.map { _ in 0 } })
            let own = ErrorBound.bounds(
                chain: spec.longestChain + 1, type: .float32, magnitudes: zip(exact.magnitudes, carried.values).map { $0 + $1 })
            return [Bounded(shape: spec.outputShape(batch: batch), values: exact.values, errors: zip(carried.values, own).map { $0 + $1 })]
        }
    }

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
        check(y, keras: expected, try bounded(model, x)[0], "noops")
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
            check(try model(x), keras: expected, try bounded(model, x)[0], name)
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
        let (ys, bounds) = (try model([x]), try bounded(model, x))
        for (index, expected) in [mask, raw].enumerated() { check(ys[index], keras: expected, bounds[index], model.outputNames[index]) }
    }

    /// Every layer that cannot be computed is named, with its class.
    @Test func missingLayersAreNamed() throws {
        let normalizations = ["", "_1", "_2"].map { OtherLayer(path: "batch_normalization\($0)", className: "BatchNormalization") }
        let table: [(String, String, [OtherLayer])] = [
            ("gan_bn.keras", "functional", normalizations), ("gan_bn.h5", "functional", normalizations),
            ("gan_dense.h5", "sequential", [OtherLayer(path: "dense", className: "Dense"), OtherLayer(path: "reshape", className: "Reshape")]),
            (
                "resize.keras", "sequential",
                [
                    OtherLayer(path: "up_sampling3d", className: "UpSampling3D"), OtherLayer(path: "cropping3d", className: "Cropping3D"),
                    OtherLayer(path: "zero_padding3d", className: "ZeroPadding3D"),
                ]
            ),
            ("mc.keras", "mcm", [OtherLayer(path: "mc", className: "Dropout", isCalledInTraining: true)]),
        ]
        for (name, model, layers) in table {
            #expect(throws: KerasConfigError.missingLayers(model: model, layers), "\(name)") {
                try loadModel(path: path(name), kernels: KernelRegistry())
            }
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
