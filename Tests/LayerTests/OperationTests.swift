import Testing
import VoxKerasConfig
import VoxLayerSpec
import Voxelsmith
import _TestSupport

/// Operations of functional models beyond what Keras computed for the fixtures: numbers that are none, batches, large tensors.
@Suite struct OperationTests {
    /// A model of one operation of Keras 3.
    private func model(_ className: String, _ config: JSONObject = [:], key: JSONValue? = nil, shape: [Int?]) throws -> Model {
        let input: JSONObject = [
            "class_name": "InputLayer", "name": "x", "inbound_nodes": [], "module": "keras.layers",
            "config": ["batch_shape": JSONValue(shape: shape), "name": "x", "dtype": "float32"],
        ]
        let tensor: JSONValue = [
            "class_name": "__keras_tensor__", "config": ["shape": JSONValue(shape: shape), "dtype": "float32", "keras_history": ["x", 0, 0]],
        ]
        var own = config
        own["name"] = "a"
        let layer: JSONObject = [
            "class_name": .string(className), "module": "keras.src.ops.numpy", "name": "a", "config": .object(own),
            "inbound_nodes": [["args": .array([tensor] + (key.map { [$0] } ?? [])), "kwargs": [:]]],
        ]
        let all: JSONObject = [
            "name": "m", "layers": [.object(input), .object(layer)], "input_layers": [["x", 0, 0]], "output_layers": [["a", 0, 0]],
        ]
        let document: JSONValue = ["class_name": "Functional", "module": "keras.src.models.functional", "config": .object(all)]
        return try modelFromJSON(document.text, objects: CustomObjects(), kernels: KernelRegistry())
    }

    private static let all: JSONValue = ["class_name": "__slice__", "config": ["start": nil, "stop": nil, "step": nil]]
    private static let backwards: JSONValue = ["class_name": "__slice__", "config": ["start": nil, "stop": nil, "step": -1]]

    @Test func notANumberIsTheLargestAndTheSmallest() throws {
        // Lanes and rows, in pieces and without.
        for (shape, axis) in [([2, 3], 1), ([2, 5, 3], 1), ([2, 3, 70, 2], 2), ([2, 3, 2, 3, 2], 3)] {
            let count = shape.reduce(1, *)
            var x: [Float] = (0..<count).map { Float($0 % 7) - 3 }
            x[count / 2] = .nan
            for name in ["Max", "Min", "Mean", "Sum"] {
                let model = try model(name, ["axis": .integer(axis)], shape: [nil] + shape.dropFirst().map { $0 })
                let y = try model(Tensor(shape: shape, x), threads: 2).floats
                #expect(y.count { $0.isNaN } == 1 && y.allSatisfy { $0.isNaN || abs($0) < 1000 }, "\(name) \(shape)")
            }
        }
        let clipped = try model("Clip", ["x_min": -1, "x_max": nil], shape: [nil, 4])(Tensor(shape: [1, 4], [Float.nan, -2, -.infinity, .infinity])).floats
        #expect(clipped[0].isNaN && Array(clipped.dropFirst()) == [-1, -1, .infinity])
    }

