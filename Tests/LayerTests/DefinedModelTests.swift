import Testing
import VoxKerasConfig
import VoxTensorIO
import Voxelsmith
import VoxelsmithModelIO
import _TestSupport

/// Models of layers that are no convolutions: their files, the forms of earlier generations, what is refused, and the user's own.
@Suite struct DefinedModelTests {
    private func path(_ name: String) -> String { Fixture.layer("layers/\(name)") }

    /// Weights below wrappers, below models in wrappers, and adapted ones; by path and by order.
    @Test func weightsBelowWrappersAreFound() throws {
        let arrays = try NPZFile(path: path("clips.npz"))
        let (x, expected) = (try arrays.tensor("x"), try arrays.tensor("y0"))
        for name in ["clips.keras", "clips.h5"] {
            let model = try loadModel(path: path(name), policy: .direct, kernels: KernelRegistry())
            #expect(model.isBuilt && model.layers.map(\.isBuilt).allSatisfy { $0 }, "\(name)")
            #expect(model.convolutions.map(\.name) == ["conv", "inner_conv"] && model.weights.count == 2 + 6 + 4 + 3 + 2, "\(name)")
            let y = try model(x)
            #expect(y.shape == expected.shape, "\(name)")
            // Eighths are summed exactly in the first convolution. Two normalizations, a convolution of 32 terms, another normalization and 4
            // terms with weights up to 2 follow: 60 roundings at most, of numbers below the largest sum of magnitudes.
            let most = ErrorBound.gamma(60, .float32) * magnitude(model, x)
            let violation = ErrorBound.firstViolation(received: y.doubles, expected: expected.doubles, bounds: expected.doubles.map { _ in most })
            #expect(violation == nil, "\(name): \(violation ?? "")")
            #expect(try model(x, threads: 3).floats == y.floats && model.copy()(x).floats == y.floats, "\(name)")
            #expect(try model.summary().contains("second (TimeDistributed)"), "\(name)")
        }
    }

    /// An upper bound of the magnitudes of all sums on the way: the largest number, grown by each layer by the sum of its weights' magnitudes.
    private func magnitude(_ model: Model, _ x: Tensor) -> Double {
        let weights = model.getWeights().map(\.doubles)
        func most(_ index: Int) -> Double { weights[index].map(abs).max() ?? 0 }
        func factor(_ gamma: Int?, _ variance: Int, _ epsilon: Double) -> Double {
            (gamma.map(most) ?? 1) / ((weights[variance].min() ?? 1) + epsilon).squareRoot()
        }
        var value = x.doubles.map(abs).max() ?? 0
        value = value * 2 * most(0) + most(1)
        value = value * 32 * most(2) + most(3)
        value = (value + most(6)) * factor(4, 7, 1e-3) + most(5)
        value = (value + most(10)) * factor(8, 11, 1e-3) + most(9)
        value = (value + most(12)) * factor(nil, 13, 0)
        return value * 3 * most(15) + most(16)
    }

    private func input(_ name: String, _ shape: [Int?]) -> JSONValue {
        let config: JSONObject = ["batch_input_shape": JSONValue(shape: shape), "dtype": "float32", "name": .string(name)]
        return .object(["class_name": "InputLayer", "config": .object(config), "name": .string(name), "inbound_nodes": []])
    }

    private func layer(_ name: String, _ className: String, _ config: JSONObject, on calls: JSONValue...) -> JSONValue {
        var all = config
        all["name"] = .string(name)
        return .object(["class_name": .string(className), "config": .object(all), "name": .string(name), "inbound_nodes": .array(calls)])
    }

    private func model(
        _ layers: [JSONValue], inputs: [JSONValue], output: JSONValue, objects: CustomObjects = CustomObjects()
    ) throws -> Model {
        let config: JSONObject = ["name": "m", "layers": .array(layers), "input_layers": .array(inputs), "output_layers": [output]]
        let document: JSONValue = ["class_name": "Functional", "keras_version": "2.15.0", "config": .object(config)]
        return try modelFromJSON(document.text, objects: objects, kernels: KernelRegistry())
    }

