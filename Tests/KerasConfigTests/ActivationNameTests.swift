import KerasConfig
import LayerSpec
import Testing

@Suite struct ActivationNameTests {
    @Test func everyNameIsRead() throws {
        var kinds: Set<Activation> = []
        for name in ActivationNames.all { kinds.insert(try ActivationNames.activation(named: name)) }
        #expect(kinds.count == ActivationNames.all.count - 1)  // swish is silu
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
            let odd: [Activation] = [.leakyRelu(slope: 0.3), .leakyRelu(slope: -1.5), .elu(alpha: 2)]
            for activation in Activation.samples + odd {
                if activation == .gelu(approximate: true)
                    || activation == .hardSigmoid(slope: generation == .keras3 ? 0.2 : 1.0 / 6)
                {
                    #expect(throws: KerasConfigError.self, "\(activation)") {
                        try ActivationNames.json(activation, generation: generation)
                    }
                    continue
                }
                let json = try ActivationNames.json(activation, generation: generation)
                #expect(try ActivationNames.activation(json, generation: generation) == activation, "\(json)")
            }
        }
        #expect(try ActivationNames.json(.silu, generation: .keras3) == "silu")
        #expect(try ActivationNames.json(.silu, generation: .keras2) == "swish")
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
            (["class_name": "Activation", "config": ["activation": "tanh"]], .tanh),
        ]
        for (json, activation) in table { #expect(try ActivationNames.activation(json) == activation, "\(json.text)") }
        let refused: [JSONValue] = [
            ["class_name": "ReLU", "config": ["max_value": 6]], ["class_name": "ReLU", "config": ["threshold": 1]],
            ["class_name": "Softmax", "config": ["axis": 1]], ["class_name": "PReLU", "config": [:]],
            ["class_name": "LeakyReLU", "config": ["alpha": "x"]], [:], true, 1,
            "mish", "glu",
        ]
        for json in refused {
            #expect(throws: KerasConfigError.activation(json.text), "\(json.text)") { try ActivationNames.activation(json) }
        }
        let function: JSONValue = ["class_name": "function", "config": "mish"]
        #expect(throws: KerasConfigError.activation("\"mish\"")) { try ActivationNames.activation(function) }
    }
}