    /// More elements than a piece has; numbers whose sums are exact.
    @Test func largeTensorsAreCutIntoPieces() throws {
        let shape = [2, 41, 33, 50, 3]
        let count = shape.reduce(1, *)
        let x = (0..<count).map { Float(($0 * 7919) % 101) - 50 }
        func values(_ place: (Int) -> Int, _ places: Int) -> [[Float]] {
            var groups = [[Float]](repeating: [], count: places)
            for (index, value) in x.enumerated() { groups[place(index)].append(value) }
            return groups
        }
        // The axes 1 to 3, the last two, and 1 with 3.
        let table: [([Int], [[Float]])] = [
            ([1, 2, 3], values({ $0 / (count / 2) * 3 + $0 % 3 }, 6)), ([3, 4], values({ $0 / 150 }, 2 * 41 * 33)),
            ([1, 3], values({ $0 / (count / 2) * 99 + $0 / 150 % 33 * 3 + $0 % 3 }, 2 * 33 * 3)),
        ]
        for (axes, groups) in table {
            let expected: [(String, [Float])] = [
                ("Sum", groups.map { $0.reduce(0, +) }), ("Max", groups.map { $0.max() ?? 0 }), ("Min", groups.map { $0.min() ?? 0 }),
                ("Mean", groups.map { Float(Double($0.reduce(0, +)) / Double($0.count)) }),
            ]
            for (name, numbers) in expected {
                let model = try model(name, ["axis": JSONValue(axes)], shape: [nil] + shape.dropFirst().map { $0 })
                for threads in [1, 3] { #expect(try model(Tensor(shape: shape, x), threads: threads).floats == numbers, "\(name) \(axes)") }
            }
        }
    }

    /// What TensorFlow 2.0 to 2.3 write for arithmetic: nodes of its graph, with numbers in the config.
    @Test func nodesOfTensorFlow() throws {
        func made(_ op: String, _ attributes: JSONObject = [:], _ constants: JSONObject = [:]) throws -> Model {
            let node: JSONObject = ["name": "own", "op": .string(op), "input": ["x"], "attr": .object(attributes)]
            let layers: JSONValue = [
                [
                    "class_name": "InputLayer", "name": "x", "inbound_nodes": [],
                    "config": ["batch_input_shape": [nil, 2], "name": "x", "dtype": "float32"],
                ],
                [
                    "class_name": "TensorFlowOpLayer", "name": "tf_op_layer_own", "inbound_nodes": [[["x", 0, 0, [:]]]],
                    "config": ["name": "own", "dtype": "float32", "node_def": .object(node), "constants": .object(constants)],
                ],
            ]
            let config: JSONValue = ["name": "m", "layers": layers, "input_layers": [["x", 0, 0]], "output_layers": [["tf_op_layer_own", 0, 0]]]
            let document: JSONValue = ["class_name": "Functional", "keras_version": "2.4.0", "config": config]
            return try modelFromJSON(document.text, objects: CustomObjects(), kernels: KernelRegistry())
        }
        let x = try Tensor(shape: [1, 2], [3, -4])
        let float: JSONValue = ["type": "DT_FLOAT"]
        #expect(try made("Sub", ["T": float], ["0": 1])(x).floats == [-2, 5])
        #expect(try made("RealDiv", ["T": float], ["1": [2, 4]])(x).floats == [1.5, -1])
        let leaky = try made("LeakyRelu", ["T": float, "alpha": ["f": .number(0.25)]])
        #expect(try leaky(x).floats == [3, -1] && leaky.layers.map(\.name) == ["x", "tf_op_layer_own"])
        #expect(try leaky.getConfig()["layers"]?.array?.last?.object?["config"] == ["name": "tf_op_layer_own", "negative_slope": .number(0.25)])
        func refused(_ key: String, _ received: String, _ expected: String) -> KerasConfigError {
            .inLayer("tf_op_layer_own", .wrongType(key: key, received: received, expected: expected))
        }
        #expect(throws: refused("operands of Subtract", "1", "2")) { try made("Sub") }
        #expect(throws: refused("constants of Sub", "one at place 3", "places from 0 to 1")) { try made("Sub", [:], ["3": 1]) }
        #expect(throws: refused("constant y of Sub", "1", "numbers, by the place of an operand")) { try made("Sub", [:], ["y": 1]) }
        #expect(throws: refused("beta of Relu", "{\"f\": 1}", "no such argument, or its default")) { try made("Relu", ["beta": ["f": 1]]) }
        #expect(throws: KerasConfigError.missingLayers(model: "m", [OtherLayer(path: "tf_op_layer_own", className: "TensorFlowOpLayer")])) {
            try made("Svd")
        }
    }

    /// Samples stay apart: batches of any size, none too, and predictions batch by batch.
    @Test func samplesStayApart() throws {
        let table: [(String, JSONObject, JSONValue?)] = [
            ("Reshape", ["newshape": [-1, 2, 6]], nil), ("Reshape", ["newshape": [nil, 12]], nil), ("Squeeze", [:], nil), ("ExpandDims", ["axis": 1], nil),
            ("Transpose", ["axes": [0, 3, 2, 1]], nil), ("GetItem", [:], [Self.all, Self.backwards, 0, 2]), ("Mean", ["axis": [1, 3]], nil),
        ]
        let x: [Float] = (0..<60).map { Float($0 * 31 % 17) }
        for (className, config, key) in table {
            let model = try model(className, config, key: key, shape: [nil, 4, 1, 3])
            let whole = try model(Tensor(shape: [5, 4, 1, 3], x))
            let single = try (0..<5).flatMap { try model(Tensor(shape: [1, 4, 1, 3], Array(x[$0 * 12..<$0 * 12 + 12]))).floats }
            #expect(whole.floats == single && whole.shape[0] == 5, "\(className)")
            #expect(try model.predict(Tensor(shape: [5, 4, 1, 3], x), batchSize: 2).floats == single, "\(className)")
            #expect(try model(Tensor(shape: [0, 4, 1, 3], [] as [Float])).shape == [0] + whole.shape.dropFirst(), "\(className)")
        }
        // A batch whose number is in the config.
        let fixed = try model("Reshape", ["newshape": [2, 3]], shape: [nil, 3, 1])
        #expect(try fixed(Tensor(shape: [2, 3, 1], [1, 2, 3, 4, 5, 6])).floats == [1, 2, 3, 4, 5, 6])
        #expect(throws: KerasConfigError.inLayer("a", .layerInputs([[1, 3, 1]], expected: "a batch of 2, as newshape states"))) {
            try fixed(Tensor(shape: [1, 3, 1], [1, 2, 3]))
        }
        #expect(throws: KerasConfigError.inLayer("a", .layerInputs([[nil, 3]], expected: "other axes than the batch"))) {
            try model("Mean", ["axis": nil], shape: [nil, 3])
        }
    }
}