    /// tf.keras 2 writes operations as calls of functions, numbers among their arguments.
    @Test func operationsOfKeras2() throws {
        func function(_ name: String, _ function: String, on call: JSONValue) -> JSONValue {
            layer(name, "TFOpLambda", ["function": .string(function)], on: call)
        }
        let layers = [
            input("x", [nil, 2, 3]), input("y", [nil, 2, 3]),
            function("tf.math.multiply", "math.multiply", on: ["x", 0, 0, ["y": 2, "name": nil]]),
            function("tf.__operators__.add", "__operators__.add", on: ["tf.math.multiply", 0, 0, ["y": ["y", 0, 0], "name": nil]]),
            function("tf.math.subtract", "math.subtract", on: ["_CONSTANT_VALUE", -1, 3, ["y": ["tf.__operators__.add", 0, 0], "name": nil]]),
            function("tf.concat", "concat", on: [["tf.math.subtract", 0, 0, ["axis": -1]], ["x", 0, 0, ["axis": -1]]]),
            function("tf.nn.relu", "nn.relu", on: ["tf.concat", 0, 0, ["name": nil]]),
            function("tf.math.truediv", "math.truediv", on: ["tf.nn.relu", 0, 0, ["y": 4, "name": nil]]),
        ]
        let model = try model(layers, inputs: [["x", 0, 0], ["y", 0, 0]], output: ["tf.math.truediv", 0, 0])
        let (x, y) = (try Tensor(shape: [1, 2, 3], [1, -2, 3, 4, -5, 6]), try Tensor(shape: [1, 2, 3], [0.5, 1, -7, 2, 3, 4]))
        let result = try model([x, y])[0]
        #expect(result.shape == [1, 2, 6])
        // max(3 - (2x + y), 0) / 4 beside max(x, 0) / 4
        #expect(result.floats == [0.125, 1.5, 1, 0.25, 0, 0.75, 0, 2.5, 0, 1, 0, 1.5])
        // Keras 3 writes the same with classes of its own.
        let written = try model.getConfig()["layers"]?.array?.compactMap { $0.object?["class_name"]?.string }
        #expect(written == ["InputLayer", "InputLayer", "Multiply", "Add", "Subtract", "Concatenate", "Relu", "Divide"])
        #expect(try Model(config: model.getConfig(), kernels: KernelRegistry())([x, y])[0].floats == result.floats)
        #expect(throws: KerasConfigError.missingLayers(model: "m", [OtherLayer(path: "f", className: "TFOpLambda")])) {
            try self.model(
                [input("x", [nil, 2]), function("f", "linalg.svd", on: ["x", 0, 0, [:]])], inputs: [["x", 0, 0]], output: ["f", 0, 0])
        }
    }

    /// Numbers of a config, and of an operation, are first rounded to the type that the layer computes in, as in Keras.
    @Test func numbersHaveTheTypeOfTheLayer() throws {
        let half = ElementType.float16
        let x: [Float] = [1, -3, 2.5]
        let rescaling = try model(
            [input("x", [nil, 3]), layer("a", "Rescaling", ["scale": .number(0.1), "dtype": "mixed_float16"], on: [["x", 0, 0, [:]]])],
            inputs: [["x", 0, 0]], output: ["a", 0, 0])
        #expect(try rescaling(Tensor(shape: [1, 3], x)).doubles == x.map { half.nearest(Double($0) * half.nearest(0.1)) })
        let wide = try model(
            [input("x", [nil, 3]), layer("a", "TFOpLambda", ["function": "math.multiply"], on: ["x", 0, 0, ["y": .number(0.1)]])],
            inputs: [["x", 0, 0]], output: ["a", 0, 0])
        #expect(try wide(Tensor(shape: [1, 3], x)).floats == x.map { $0 * Float(0.1) })
    }

    /// Axes as lists of one, and layers without a module.
    @Test func formsOfKeras2() throws {
        let layers = [
            input("x", [nil, 2, 3]), layer("norm", "BatchNormalization", ["axis": [2], "epsilon": .number(0.25), "fused": true], on: [["x", 0, 0, [:]]]),
            layer("layer_norm", "LayerNormalization", ["axis": [2], "epsilon": .number(0.5)], on: [["norm", 0, 0, ["training": false]]]),
            layer("add", "Add", [:], on: [["layer_norm", 0, 0, [:]], ["x", 0, 0, [:]]]),
            layer("time", "TimeDistributed", ["layer": ["class_name": "Dense", "config": ["name": "inner", "units": 1]]], on: [["add", 0, 0, [:]]]),
        ]
        let model = try model(layers, inputs: [["x", 0, 0]], output: ["time", 0, 0])
        try model.setWeights([
            Tensor([1, 2, 4]), Tensor([0, 1, 0]), Tensor([1, 0, -1]), Tensor([0.75, 3.75, 0.75]), Tensor([1, 1, 1]), Tensor([0, 0, 0]),
            Tensor(shape: [3, 1], [1, 0, 0]), Tensor([0.5]),
        ])
        let x = try Tensor(shape: [1, 2, 3], [1, 2, 3, 4, 0, 1])
        // (x - mean) * gamma / sqrt(variance + 1/4) + beta
        let normalized: [[Double]] = [[0, 3, 16], [3, 1, 8]]
        let expected = zip(normalized, [1.0, 4]).map { row, first in
            let mean = (row[0] + row[1] + row[2]) / 3
            let variance = row.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 3
            return (row[0] - mean) / (variance + 0.5).squareRoot() + first + 0.5
        }
        let y = try model(x)
        #expect(y.shape == [1, 2, 1])
        for (received, value) in zip(y.doubles, expected) { #expect(abs(received - value) <= ErrorBound.gamma(3, .float32) * (abs(value) + 6)) }
        #expect(try model.getConfig()["layers"]?.array?[1].object?["config"]?.object?["axis"] == 2)
    }

    /// Names that Keras 3 does not have are written as those that it has, and what counts in training alone is kept.
    @Test func namesOfTensorFlow1() throws {
        let model = try model(
            [input("x", [nil, 3]), layer("norm", "BatchNormalizationV1", ["synchronized": true], on: [["x", 0, 0, [:]]])],
            inputs: [["x", 0, 0]], output: ["norm", 0, 0])
        let written = try model.getConfig()["layers"]?.array?[1].object
        #expect(written?["class_name"] == "BatchNormalization" && written?["config"]?.object?["synchronized"] == true)
    }

    /// Two axes of steps, by a wrapper in a wrapper.
    @Test func wrappersOfWrappers() throws {
        let conv: JSONObject = ["name": "conv", "filters": 1, "kernel_size": 1, "use_bias": false]
        let inner: JSONObject = ["name": "inner", "layer": ["class_name": "Conv3D", "config": .object(conv)]]
        let model = try model(
            [
                input("x", [nil, 2, 3, 1, 1, 2, 2]),
                layer("outer", "TimeDistributed", ["layer": ["class_name": "TimeDistributed", "config": .object(inner)]], on: [["x", 0, 0, [:]]]),
            ], inputs: [["x", 0, 0]], output: ["outer", 0, 0])
        #expect(model.convolutions.map(\.name) == ["conv"])
        try model.setWeights([Tensor(shape: [1, 1, 1, 2, 1], [1, -10])])
        let x: [Float] = (0..<24).map { Float($0) }
        let y = try model(Tensor(shape: [1, 2, 3, 1, 1, 2, 2], x))
        #expect(y.shape == [1, 2, 3, 1, 1, 2, 1] && y.floats == (0..<12).map { x[2 * $0] - 10 * x[2 * $0 + 1] })
    }

    /// With `training=True`, a normalization takes the mean of the batch, unless it is frozen.
    @Test func normalizationsInTrainingAreRefused() throws {
        func made(_ config: JSONObject) throws -> Model {
            try model(
                [input("x", [nil, 3]), layer("norm", "BatchNormalization", config, on: [["x", 0, 0, ["training": true]]])], inputs: [["x", 0, 0]],
                output: ["norm", 0, 0])
        }
        #expect(throws: KerasConfigError.missingLayers(model: "m", [OtherLayer(path: "norm", className: "BatchNormalization", isCalledInTraining: true)])) {
            try made([:])
        }
        #expect(try made(["trainable": false]).isBuilt)
    }

    /// What a config cannot be, and what a layer cannot take, names the layer.
    @Test func errorsNameTheLayer() throws {
        func made(_ className: String, _ config: JSONObject, shape: [Int?] = [nil, 4, 4, 4, 2]) throws -> Model {
            try model([input("x", shape), layer("a", className, config, on: [["x", 0, 0, [:]]])], inputs: [["x", 0, 0]], output: ["a", 0, 0])
        }
        let table: [(String, JSONObject, KerasConfigError)] = [
            ("Dense", [:], .missingKey("units", className: "Dense")),
            ("Dense", ["units": 0], .wrongType(key: "units", received: "0", expected: "at least 1")),
            ("BatchNormalization", ["axis": 7], .layerInputs([[nil, 4, 4, 4, 2]], expected: "an axis 7")),
            ("GroupNormalization", ["groups": 4], .layerInputs([[nil, 4, 4, 4, 2]], expected: "a multiple of 4 groups at axis 4")),
            ("MaxPooling3D", ["pool_size": 5], .layerInputs([[nil, 4, 4, 4, 2]], expected: "at least 5 at axis 1")),
            ("Cropping3D", ["cropping": 2], .layerInputs([[nil, 4, 4, 4, 2]], expected: "more than 4 at axis 1, which are cropped")),
            ("Reshape", ["target_shape": [3, -1]], .layerInputs([[nil, 4, 4, 4, 2]], expected: "as many elements in a sample as target_shape [3, -1] has")),
            ("Subtract", [:], .layerInputs([[nil, 4, 4, 4, 2]], expected: "two inputs")),
        ]
        for (className, config, error) in table {
            #expect(throws: KerasConfigError.inLayer("a", error), "\(className) \(config)") { try made(className, config) }
        }
        // Unknown extents that weights depend on.
        #expect(throws: KerasConfigError.inLayer("a", .layerInputs([[nil, nil]], expected: "a known extent of axis 1"))) {
            try made("Dense", ["units": 2], shape: [nil, nil])
        }
    }

    /// Weights of a layer that does not know its input yet decide what it is for.
    @Test func weightsBeforeTheInputAreChecked() throws {
        let document: JSONValue = ["class_name": "Sequential", "config": ["name": "m", "layers": [layer("a", "Dense", ["units": 2])]]]
        let model = try modelFromJSON(document.text, kernels: KernelRegistry())
        #expect(!model.isBuilt && model.layers[0].expectedWeightNames == ["kernel", "bias"])
        try model.layers[0].takeWeights([Tensor(shape: [3, 2], [1, 2, 3, 4, 5, 6]), Tensor([0.5, -1])])
        #expect(try model(Tensor(shape: [1, 3], [1, 0, -1])).floats == [-3.5, -5])
        #expect(throws: KerasConfigError.inLayer(
            "a", .layerInputs([[1, 4]], expected: "one that its weight kernel of shape [3, 2] is for"))
        ) { try model(Tensor(shape: [1, 4], [1, 0, -1, 2])) }
        #expect(throws: LayerError.weightCount(layer: "a", received: 1, expected: 2)) { try model.layers[0].takeWeights([Tensor([1])]) }
    }

    /// Rows and channels that are cut into pieces, by numbers that are exact.
    @Test func longAxesAreCutIntoPieces() throws {
        let sum = try model(
            [input("x", [nil, 9001]), input("y", [nil, 1]), layer("a", "Add", [:], on: [["x", 0, 0, [:]], ["y", 0, 0, [:]]])],
            inputs: [["x", 0, 0], ["y", 0, 0]], output: ["a", 0, 0])
        let x: [Float] = (0..<2 * 9001).map { Float($0 % 97) }
        let sums = try sum([Tensor(shape: [2, 9001], x), Tensor(shape: [2, 1], [1, 100])], threads: 3)[0].floats
        #expect(sums == x.enumerated().map { $1 + ($0 < 9001 ? 1 : 100) })
        let mean = try model(
            [input("x", [nil, 2, 2, 2, 70]), layer("a", "GlobalAveragePooling3D", [:], on: [["x", 0, 0, [:]]])], inputs: [["x", 0, 0]],
            output: ["a", 0, 0])
        let volume: [Float] = (0..<2 * 8 * 70).map { Float($0 % 97) }
        let means = try mean(Tensor(shape: [2, 2, 2, 2, 70], volume), threads: 3).floats
        var expected: [Float] = []
        for sample in 0..<2 {
            for channel in 0..<70 {
                var sum: Float = 0
                for voxel in 0..<8 { sum += volume[(sample * 8 + voxel) * 70 + channel] }
                expected.append(sum / 8)
            }
        }
        #expect(means == expected)
    }

    /// A merge of very many tensors takes no more of the stack than one of two. Nearly as many as a file can name.
    @Test func veryManyOperands() throws {
        let count = 19_000
        let call = JSONValue.array(Array(repeating: ["x", 0, 0, [:]], count: count))
        let sum = try model([input("x", [nil, 2]), layer("a", "Add", [:], on: call)], inputs: [["x", 0, 0]], output: ["a", 0, 0])
        #expect(try sum(Tensor(shape: [1, 2], [1, -2])).floats == [Float(count), -2 * Float(count)])
    }

    /// Arrays by the names of layers and weights.
    @Test func weightsByName() throws {
        let folder = try TemporaryFolder()
        let document: JSONValue = [
            "class_name": "Sequential",
            "config": ["name": "m", "layers": [
                layer("first", "Dense", ["units": 2, "use_bias": false]), layer("norm", "BatchNormalization", ["epsilon": 0, "center": false]),
            ]],
        ]
        let arrays = [
            ("first/kernel", try Tensor(shape: [1, 2], [2, -4])), ("norm/gamma", try Tensor([1, 3])), ("norm/moving_mean", try Tensor([1, 0])),
            ("norm/moving_variance", try Tensor([0.25, 4])),
        ]
        func loaded(_ arrays: [(String, Tensor)]) throws -> Model {
            let made = try modelFromJSON(document.text, kernels: KernelRegistry())
            try NPZFile.write(arrays.map { (name: $0.0, tensor: $0.1) }, to: folder.path("w.npz"))
            _ = try WeightsFile(path: folder.path("w.npz")).give(to: made.layers)
            return made
        }
        #expect(try loaded(arrays)(Tensor(shape: [1, 1], [3])).floats == [10, -18])
        #expect(throws: ModelIOError.weightMissing(layer: "norm", name: "norm/moving_variance", present: arrays.dropLast().map(\.0))) {
            try loaded(arrays.dropLast())
        }
    }

    private final class Doubled: Layer {
        override func call(_ x: Tensor, threads: Int) throws -> Tensor { try Tensor(shape: x.shape, x.floats.map { $0 * 2 }) }
        override func computeOutputShape(_ inputShape: [Int]) throws -> [Int] { inputShape }
    }

    /// Code in files is never run: a Lambda is what the user's maker makes of it.
    @Test func lambdasAreTheUsersOwn() throws {
        let objects = CustomObjects()
        let code: JSONObject = ["function": ["class_name": "__lambda__", "config": ["code": "4wEAAAA="]]]
        func made() throws -> Model {
            try model(
                [input("x", [nil, 3]), layer("twice", "Lambda", code, on: [["x", 0, 0, [:]]])], inputs: [["x", 0, 0]], output: ["twice", 0, 0],
                objects: objects)
        }
        #expect(throws: KerasConfigError.missingLayers(model: "m", [OtherLayer(path: "twice", className: "Lambda")])) { try made() }
        objects.register(layer: "Lambda") { config in Doubled(name: config["name"]?.string) }
        #expect(try made()(Tensor(shape: [1, 3], [1, -2, 3])).floats == [2, -4, 6])
    }

    /// Lengths that are divided by are at least Keras 3's least ones. Powers of two divide exactly.
    @Test func lengthsAreNotTooSmall() throws {
        let unit = try model(
            [input("x", [nil, 1]), layer("a", "UnitNormalization", [:], on: [["x", 0, 0, [:]]])], inputs: [["x", 0, 0]], output: ["a", 0, 0])
        #expect(try unit(Tensor(shape: [2, 1], [0x1p-43, 0])).floats == [Float(0x1p-43 / 1e-12), 0])
        let dot = try model(
            [
                input("x", [nil, 1]), input("y", [nil, 1]),
                layer("a", "Dot", ["axes": 1, "normalize": true], on: [["x", 0, 0, [:]], ["y", 0, 0, [:]]]),
            ], inputs: [["x", 0, 0], ["y", 0, 0]], output: ["a", 0, 0])
        #expect(try dot([Tensor(shape: [1, 1], [0x1p-30]), Tensor(shape: [1, 1], [2])])[0].floats == [Float(0x1p-30 / 1e-7)])
    }

    /// NaN reaches what reads it, and nothing else.
    @Test func notANumberStaysWhereItIsRead() throws {
        func value(_ className: String, _ config: JSONObject, _ x: [Float]) throws -> [Float] {
            let made = try model(
                [input("x", [nil, 2, 2, 2, 1]), layer("a", className, config, on: [["x", 0, 0, [:]]])], inputs: [["x", 0, 0]], output: ["a", 0, 0])
            return try made(Tensor(shape: [1, 2, 2, 2, 1], x)).floats
        }
        let x: [Float] = [.nan, 1, 2, 3, 4, 5, 6, 7]
        let pooled = try value("MaxPooling3D", ["pool_size": [1, 2, 2]], x)
        #expect(pooled[0].isNaN && pooled[1] == 7)
        #expect(try value("GlobalMaxPooling3D", [:], x)[0].isNaN)
        let means = try value("AveragePooling3D", ["pool_size": [2, 1, 1]], x)
        #expect(means[0].isNaN && Array(means.dropFirst()) == [3, 4, 5])
        let unit = try value("UnitNormalization", [:], x)
        #expect(unit[0].isNaN && unit.dropFirst().allSatisfy { $0 == 1 })
    }
}
