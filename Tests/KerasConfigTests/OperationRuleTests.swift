import Testing
import VoxKerasConfig
import VoxLayerSpec

/// What operations are that take elements to other places or fold them along axes: shapes, refusals, and what is written.
@Suite struct OperationRuleTests {
    /// An operation of Keras 3 on one tensor.
    private func rule(_ className: String, _ config: JSONObject = [:], key: JSONValue? = nil) throws -> OperationRule {
        let arguments: [CallArgument] = [.tensor(0)] + (key.map { [.literal($0)] } ?? [])
        let call = ModelGraph.Call(inputs: [], statedShapes: [], isTraining: false, arguments: arguments, keywords: [:])
        let object: JSONObject = ["class_name": .string(className), "module": "keras.src.ops.numpy", "config": .object(config)]
        #expect(LayerTable.hasRule(object), "\(className)")
        return try #require(try LayerTable.rule(LayerOrigin(object, generation: .keras3, call: call)) as? OperationRule)
    }

    private static func slice(_ start: JSONValue, _ stop: JSONValue, _ step: JSONValue = nil) -> JSONValue {
        ["class_name": "__slice__", "config": ["start": start, "stop": stop, "step": step]]
    }

    private static let all = slice(nil, nil)
    private static let ellipsis: JSONValue = ["class_name": "__ellipsis__", "config": [:]]

    /// Unknown extents stay unknown, and known ones follow. Configs are written as they were read.
    @Test func shapesOfResults() throws {
        let volume: [Int?] = [nil, 5, nil, 1, 2]
        let table: [(String, JSONObject, [Int?], [Int?])] = [
            ("Clip", ["x_min": nil, "x_max": 2], volume, volume), ("Clip", ["x_min": -1, "x_max": nil], volume, volume),
            ("Mean", ["axis": [1, -1], "keepdims": true], volume, [nil, 1, nil, 1, 1]), ("Sum", ["axis": 2, "keepdims": false], volume, [nil, 5, 1, 2]),
            ("Max", ["axis": [-1, 2, 1, 3], "keepdims": false, "initial": nil], volume, [nil]),
            ("Min", ["axis": [], "keepdims": false, "initial": nil], volume, volume),
            ("Reshape", ["newshape": [-1, 3, 4]], [nil, 2, 6], [nil, 3, 4]), ("Reshape", ["newshape": [nil, 3, -1]], [nil, 2, 6], [nil, 3, 4]),
            ("Reshape", ["newshape": [7, -1, 1]], [nil, 2, 6], [7, 12, 1]), ("Reshape", ["newshape": [-1, 3, 4]], [5, 2, 6], [5, 3, 4]),
            ("Reshape", ["newshape": [nil, -1, 4]], volume, [nil, nil, 4]), ("Reshape", ["newshape": -1], [nil, 1, 1], [nil]),
            ("Transpose", ["axes": [0, 3, -1, 1, 2]], volume, [nil, 1, 2, 5, nil]), ("Squeeze", ["axis": -2], volume, [nil, 5, nil, 2]),
            ("Squeeze", ["axis": [1, 2]], [1, 1, nil, 3], [1, 3]), ("Squeeze", ["axis": nil], [1, 1, 4, 1], [1, 4]),
            ("ExpandDims", ["axis": 1], [nil, 3], [nil, 1, 3]), ("ExpandDims", ["axis": [-1, 2]], [nil, 3], [nil, 3, 1, 1]),
        ]
        for (className, config, input, expected) in table {
            let rule = try rule(className, config)
            #expect(try rule.outputShape([input]) == expected, "\(className) \(config)")
            #expect(rule.arguments == config, "\(className) \(config)")
        }
    }

