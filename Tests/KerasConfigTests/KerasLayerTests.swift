import Foundation
import Testing
import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

@Suite struct KerasLayerTests {
    func config(_ members: String) throws -> LayerConfig {
        try #require(try LayerSet(json: layerJSON("{\"filters\": 2, \"kernel_size\": 3\(members)}")).layers.first).config
    }

    @Test func defaultsAndBroadcast() throws {
        let plain = try config("")
        #expect(plain == (try LayerConfig(name: "conv3d_transpose", filters: 2, kernelSize: [3, 3, 3])))
        let full = try config(
            """
            , "name": "up", "strides": [1, 2, 3], "padding": "SAME", "output_padding": [0, 1, 2], "data_format": "Channels_First",
            "activation": "silu", "use_bias": false, "dtype": "float64", "trainable": false, "kernel_initializer": null
            """)
        #expect(
            full
                == (try LayerConfig(
                    name: "up", filters: 2, kernelSize: [3, 3, 3], strides: [1, 2, 3], padding: .same(outputPadding: [0, 1, 2]),
                    layout: .channelsFirst, activation: .silu, useBias: false, elementType: .float64)))
        #expect(try config(", \"dilation_rate\": 2").dilationRate == [2, 2, 2])
        #expect(try config(", \"strides\": 2, \"output_padding\": 1").padding == .valid(outputPadding: [1, 1, 1]))
        let alias = try LayerSet(json: layerJSON("{\"filters\": 2, \"kernel_size\": 3}", className: "Convolution3DTranspose"))
        #expect(alias.layers.map(\.config.name) == ["conv3d_transpose"])
        #expect(alias.layers.map(\.kerasClass) == ["Convolution3DTranspose"])
    }

    @Test func inputShapesFromEveryPlace() throws {
        let shapes: [(String, String, [Int?]?)] = [
            ("", "", nil), ("", ", \"build_config\": {\"input_shape\": [null, 1, 2, 3, 4]}", [nil, 1, 2, 3, 4]),
            ("", ", \"build_config\": {\"input_shape\": null}", nil), ("", ", \"build_config\": {}", nil),
            (", \"batch_input_shape\": [0, null, 2, 3, 4]", "", [0, nil, 2, 3, 4]),
            (", \"input_shape\": [1, 2, 3, 4]", "", [nil, 1, 2, 3, 4]),
        ]
        for (inner, outer, expected) in shapes {
            let set = try LayerSet(json: layerJSON("{\"filters\": 2, \"kernel_size\": 3\(inner)}", rest: outer))
            #expect(set.layers.first?.inputShape == expected, "\(inner) \(outer)")
        }
        for shape in ["[1, 2, 3, 4]", "[1, 2, 3, 4, null]", "[-1, 2, 3, 4, 5]", "[1, 0, 3, 4, 5]", "[1, 2.5, 3, 4, 5]", "5"] {
            let json = layerJSON("{\"filters\": 2, \"kernel_size\": 3}", rest: ", \"build_config\": {\"input_shape\": \(shape)}")
            #expect(refusal(json) == .inputShape(shape), "\(shape)")
        }
    }

    /// Keras's constructor rules.
    @Test func illegalArguments() {
        let three = "[1, 1, 1]"
        let table: [(String, KerasConfigError)] = [
            ("\"filters\": 0, \"kernel_size\": 3", .filters(0)), ("\"filters\": -2, \"kernel_size\": 3", .filters(-2)),
            ("\"kernel_size\": 3", .missingKey("filters", className: "Conv3DTranspose")),
            ("\"filters\": null, \"kernel_size\": 3", .missingKey("filters", className: "Conv3DTranspose")),
            ("\"filters\": 2", .missingKey("kernel_size", className: "Conv3DTranspose")),
            ("\"filters\": \"4\", \"kernel_size\": 3", .wrongType(key: "filters", received: "\"4\"", expected: "an integer")),
            ("\"filters\": 2.5, \"kernel_size\": 3", .wrongType(key: "filters", received: "2.5", expected: "an integer")),
            ("\"filters\": true, \"kernel_size\": 3", .wrongType(key: "filters", received: "true", expected: "an integer")),
            ("\"filters\": 2, \"kernel_size\": [3, 3]", .threeIntegers(argument: "kernel_size", received: "[3, 3]")),
            ("\"filters\": 2, \"kernel_size\": 3.5", .threeIntegers(argument: "kernel_size", received: "3.5")),
            ("\"filters\": 2, \"kernel_size\": [1, true, 1]", .threeIntegers(argument: "kernel_size", received: "[1, true, 1]")),
            ("\"filters\": 2, \"kernel_size\": [3, 0, 3]", .notPositive(argument: "kernel_size", [3, 0, 3])),
            ("\"filters\": 2, \"kernel_size\": 3, \"strides\": 0", .notPositive(argument: "strides", [0, 0, 0])),
            ("\"filters\": 2, \"kernel_size\": 3, \"dilation_rate\": [1, 1, -1]", .notPositive(argument: "dilation_rate", [1, 1, -1])),
            ("\"filters\": 2, \"kernel_size\": 3, \"padding\": \"full\"", .padding("full")),
            ("\"filters\": 2, \"kernel_size\": 3, \"padding\": \"causal\"", .padding("causal")),
            ("\"filters\": 2, \"kernel_size\": 3, \"padding\": 1", .wrongType(key: "padding", received: "1", expected: "a string")),
            ("\"filters\": 2, \"kernel_size\": 3, \"data_format\": \"NDHWC\"", .dataFormat("NDHWC")),
            (
                "\"filters\": 2, \"kernel_size\": 3, \"output_padding\": 1",
                .outputPadding([1, 1, 1], strides: [1, 1, 1])
            ),
            (
                "\"filters\": 2, \"kernel_size\": 3, \"strides\": 2, \"output_padding\": [0, 0, -1]",
                .outputPadding([0, 0, -1], strides: [2, 2, 2])
            ),
            (
                "\"filters\": 2, \"kernel_size\": 3, \"strides\": [1, 2, 1], \"dilation_rate\": [2, 1, 1]",
                .stridesWithDilation(strides: [1, 2, 1], dilationRate: [2, 1, 1])
            ),
            ("\"filters\": 2, \"kernel_size\": 3, \"groups\": 2", .groups(2)),
            ("\"filters\": 2, \"kernel_size\": 3, \"activation\": \"foo\"", .activation("\"foo\"")),
            ("\"filters\": 2, \"kernel_size\": 3, \"activation\": \"Relu\"", .activation("\"Relu\"")),
            ("\"filters\": 2, \"kernel_size\": 3, \"activation\": 3", .activation("3")),
            ("\"filters\": 2, \"kernel_size\": 3, \"dtype\": \"int8\"", .elementType("\"int8\"")),
            ("\"filters\": 2, \"kernel_size\": 3, \"dtype\": 1", .elementType("1")),
            ("\"filters\": 2, \"kernel_size\": 3, \"use_bias\": 1", .wrongType(key: "use_bias", received: "1", expected: "true or false")),
            ("\"filters\": 2, \"kernel_size\": 3, \"name\": \"a/b\"", .layerName("a/b")),
            ("\"filters\": 2, \"kernel_size\": 3, \"stride\": \(three)", .unknownKeys(["stride"], className: "Conv3DTranspose")),
            (
                "\"filters\": 4611686018427387904, \"kernel_size\": 4611686018427387904, \"input_shape\": [1, 1, 1, 1]",
                .spec(.aboveMaximum("kernel size", 1 << 62, maximum: AxisGeometry.maximum))
            ),
        ]
        for (members, expected) in table { #expect(refusal(layerJSON("{\(members)}")) == expected, "\(members)") }
        #expect(table.count > 25)
    }

    @Test func documentsThatAreNoLayers() {
        let table: [(String, KerasConfigError)] = [
            ("[]", .noLayers), ("3", .unknownDocument(received: "3")), ("{}", .unknownDocument(received: "{}")),
            ("[1]", .unknownDocument(received: "1")),
            ("[{}]", .missingKey("class_name", className: "layer")),
            ("{\"class_name\": \"Dense\", \"config\": {}}", .unsupportedClass("Dense")),
            ("{\"class_name\": \"Conv3DTranspose\"}", .missingKey("config", className: "layer")),
            (
                "{\"class_name\": \"Conv3DTranspose\", \"config\": []}",
                .wrongType(key: "config", received: "[]", expected: "an object")
            ),
            ("{\"class_name\": \"Sequential\", \"config\": {\"layers\": []}}", .noLayers),
            ("{\"class_name\": \"Sequential\", \"config\": {}}", .missingKey("layers", className: "Sequential")),
            (
                "{\"class_name\": \"Sequential\", \"config\": [{\"class_name\": \"InputLayer\", \"config\": {\"name\": \"x\"}}]}", .noLayers
            ),
            ("{\"layer\": 3}", .wrongType(key: "layer", received: "3", expected: "an object")),
        ]
        for (text, expected) in table { #expect(refusal(Array(text.utf8)) == expected, "\(text)") }
        for text in ["", "{", "nul", "{\"a\": Nan}", "[1,]x", String(repeating: "[", count: 100_000), "\u{FFFD}"] {
            guard case .malformedJSON(let cause)? = refusal(Array(text.utf8)) else {
                Issue.record("\(text.prefix(20)) was read")
                continue
            }
            #expect(!cause.isEmpty)
        }
    }

    @Test func namesAreUnique() throws {
        func layer(_ name: String?) -> String {
            "{\"class_name\": \"Conv3DTranspose\", \"config\": {\(name.map { "\"name\": \"\($0)\", " } ?? "")\"filters\": 1, \"kernel_size\": 1}}"
        }
        let list = "[" + [nil, "a", nil, "conv3d_transpose_1"].map(layer).joined(separator: ",") + "]"
        let names = try LayerSet(json: Array(list.utf8)).layers.map(\.config.name)
        #expect(names == ["conv3d_transpose", "a", "conv3d_transpose_2", "conv3d_transpose_1"])
        #expect(refusal(Array("[\(layer("a")), \(layer("a"))]".utf8)) == .duplicateName("a"))
        let suite = "[{\"name\": \"x\", \"layer\": \(layer("a"))}, {\"name\": \"y\", \"source\": \"s\", \"layer\": \(layer("a"))}]"
        let set = try LayerSet(json: Array(suite.utf8))
        #expect(set.layers.map(\.config.name) == ["x", "y"])
        #expect(set.layers.map(\.source) == [nil, "s"])
    }

    /// Keras 3 JSON reads back to the same config.
    @Test func kerasJSONRoundTrips() throws {
        var random = SeededRandom(seed: 21)
        var written = 0
        for index in 0..<500 {
            let strides = (0..<3).map { _ in random.integer(1...3) }
            let outputPadding = random.chance(0.5) ? strides.map { random.integer(0...$0 - 1) } : nil
            let config = try KerasRules.validate(
                name: "layer \"\(index)\" \\ \n é", filters: random.integer(1...9),
                kernelSize: (0..<3).map { _ in random.integer(1...5) }, strides: strides,
                padding: random.choice(KerasPadding.allCases), outputPadding: outputPadding,
                layout: random.choice(Layout.allCases),
                dilationRate: strides == [1, 1, 1] ? [1, 2, 3] : [1, 1, 1], activation: random.choice(Activation.samples),
                useBias: random.chance(0.5), elementType: random.choice(ElementType.allCases))
            let spatial = [9, 8, 7]
            let shape: [Int?] = config.layout.shape(batch: 2, spatial: spatial, channels: 3)
            let text = JSONValue.object(try config.kerasLayer(inputShape: shape)).text
            let read = try #require(try LayerSet(json: Array(text.utf8)).layers.first)
            #expect(read.config == config, "\(text)")
            #expect(read.inputShape == shape)
            written += 1
        }
        #expect(written == 500)
    }

    /// What is written agrees with what Keras 3 itself wrote for the same layer.
    @Test func writtenConfigIsKeras3s() throws {
        let document = try JSONValue(parsing: try fixture("keras3_model.json"))
        let layers = try #require(document.object?["config"]?.object?["layers"]?.array)
        let theirs = try #require(layers[1].object)
        let read = try #require(try LayerSet(document).layers.first)
        let ours = try read.config.kerasLayer(inputShape: read.inputShape)
        for key in ["module", "class_name", "registered_name", "build_config"] { #expect(ours[key] == theirs[key], "\(key)") }
        let (mine, other) = (try #require(ours["config"]?.object), try #require(theirs["config"]?.object))
        for key in mine.keys { #expect(mine[key] == other[key], "\(key)") }
        #expect(
            mine.keys == [
                "name", "dtype", "filters", "kernel_size", "strides", "padding", "output_padding", "data_format", "dilation_rate",
                "activation", "use_bias",
            ])
    }
}
