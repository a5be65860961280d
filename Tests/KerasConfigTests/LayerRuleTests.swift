import Testing
import VoxKerasConfig
import VoxLayerSpec

/// What rules make of configs and of shapes.
@Suite struct LayerRuleTests {
    private func rule(_ className: String, _ config: JSONObject, call: ModelGraph.Call? = nil, layout: Layout = .channelsLast) throws -> any LayerRule {
        let object: JSONObject = ["class_name": .string(className), "config": .object(config)]
        return try #require(try LayerTable.rule(LayerOrigin(object, generation: .keras3, call: call, layout: layout)))
    }

    /// Unknown extents stay unknown, and known ones follow.
    @Test func shapesOfResults() throws {
        let volume: [Int?] = [nil, 5, nil, 7, 2]
        let table: [(String, JSONObject, [[Int?]], [Int?])] = [
            ("BatchNormalization", [:], [volume], volume),
            ("GroupNormalization", ["groups": 2], [volume], volume),
            ("LayerNormalization", ["axis": [1, -1]], [volume], volume),
            ("Rescaling", ["scale": 2], [volume], volume),
            ("PReLU", ["shared_axes": [1, 2, 3]], [volume], volume),
            ("MaxPooling3D", ["pool_size": [2, 2, 3], "strides": [2, 3, 1]], [volume], [nil, 2, nil, 5, 2]),
            ("AveragePooling3D", ["pool_size": 3, "strides": 2, "padding": "same"], [volume], [nil, 3, nil, 4, 2]),
            ("MaxPooling3D", ["data_format": "channels_first"], [[1, 2, 5, nil, 7]], [1, 2, 2, nil, 3]),
            ("GlobalMaxPooling3D", [:], [volume], [nil, 2]),
            ("GlobalAveragePooling3D", ["keepdims": true], [volume], [nil, 1, 1, 1, 2]),
            ("GlobalAveragePooling3D", ["keepdims": true, "data_format": "channels_first"], [volume], [nil, 5, 1, 1, 1]),
            ("UpSampling3D", ["size": [2, 3, 1]], [volume], [nil, 10, nil, 7, 2]),
            ("ZeroPadding3D", ["padding": [1, [2, 3], 0]], [volume], [nil, 7, nil, 7, 2]),
            ("Cropping3D", ["cropping": [[1, 0], [4, 4], [3, 3]]], [volume], [nil, 4, nil, 1, 2]),
            ("Reshape", ["target_shape": [-1, 2]], [[nil, 3, 4]], [nil, 6, 2]),
            ("Reshape", ["target_shape": [-1, 2]], [[3, nil, 4]], [3, nil, 2]),
            ("Flatten", [:], [[nil, 3, 4]], [nil, 12]),
            ("Flatten", [:], [volume], [nil, nil]),
            ("Permute", ["dims": [3, 1, 4, 2]], [volume], [nil, 7, 5, 2, nil]),
            ("RepeatVector", ["n": 3], [[nil, 4]], [nil, 3, 4]),
            ("Dense", ["units": 6], [volume], [nil, 5, nil, 7, 6]),
            ("Dense", ["units": 6, "activation": "glu"], [[2, 4]], [2, 3]),
            ("Add", [:], [volume, [3, 5, 4, 1, 2]], [3, 5, 4, 7, 2]),
            ("Multiply", [:], [[nil, 4], [nil, 3, 1]], [nil, 3, 4]),
            ("Concatenate", [:], [volume, [4, 5, 6, 7, 3]], [4, 5, 6, 7, 5]),
            ("Concatenate", ["axis": 2], [volume, [4, 5, 6, 7, 2]], [4, 5, nil, 7, 2]),
            ("Dot", ["axes": [2, 1]], [[nil, 3, 4], [nil, 4, 5]], [nil, 3, 5]),
            ("Dot", ["axes": -1], [[nil, 4], [nil, 4]], [nil, 1]),
        ]
        for (className, config, inputs, expected) in table {
            #expect(try rule(className, config).outputShape(inputs) == expected, "\(className) \(config)")
        }
    }

