import Testing
import VoxKerasConfig

/// Which line of Keras wrote a description, and what is said when it does not tell.
@Suite struct GenerationTests {
    private func layer(_ className: String, _ config: JSONObject, module: String? = "keras.layers") -> JSONValue {
        var object: JSONObject = ["class_name": .string(className), "config": .object(config)]
        if let module { object["module"] = .string(module) }
        return .object(object)
    }

    /// Every mark by itself decides.
    @Test func marks() {
        let keras3: [JSONValue] = [
            ["keras_version": "3.15.1"], layer("Conv3D", ["dtype": DTypePolicy(.float32).json]),
            layer("InputLayer", ["batch_shape": [nil, 2, 2, 2, 2]]), layer("Conv3DTranspose", ["dilation_rate": [1, 1, 1]]),
            layer("Functional", [:], module: "keras.src.models.functional"), ["inbound_nodes": [["args": [], "kwargs": [:]]]],
            ["input_layers": ["x", 0, 0]], ["kernel_initializer": ["module": "k", "config": ["input_axes": nil, "output_axes": nil]]],
            layer("Conv3D", ["activation": "silu"]), layer("LeakyReLU", ["negative_slope": .number(0.3)]),
        ]
        let keras2: [JSONValue] = [
            ["keras_version": "2.21.0"], ["keras_version": "1.2.2"], ["keras_version": "2.1.3-tf"],
            layer("InputLayer", ["batch_input_shape": [nil, 2, 2, 2, 2]]), layer("Conv3DTranspose", ["groups": 1]),
            layer("Functional", [:], module: "tf_keras.src.engine.functional"), layer("Functional", [:], module: "keras.src.engine.functional"),
            layer("Sequential", [:], module: "tensorflow.python.keras"), ["class_name": "Sequential", "config": []],
            layer("Conv3D", ["dtype": ["module": "keras.mixed_precision", "class_name": "Policy", "config": ["name": "mixed_float16"]]]),
            ["inbound_nodes": [[["x", 0, 0, [:]]]]], layer("Conv3D", ["kernel_initializer": ["class_name": "VarianceScaling", "config": [:]]]),
            layer("Conv3D", ["kernel_constraint": ["class_name": "MaxNorm", "config": [:]]]), layer("TFOpLambda", [:]),
            layer("Conv3D", ["activation": "swish"]), layer("LeakyReLU", ["alpha": .number(0.3)]),
        ]
        for (documents, generation) in [(keras3, KerasGeneration.keras3), (keras2, .keras2)] {
            for document in documents {
                let evidence = GenerationEvidence(in: ["list": [document], "keras_version": document.object?["keras_version"] ?? .null])
                #expect(evidence.generation == generation, "\(document.text)")
                #expect(evidence.keras3.isEmpty == (generation == .keras2) && evidence.keras2.isEmpty == (generation == .keras3), "\(document.text)")
                #expect(evidence.warning == nil)
            }
        }
        // What both lines write says nothing.
        let both: [JSONValue] = [
            layer("Conv3D", ["dilation_rate": [1, 1, 1], "groups": 1]), layer("Conv2DTranspose", ["dilation_rate": [1, 1]]),
            ["registered_name": nil, "build_config": ["input_shape": [nil, 2]], "compile_config": [:]], layer("Conv3D", ["dtype": "float32"]),
            ["input_layers": [["x", 0, 0]]], ["build_input_shape": [nil, 2]],
        ]
        for document in both {
            let evidence = GenerationEvidence(in: document)
            #expect(evidence.keras2.isEmpty && evidence.keras3.isEmpty && evidence.generation == .keras3, "\(document.text)")
        }
    }

