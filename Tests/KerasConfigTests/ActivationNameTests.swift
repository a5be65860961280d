import Testing
import VoxKerasConfig
import VoxLayerSpec

@Suite struct ActivationNameTests {
    @Test func everyNameIsRead() throws {
        var kinds: Set<Activation> = []
        for name in ActivationNames.all { kinds.insert(try ActivationNames.activation(named: name)) }
        #expect(kinds.count == ActivationNames.all.count - 2)  // swish is silu, hard_swish is hard_silu
        #expect(try ActivationNames.activation(named: "hard_swish") == .hardSilu)
        #expect(try ActivationNames.activation(named: "ReLU", generation: .keras2) == .relu)
        #expect(throws: KerasConfigError.activation("\"ReLU\"")) { try ActivationNames.activation(named: "ReLU") }
        #expect(throws: KerasConfigError.activationArguments("threshold", ["threshold", "default_value"])) {
            try ActivationNames.activation(named: "threshold")
        }
        #expect(try ActivationNames.activation(named: "swish") == .silu)
        #expect(try ActivationNames.activation(nil) == .linear)
        #expect(try ActivationNames.activation(.null) == .linear)
    }

    @Test func hardSigmoidHasTwoMeanings() throws {
        #expect(try ActivationNames.activation(named: "hard_sigmoid", generation: .keras3) == .hardSigmoid(slope: 1.0 / 6))
        #expect(try ActivationNames.activation(named: "hard_sigmoid", generation: .keras2) == .hardSigmoid(slope: 0.2))
        // The whole file decides.
        let base = "\"filters\": 1, \"kernel_size\": 1, \"activation\": \"hard_sigmoid\""
        let sixth = 1.0 / 6
        let table: [(String, Double)] = [
            ("{\"class_name\": \"Conv3DTranspose\", \"config\": {\(base)}}", sixth),
            ("{\"class_name\": \"Conv3DTranspose\", \"config\": {\(base), \"groups\": 1}}", 0.2),
            ("{\"class_name\": \"Conv3DTranspose\", \"config\": {\(base), \"dilation_rate\": [1, 1, 1]}}", sixth),
            ("{\"class_name\": \"Conv3DTranspose\", \"config\": {\(base), \"batch_input_shape\": [1, 1, 1, 1, 1]}}", 0.2),
            (
                "{\"class_name\": \"Conv3DTranspose\", \"config\": {\(base), \"kernel_initializer\": {\"class_name\": \"Zeros\", \"config\": {}}}}",
                0.2
            ),
            (
                "{\"class_name\": \"Conv3DTranspose\", \"config\": {\(base), \"kernel_initializer\": {\"module\": \"keras.initializers\", \"class_name\": \"Zeros\", \"config\": {}}}}",
                sixth
            ),
            (
                "{\"class_name\": \"Conv3DTranspose\", \"config\": {\(base), \"groups\": 1, \"dtype\": {\"class_name\": \"DTypePolicy\", \"config\": {\"name\": \"float32\"}}}}",
                sixth
            ),
            ("{\"class_name\": \"Sequential\", \"config\": [{\"class_name\": \"Conv3DTranspose\", \"config\": {\(base)}}]}", 0.2),
            (
                "{\"class_name\": \"Sequential\", \"config\": {\"layers\": [{\"class_name\": \"Conv3DTranspose\", \"config\": {\(base)}}]}, \"keras_version\": \"2.2.4\"}",
                0.2
            ),
            (
                "{\"class_name\": \"Sequential\", \"config\": {\"layers\": [{\"class_name\": \"Conv3DTranspose\", \"config\": {\(base)}}]}, \"keras_version\": \"3.4.1\"}",
                sixth
            ),
        ]
        for (text, slope) in table {
            #expect(try LayerSet(json: Array(text.utf8)).layers.first?.config.activation == .hardSigmoid(slope: slope), "\(text)")
        }
        let first = Array(table[0].0.utf8)
        #expect(try LayerSet(json: first, generation: .keras2).layers.first?.config.activation == .hardSigmoid(slope: 0.2))
        #expect(KerasGeneration(kerasVersion: "2.0.8-tf") == .keras2)
        #expect(KerasGeneration(kerasVersion: "1.2.2") == .keras2)
        #expect(KerasGeneration(kerasVersion: "3.15.1") == .keras3)
        #expect(KerasGeneration(kerasVersion: "10.0") == .keras3)
    }

    @Test func namesRoundTrip() throws {
        for generation in [KerasGeneration.keras2, .keras3] {
            let odd: [Activation] = [
                .leakyRelu(slope: 0.3), .leakyRelu(slope: -1.5), .elu(alpha: 2), .hardShrink(threshold: 1.25),
                .softShrink(threshold: 2), .squareplus(b: 1), .threshold(1, value: -3), .glu(), .glu(axis: 1),
                .alongAxis(.softmax, axis: 1), .alongAxis(.logSoftmax, axis: 2), .alongAxis(.sparsemax, axis: -2),
            ]
            for activation in Activation.samples + odd {
                let json = ActivationNames.json(activation, generation: generation)
                #expect(try ActivationNames.activation(json, generation: generation) == activation, "\(json)")
                // What Keras has a name for is written by name.
                if json.string == nil {
                    #expect(json.object?["class_name"] != nil && json.object?["config"]?.object != nil, "\(json)")
                }
            }
        }
        let names = Activation.samples.compactMap { ActivationNames.json($0).string }
        #expect(Set(names).count == names.count && names.count == ActivationNames.all.count - 3, "all but the aliases and glu")
        #expect(ActivationNames.json(.gelu(approximate: true)).object?["registered_name"] == "voxelsmith>gelu")
        #expect(ActivationNames.json(.silu, generation: .keras3) == "silu")
        #expect(ActivationNames.json(.silu, generation: .keras2) == "swish")
    }

    @Test func serialisedFunctionsAndLayers() throws {
        let table: [(JSONValue, Activation)] = [
            (["module": "builtins", "class_name": "function", "config": "relu", "registered_name": "relu"], .relu),
            (["class_name": "LeakyReLU", "config": ["negative_slope": .number(0.25)]], .leakyRelu(slope: 0.25)),
            (["class_name": "LeakyReLU", "config": ["alpha": 2]], .leakyRelu(slope: 2)),
            (["class_name": "LeakyReLU", "config": [:]], .leakyRelu(slope: 0.3)),
            (["class_name": "ReLU", "config": ["max_value": nil, "negative_slope": .number(0), "threshold": .number(0)]], .relu),
            (["class_name": "ReLU", "config": ["negative_slope": .number(0.5)]], .leakyRelu(slope: 0.5)),
            (["class_name": "ELU", "config": ["alpha": .number(0.5)]], .elu(alpha: 0.5)),
            (["class_name": "Softmax", "config": ["axis": -1]], .softmax),
            (["class_name": "Softmax", "config": ["axis": 1]], .alongAxis(.softmax, axis: 1)),
            (["class_name": "ReLU", "config": ["max_value": 6]], .relu6),
            (
                ["class_name": "ReLU", "config": ["negative_slope": .number(0.5), "threshold": 1]],
                .rectified(negativeSlope: 0.5, maximum: nil, threshold: 1)
            ),
            (["class_name": "Activation", "config": ["activation": "tanh"]], .tanh),
        ]
        for (json, activation) in table { #expect(try ActivationNames.activation(json) == activation, "\(json.text)") }
        let refused: [JSONValue] = [
            ["class_name": "ReLU", "config": ["max_value": "6"]], ["class_name": "ReLU", "config": ["threshold": "1"]],
            ["class_name": "Softmax", "config": ["axis": [1]]], ["module": "voxelsmith", "class_name": "celu", "config": [:]],
            ["class_name": "PReLU", "config": [:]],
            ["class_name": "LeakyReLU", "config": ["alpha": "x"]], [:], true, 1,
            "maxout", "Relu",
        ]
        for json in refused {
            #expect(throws: KerasConfigError.activation(json.text), "\(json.text)") { try ActivationNames.activation(json) }
        }
        let function: JSONValue = ["class_name": "function", "config": "maxout"]
        #expect(throws: KerasConfigError.activation("\"maxout\"")) { try ActivationNames.activation(function) }
    }
}