    @Test func shapesOfWeights() throws {
        let volume: [Int?] = [nil, 5, 6, 7, 4]
        let table: [(String, JSONObject, [String], [[Int]])] = [
            ("BatchNormalization", ["scale": false, "axis": 1], ["beta", "moving_mean", "moving_variance"], [[5], [5], [5]]),
            ("LayerNormalization", ["axis": [-1, 1]], ["gamma", "beta"], [[5, 4], [5, 4]]),
            ("LayerNormalization", ["rms_scaling": true, "scale": false], ["gamma"], [[4]]),
            ("GroupNormalization", ["groups": -1], ["gamma", "beta"], [[4], [4]]),
            ("Normalization", ["axis": [-1, 2]], ["mean", "variance", "count"], [[6, 4], [6, 4], []]),
            ("Normalization", ["axis": nil], ["mean", "variance", "count"], [[], [], []]),
            ("Normalization", ["mean": 1, "variance": 2], [], []),
            ("PReLU", ["shared_axes": [1, 3]], ["alpha"], [[1, 6, 1, 4]]),
            ("Dense", ["units": 3], ["kernel", "bias"], [[4, 3], [3]]),
            ("Dense", ["units": 3, "use_bias": false], ["kernel"], [[4, 3]]),
        ]
        for (className, config, names, shapes) in table {
            let rule = try rule(className, config)
            #expect(rule.weights.map(\.name) == names, "\(className) \(config)")
            #expect(try rule.weightShapes([volume]) == shapes, "\(className) \(config)")
        }
    }