    @Test func doubtsAreSaidWhereTheAnswerDependsOnThem() throws {
        func warnings(_ config: JSONObject, _ more: JSONObject = [:]) throws -> [String] {
            var config = config
            for (key, value) in [("filters", 2), ("kernel_size", 1)] as [(String, JSONValue)] { config[key] = value }
            var object: JSONObject = ["class_name": "Conv3DTranspose", "config": .object(config)]
            for key in more.keys { object[key] = more[key] }
            return try LayerSet(.object(object)).warnings
        }
        #expect(try warnings([:]).isEmpty && warnings(["activation": "relu", "groups": 1, "dilation_rate": 1]).isEmpty)
        // Nothing tells.
        let silent = try warnings(["activation": "hard_sigmoid"])
        #expect(silent.count == 1 && silent[0].hasPrefix("Nothing in the file tells") && silent[0].contains("relu6(x + 3) / 6"), "\(silent)")
        #expect(try warnings(["activation": "hard_sigmoid", "groups": 1]).isEmpty)
        #expect(try warnings(["activation": "hard_sigmoid", "dilation_rate": 1]).isEmpty)
        #expect(try warnings(["activation": "hard_sigmoid"], ["keras_version": "2.3.1"]).isEmpty)
        // Marks of both lines: the more numerous ones count, a stated version before all.
        let torn = try warnings(["activation": "hard_sigmoid", "groups": 1, "dilation_rate": 1])
        #expect(torn.count == 1 && torn[0].contains("dilation_rate of a Conv3DTranspose") && torn[0].contains("groups of a Conv3DTranspose"), "\(torn)")
        let shape: JSONValue = [nil, 2, 2, 2, 2]
        let older = try warnings(["activation": "hard_sigmoid", "groups": 1, "dilation_rate": 1, "batch_input_shape": shape])
        #expect(older.count == 1 && older[0].contains("clip(0.2 x + 0.5, 0, 1)"), "\(older)")
        let stated = try warnings(["activation": "hard_sigmoid", "groups": 1, "batch_input_shape": shape], ["keras_version": "3.15.1"])
        #expect(stated.count == 1 && stated[0].contains("relu6(x + 3) / 6") && stated[0].contains("3.15.1"), "\(stated)")
        let dilated = try warnings(["groups": 1, "dilation_rate": 2])
        #expect(dilated.count == 1 && dilated[0].contains("dilation_rate of a transposed convolution"), "\(dilated)")
        // A stated version counts wherever an entry has it, for the warning and for the result.
        let doubtful: JSONObject = ["class_name": "Conv3DTranspose", "config": ["filters": 1, "kernel_size": 1, "activation": "hard_sigmoid"]]
        var versioned = doubtful
        versioned["keras_version"] = "2.3.1"
        let around: JSONObject = ["name": "e", "keras_version": "2.3.1", "layer": .object(doubtful)]
        let within: JSONObject = ["name": "e", "layer": .object(versioned)]
        for entry in [versioned, around, within] {
            for document in [JSONValue.object(entry), .array([.object(entry)])] {
                let set = try LayerSet(document)
                #expect(set.warnings.isEmpty && set.layers[0].generation == .keras2, "\(document)")
            }
        }
        // One doubt of many layers is said once.
        let one: JSONValue = ["class_name": "Conv3DTranspose", "config": ["filters": 1, "kernel_size": 1, "activation": "hard_sigmoid"]]
        #expect(try LayerSet(.array([one, one])).warnings.count == 1)
    }

    /// A slash in a name is forbidden in Keras 3 alone.
    @Test func namesWithSlashes() throws {
        func set(_ more: JSONObject) throws -> LayerSet {
            var config: JSONObject = ["name": "decoder/up1", "filters": 2, "kernel_size": 1]
            for key in more.keys { config[key] = more[key] }
            return try LayerSet(["class_name": "Conv3DTranspose", "config": .object(config)])
        }
        #expect(try set(["groups": 1]).layers.map(\.config.name) == ["decoder/up1"])
        #expect(try set(["groups": 1]).layers.map(\.generation) == [.keras2])
        for more in [[:], ["dilation_rate": 1]] as [JSONObject] {
            #expect(throws: KerasConfigError.inLayer("decoder/up1", .layerName("decoder/up1"))) { try set(more) }
        }
    }
}