    /// Parts of `[nil, 5, nil, 4]`, and that their keys are written as they were read.
    @Test func partsOfTensors() throws {
        let (all, ellipsis) = (Self.all, Self.ellipsis)
        let slice = Self.slice
        let table: [(JSONValue, [Int?])] = [
            ([all], [nil, 5, nil, 4]), ([ellipsis], [nil, 5, nil, 4]), ([all, -5], [nil, nil, 4]), ([ellipsis, 3], [nil, 5, nil]),
            ([all, slice(1, 4, nil), slice(2, nil, nil), slice(nil, nil, -1)], [nil, 3, nil, 4]), ([all, slice(-9, 9, 2)], [nil, 3, nil, 4]),
            ([all, slice(nil, nil, -2), 7, slice(3, 0, -2)], [nil, 3, 2]), ([ellipsis, nil, slice(-3, -1, nil)], [nil, 5, nil, 1, 2]),
            ([slice(0, nil, 1), nil, ellipsis, nil], [nil, 1, 5, nil, 4, 1]), ([all, slice(4, -9_223_372_036_854_775_807, -1)], [nil, 5, nil, 4]),
            ([all, slice(nil, nil, 9_223_372_036_854_775_807)], [nil, 1, nil, 4]),
        ]
        for (key, expected) in table {
            let rule = try rule("GetItem", key: key)
            #expect(try rule.outputShape([[nil, 5, nil, 4]]) == expected, "\(key)")
            guard case .movement(.slices(let own)) = rule.function else {
                Issue.record("\(key)")
                continue
            }
            // But for numbers that no tensor has.
            if !key.text.contains("9223372036854775807") { #expect(own.json == key, "\(key)") }
        }
        // Where the extents are known, so are the places.
        guard case .movement(.slices(let key)) = try rule("GetItem", key: [all, slice(nil, nil, -2), 1]).function else { return }
        let parts = try key.parts(of: [2, 5, 3])
        #expect(parts.map(\.first) == [0, 4, 1] && parts.map(\.step) == [1, -2, 1] && parts.map(\.count) == [2, 3, 1])
    }

    @Test func inputsThatAreRefused() throws {
        let (all, slice) = (Self.all, Self.slice)
        let table: [(String, JSONObject, JSONValue?, [Int?], String)] = [
            ("Mean", ["axis": nil], nil, [nil, 3], "other axes than the batch"), ("Sum", ["axis": [-2, -1]], nil, [nil, 3], "other axes than the batch"),
            ("Max", ["axis": [1, -1]], nil, [nil, 3], "different axes, not [1, -1]"), ("Min", ["axis": 2], nil, [nil, 3], "an axis 2"),
            ("Reshape", ["newshape": [-1, 3]], nil, [nil, 2, 6], "as many elements in a sample as newshape behind the batch [3] has"),
            ("Reshape", ["newshape": [4, 12]], nil, [3, 2, 6], "a batch of 4, as newshape states"),
            ("Transpose", [:], nil, [nil, 3], "an order of the axes that begins with the batch, not [1, 0]"),
            ("Transpose", ["axes": [0, 1, 1]], nil, [nil, 3, 4], "3 axes, each once in [0, 1, 1]"),
            ("Squeeze", ["axis": 0], nil, [1, 3], "other axes than the batch"), ("Squeeze", ["axis": 1], nil, [1, 3], "an extent of 1 at axis 1"),
            ("Squeeze", [:], nil, [nil, nil, 1], "a known extent of axis 1"), ("ExpandDims", ["axis": 0], nil, [nil, 3], "other axes than the batch"),
            ("ExpandDims", ["axis": 3], nil, [nil, 3], "an axis 3"), ("Stack", ["axis": 0], nil, [nil, 3], "other axes than the batch"),
            ("GetItem", [:], 0, [nil, 3], "a key that leaves the batch as it is, not [0]"),
            ("GetItem", [:], [nil, all], [nil, 3], "a key that leaves the batch as it is, not \(JSONValue.array([nil, all]).excerpt)"),
            ("GetItem", [:], [all, 3], [nil, 3], "a place 3 along axis 1"), ("GetItem", [:], [all, -4], [nil, 3], "a place -4 along axis 1"),
            ("GetItem", [:], [all, slice(2, 2, nil)], [nil, 3], "a slice that leaves something of axis 1"),
            ("GetItem", [:], [all, 0, 0], [nil, 3], "3 axes at least, which the key \(JSONValue.array([all, 0, 0]).excerpt) is for"),
        ]
        for (className, config, key, input, expected) in table {
            let rule = try rule(className, config, key: key)
            do {
                _ = try rule.outputShape([input])
                Issue.record("\(className) \(config)")
            } catch KerasConfigError.layerInputs(_, let words) { #expect(words == expected, "\(className) \(config)") }
        }
        // Slices of the batch, whatever they leave.
        for key in [slice(0, 2, nil), slice(nil, nil, -1), slice(1, nil, nil)] {
            #expect(throws: KerasConfigError.self) { try rule("GetItem", key: [key]).outputShape([[4, 3]]) }
        }
        // Axes beyond what tensors have.
        let many = JSONValue.array(Array(repeating: .null, count: 300))
        #expect(throws: KerasConfigError.self) { try rule("GetItem", key: .array([all] + (many.array ?? []))).outputShape([[nil, 3]]) }
        #expect(throws: KerasConfigError.self) { try rule("ExpandDims", ["axis": JSONValue(Array(1...300))]).outputShape([[nil, 3]]) }
        // Extents beyond 64 bits.
        #expect(try rule("Reshape", ["newshape": [-1, 2]]).outputShape([[nil, .max, .max]]) == [nil, 2])
        #expect(try rule("GetItem", key: [all, slice(nil, nil, -1), -1]).outputShape([[nil, .max, .max]]) == [nil, .max])
    }

    @Test func configsThatAreNone() throws {
        let table: [(String, JSONObject, JSONValue?, KerasConfigError)] = [
            ("Clip", ["x_min": 2, "x_max": 1], nil, .wrongType(key: "x_min", received: "2.0", expected: "at most x_max, which is 1.0")),
            ("Clip", ["x_min": [1, 2]], nil, .wrongType(key: "x_min", received: "[1, 2]", expected: "a number or null")),
            ("Threshold", ["threshold": 1], nil, .missingKey("default_value", className: "Threshold")),
            ("Max", ["axis": 1, "initial": 3], nil, .wrongType(key: "initial", received: "3", expected: "null")),
            ("Mean", ["axis": "a"], nil, .wrongType(key: "axis", received: "\"a\"", expected: "an axis or a list of axes")),
            ("Mean", ["axis": 1, "where": 2], nil, .wrongType(key: "where of Mean", received: "2", expected: "no such argument, or its default")),
            ("Reshape", [:], nil, .missingKey("newshape", className: "Reshape")),
            (
                "Reshape", ["newshape": [-1, -1]], nil,
                .wrongType(key: "newshape", received: "[-1, -1]", expected: "1 to 254 extents of at least 1, and -1 at most once")
            ),
            (
                "Reshape", ["newshape": []], nil,
                .wrongType(key: "newshape", received: "[]", expected: "1 to 254 extents of at least 1, and -1 at most once")
            ),
            ("ExpandDims", [:], nil, .missingKey("axis", className: "ExpandDims")), ("GetItem", [:], nil, .missingKey("key", className: "GetItem")),
            (
                "GetItem", [:], [[0, 1]], .wrongType(key: "key of GetItem", received: "[0, 1]", expected: "slices, integers, null and an ellipsis")
            ),
            (
                "GetItem", [:], [Self.ellipsis, Self.ellipsis],
                .wrongType(key: "key of GetItem", received: JSONValue.array([Self.ellipsis, Self.ellipsis]).excerpt, expected: "one ellipsis at most")
            ),
            ("GetItem", [:], [Self.slice(nil, nil, 0)], .wrongType(key: "step", received: "0", expected: "another number than 0")),
            ("GetItem", [:], [Self.slice("a", nil)], .wrongType(key: "start", received: "\"a\"", expected: "an integer")),
        ]
        for (className, config, key, error) in table { #expect(throws: error, "\(className) \(config)") { try rule(className, config, key: key) } }
    }

    /// The names of tf.keras 2, whose arguments are all in the call, and its form of keys.
    @Test func namesOfKeras2() throws {
        func rule(_ className: String, _ function: String, _ keywords: JSONObject) throws -> OperationRule {
            let call = ModelGraph.Call(
                inputs: [], statedShapes: [], isTraining: false, arguments: [.tensor(0)],
                keywords: Dictionary(uniqueKeysWithValues: keywords.map { ($0.key, .literal($0.value)) }))
            let object: JSONObject = ["class_name": .string(className), "config": ["function": .string(function)]]
            #expect(LayerTable.hasRule(object), "\(function)")
            return try #require(try LayerTable.rule(LayerOrigin(object, generation: .keras2, call: call)) as? OperationRule)
        }
        let key: JSONValue = [["start": nil, "stop": nil, "step": nil], ["start": 1, "stop": nil, "step": 2], ["class_name": "__ellipsis__"]]
        let table: [(String, String, JSONObject, String, JSONObject, [Int?])] = [
            ("TFOpLambda", "clip_by_value", ["clip_value_min": 0, "clip_value_max": 1], "Clip", ["x_min": 0, "x_max": 1], [nil, 4, 1]),
            ("TFOpLambda", "math.reduce_mean", ["axis": 1], "Mean", ["axis": 1, "keepdims": false], [nil, 1]),
            (
                "TFOpLambda", "compat.v1.transpose", ["perm": [0, 2, 1], "name": "transpose", "conjugate": false], "Transpose", ["axes": [0, 2, 1]],
                [nil, 1, 4]
            ),
            ("TFOpLambda", "compat.v1.squeeze", ["axis": nil, "name": nil, "squeeze_dims": nil], "Squeeze", ["axis": nil], [nil, 4]),
            ("TFOpLambda", "reshape", ["shape": [-1, 2, 2]], "Reshape", ["newshape": [-1, 2, 2]], [nil, 2, 2]),
            ("SlicingOpLambda", "__operators__.getitem", ["slice_spec": key], "GetItem", [:], [nil, 2, 1]),
        ]
        for (className, function, keywords, name, arguments, shape) in table {
            let rule = try rule(className, function, keywords)
            #expect(rule.className == name && rule.arguments == arguments && rule.module == "keras.src.ops.numpy", "\(function)")
            #expect(try rule.outputShape([[nil, 4, 1]]) == shape, "\(function)")
        }
        #expect(throws: KerasConfigError.wrongType(key: "conjugate of transpose", received: "true", expected: "no such argument, or its default")) {
            try rule("TFOpLambda", "transpose", ["perm": [0, 2, 1], "conjugate": true])
        }
    }
}