    @Test func configsThatAreNone() throws {
        let table: [(String, JSONObject, KerasConfigError)] = [
            ("BatchNormalization", ["axis": [1, 2]], .wrongType(key: "axis", received: "[1, 2]", expected: "one axis")),
            ("BatchNormalization", ["epsilon": -1], .wrongType(key: "epsilon", received: "-1.0", expected: "a number of at least 0")),
            ("BatchNormalization", ["renorm": true], .wrongType(key: "renorm", received: "true", expected: "false")),
            ("LayerNormalization", ["axis": []], .wrongType(key: "axis", received: "[]", expected: "an axis at least")),
            (
                "GroupNormalization", ["groups": 0],
                .wrongType(key: "groups", received: "0", expected: "at least 1, or -1 for a group of each channel")
            ),
            ("Rescaling", [:], .missingKey("scale", className: "Rescaling")),
            ("Rescaling", ["scale": [1, [2]]], .wrongType(key: "scale", received: "[1, [2]]", expected: "a number or a list of numbers")),
            ("Normalization", ["mean": 1], .wrongType(key: "variance", received: "null", expected: "as many numbers as mean has")),
            ("PReLU", ["shared_axes": [0]], .wrongType(key: "shared_axes", received: "[0]", expected: "axes from 1 on")),
            ("MaxPooling3D", ["pool_size": [1, 0, 2]], .wrongType(key: "pool_size", received: "[1, 0, 2]", expected: "integers from 1 to 2147483647")),
            ("MaxPooling3D", ["strides": [1, 2]], .threeIntegers(argument: "strides", received: "[1, 2]")),
            ("MaxPooling3D", ["padding": "full"], .padding("full")),
            ("UpSampling3D", ["data_format": "first"], .dataFormat("first")),
            (
                "Cropping3D", ["cropping": [[1, 2, 3], 1, 1]],
                .wrongType(key: "cropping", received: "[[1, 2, 3], 1, 1]", expected: "an integer, 3 integers or 3 pairs of them, from 0 to 2147483647")
            ),
            (
                "Reshape", ["target_shape": [-1, -1]],
                .wrongType(key: "target_shape", received: "[-1, -1]", expected: "extents of at least 1, and -1 at most once")
            ),
            ("Permute", ["dims": [1, 3]], .wrongType(key: "dims", received: "[1, 3]", expected: "each axis from 1 on once")),
            ("RepeatVector", ["n": 0], .wrongType(key: "n", received: "0", expected: "at least 1")),
            ("Dot", [:], .missingKey("axes", className: "Dot")),
            ("Dot", ["axes": [1]], .wrongType(key: "axes", received: "[1]", expected: "an axis, or one for each of two inputs")),
            ("Dense", ["units": 2, "lora_rank": 4], .wrongType(key: "lora_rank", received: "4", expected: "null")),
            ("Dense", ["units": 2, "activation": "foo"], .activation("\"foo\"")),
        ]
        for (className, config, error) in table { #expect(throws: error, "\(className) \(config)") { try rule(className, config) } }
    }

    @Test func inputsThatAreRefused() throws {
        let table: [(String, JSONObject, [[Int?]], String)] = [
            ("BatchNormalization", [:], [[1, 2], [1, 2]], "one input"),
            ("MaxPooling3D", [:], [[1, 2, 3, 4]], "5 axes"),
            ("MaxPooling3D", ["pool_size": 3], [[1, 2, 3, 4, 5]], "at least 3 at axis 1"),
            ("UnitNormalization", ["axis": [1, -1]], [[2, 3]], "different axes, not [1, -1]"),
            ("Add", [:], [[1, 2, 3], [1, 2, 4]], "extents that are equal, or 1 to be repeated"),
            ("Add", [:], [[1, 2], [2, 2]], "equal batch extents"),
            ("Subtract", [:], [[1, 2], [1, 2], [1, 2]], "two inputs"),
            ("Concatenate", [:], [[1, 2, 3], [1, 3, 3]], "equal extents of all axes but 2"),
            ("Concatenate", [:], [[1, 2, 3], [1, 3]], "equal extents of all axes but 2"),
            ("Dot", ["axes": 1], [[1, 2], [1, 3]], "equal extents of the axes [1, 1]"),
            ("Dot", ["axes": 0], [[1, 2], [1, 2]], "other axes than the batch"),
            ("Permute", ["dims": [2, 1]], [[1, 2]], "3 axes"),
            ("Dense", ["units": 2], [[4]], "two axes at least"),
            ("Rescaling", ["scale": [1, 2]], [[1, 3]], "axes that numbers of shape [2] can be repeated along"),
            ("Normalization", ["mean": [1, 2], "variance": [1, 2]], [[1, 3]], "2 at axis 1, as the config's mean has"),
        ]
        for (className, config, inputs, expected) in table {
            #expect(throws: KerasConfigError.self, "\(className) \(config)") { try rule(className, config).outputShape(inputs) }
            do { _ = try rule(className, config).outputShape(inputs) } catch KerasConfigError.layerInputs(_, let words) { #expect(words == expected) }
        }
        // Few layers would make any number of axes.
        let many = Array(repeating: Int?.some(1), count: 200)
        #expect(throws: KerasConfigError.wrongType(key: "a tensor of", received: "397 axes", expected: "at most 254")) {
            try rule("Dot", ["axes": 1]).outputShape([many, many])
        }
        #expect(try rule("Add", [:]).outputShape([many, many]) == many)
        #expect(throws: KerasConfigError.self) { try rule("Add", [:]).outputShape([many + many, many]) }
        #expect(throws: KerasConfigError.self) { try rule("Reshape", ["target_shape": JSONValue(Array(repeating: 1, count: 254))]) }
        // Sizes beyond 64 bits are clamped, and refused where there is no memory for them.
        let large = 1 << 62
        #expect(try rule("UpSampling3D", ["size": 4]).outputShape([[1, large, 1, 1, 1]]) == [1, .max, 4, 4, 1])
        #expect(try rule("ZeroPadding3D", ["padding": 2_147_483_647]).outputShape([[1, .max, 1, 1, 1]])[1] == .max)
        #expect(try rule("MaxPooling3D", ["pool_size": 2_147_483_647, "padding": "same"]).outputShape([[1, .max, 1, 1, 1]])[2] == 1)
        #expect(try rule("Concatenate", [:]).outputShape([[1, .max], [1, .max]]) == [1, .max])
        #expect(try rule("Flatten", [:]).outputShape([[1, large, large]]) == [1, nil])
    }

    /// Every class has its rule under each name, and a name of a layer is not one of an operation.
    @Test func operationsAreNoLayers() throws {
        for name in LayerTable.classNames {
            #expect(LayerTable.hasRule(["class_name": .string(name)]), "\(name)")
            #expect(!LayerTable.hasRule(["class_name": .string(name), "registered_name": .string("mine>\(name)")]), "\(name)")
        }
        #expect(LayerTable.hasRule(["class_name": "Exp", "module": "keras.src.ops.numpy"]))
        #expect(!LayerTable.hasRule(["class_name": "Dense", "module": "keras.src.ops.numpy"]))
        #expect(!LayerTable.hasRule(["class_name": "Exp"]))
        // Modules and classes of the user's own.
        #expect(!LayerTable.hasRule(["class_name": "Exp", "module": "mine.ops.blocks"]))
        #expect(!LayerTable.hasRule(["class_name": "Exp", "module": "keras.src.ops.numpy", "registered_name": "mine>Exp"]))
        var wrapper: JSONObject = ["class_name": "TimeDistributed", "config": ["layer": ["class_name": "Dense", "config": ["name": "a", "units": 1]]]]
        #expect(try ModelLayer(wrapper).wrapped?.className == "Dense")
        wrapper["registered_name"] = "mine>TimeDistributed"
        #expect(try ModelLayer(wrapper).wrapped == nil)
        let call = ModelGraph.Call(inputs: [], statedShapes: [], isTraining: false, arguments: [.tensor(0), .literal([1, 2])], keywords: [:])
        let object: JSONObject = ["class_name": "Add", "module": "keras.src.ops.numpy", "config": ["name": "add"]]
        let add = try #require(try LayerTable.rule(LayerOrigin(object, generation: .keras3, call: call)))
        #expect(try add.outputShape([[nil, 3, 1]]) == [nil, 3, 2])
        #expect(throws: KerasConfigError.wrongType(key: "operands of Add", received: "0", expected: "2")) {
            try LayerTable.rule(LayerOrigin(object, generation: .keras3))
        }
    }

    /// Activations as operations, with the defaults of Keras 3's operations and with numbers of their own.
    @Test func operationsThatAreActivations() throws {
        let table: [(String, JSONObject, Activation, JSONObject)] = [
            ("Relu6", [:], .relu6, [:]), ("LeakyRelu", [:], .leakyRelu(slope: 0.2), ["negative_slope": .number(0.2)]),
            ("Elu", ["alpha": 2], .elu(alpha: 2), ["alpha": 2]), ("Celu", ["alpha": 2], .celu(alpha: 2), ["alpha": 2]),
            ("Squareplus", [:], .squareplus(b: 4), ["b": 4]), ("HardShrink", [:], .hardShrink(threshold: 0.5), ["threshold": .number(0.5)]),
            ("SoftShrink", ["threshold": 1], .softShrink(threshold: 1), ["threshold": 1]), ("Gelu", [:], .gelu(approximate: true), ["approximate": true]),
            ("Glu", ["axis": 1], .alongAxis(.glu, axis: 1), ["axis": 1]), ("Softmax", ["axis": 2], .alongAxis(.softmax, axis: 2), ["axis": 2]),
            ("LogSoftmax", [:], .logSoftmax, ["axis": -1]),
        ]
        for (className, config, activation, arguments) in table {
            let call = ModelGraph.Call(inputs: [], statedShapes: [], isTraining: false, arguments: [.tensor(0)], keywords: [:])
            let object: JSONObject = ["class_name": .string(className), "module": "keras.src.ops.nn", "config": .object(config)]
            let rule = try LayerTable.rule(LayerOrigin(object, generation: .keras3, call: call)) as? OperationRule
            #expect(rule?.function == .activation(activation) && rule?.arguments == arguments && LayerTable.hasRule(object), "\(className)")
        }
    }

    /// What a function of TensorFlow is told must be known, as it changes the result.
    @Test func argumentsOfFunctionsAreKnown() throws {
        func rule(_ function: String, _ keywords: [String: CallArgument]) throws -> (any LayerRule)? {
            let call = ModelGraph.Call(inputs: [], statedShapes: [], isTraining: false, arguments: [.tensor(0)], keywords: keywords)
            let object: JSONObject = ["class_name": "TFOpLambda", "config": ["function": .string(function)]]
            return try LayerTable.rule(LayerOrigin(object, generation: .keras2, call: call))
        }
        #expect(try rule("nn.silu", ["beta": .literal(.integer(1)), "name": .literal(.null)])?.outputShape([[nil, 3]]) == [nil, 3])
        #expect(try rule("nn.leaky_relu", ["alpha": .literal(.number(0.5))])?.arguments == ["negative_slope": .number(0.5)])
        #expect(throws: KerasConfigError.wrongType(key: "beta of nn.silu", received: "2", expected: "no such argument, or its default")) {
            try rule("nn.silu", ["beta": .literal(.integer(2))])
        }
        #expect(throws: KerasConfigError.wrongType(key: "alpha of nn.leaky_relu", received: "a tensor", expected: "no tensor there")) {
            try rule("nn.leaky_relu", ["alpha": .tensor(1)])
        }
    }
}
