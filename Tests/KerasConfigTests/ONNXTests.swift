import Foundation
import Testing
import VoxKerasConfig
import VoxLayerSpec
import _TestSupport

@Suite struct ONNXTests {
    struct Fixtures: Decodable {
        /// Texts, integers, and lists of integers.
        struct Attributes: Decodable {
            let object: JSONObject

            init(from decoder: any Decoder) throws {
                enum Value: Decodable {
                    case json(JSONValue)
                    init(from decoder: any Decoder) throws {
                        let value = try decoder.singleValueContainer()
                        if let text = try? value.decode(String.self) {
                            self = .json(.string(text))
                        } else if let number = try? value.decode(Int.self) {
                            self = .json(.integer(number))
                        } else {
                            self = .json(JSONValue(try value.decode([Int].self)))
                        }
                    }
                }
                var object: JSONObject = [:]
                for (name, value) in try [String: Value](from: decoder) {
                    if case .json(let json) = value { object[name] = json }
                }
                self.object = object
            }
        }

        struct Case: Decodable {
            let attributes: Attributes
            let channels: Int
            let filters: Int
            let input_shape: [Int]
            let refused: String?
            let reference: String?
            let input: [Double]?
            let weights: [Double]?
            let bias: [Double]?
            let output_shape: [Int]?
            let output: [Double]?
        }
        let cases: [Case]
    }

    /// Every node onnxruntime computed: attributes -> LayerConfig -> Geometry -> scatter gives its shape and its numbers.
    @Test func onnxruntimeAgrees() throws {
        let cases = try JSONDecoder().decode(Fixtures.self, from: try fixture("onnx_conv_transpose.json")).cases
        var counts: [String: Int] = [:]
        for item in cases {
            let comment: Comment = "\(JSONValue.object(item.attributes.object).text) on \(item.input_shape)"
            var config = item.attributes.object
            config["channels"] = .integer(item.channels)
            config["filters"] = .integer(item.filters)
            config["use_bias"] = .bool(item.bias != nil)
            let document: JSONValue = [
                "class_name": "ConvTranspose", "config": .object(config),
                "build_config": ["input_shape": JSONValue(item.input_shape)],
            ]
            if item.refused != nil {
                #expect(throws: KerasConfigError.self, comment) { try LayerSet(document) }
                counts["refused", default: 0] += 1
                continue
            }
            let layer = try #require(try LayerSet(document).layers.first, comment)
            #expect(layer.config.layout == .channelsFirst)
            let spec = try layer.config.spec(inputShape: item.input_shape)
            #expect(spec.outputShape(batch: 1) == item.output_shape, comment)

            // ONNX weights are (C, F/G, taps); ours are (taps, F/G, C).
            let weights = try #require(item.weights)
            let (channels, inner) = (item.channels, spec.geometry.filtersPerGroup)
            let taps = weights.count / (channels * inner)
            var kernel = [Double](repeating: 0, count: weights.count)
            for c in 0..<channels {
                for f in 0..<inner {
                    for t in 0..<taps { kernel[(t * inner + f) * channels + c] = weights[(c * inner + f) * taps + t] }
                }
            }
            let result = ScatterOracle.run(spec, batch: 1, input: try #require(item.input), operand: kernel, bias: item.bias)
            #expect(result.values == item.output, comment)
            counts[item.reference == "extended" ? "extended" : "computed", default: 0] += 1

            // The written form means the same.
            let again = try LayerSet(.object(try layer.config.onnxLayer(channels: item.channels, inputShape: layer.inputShape)))
            #expect(again.layers.first?.config == layer.config, comment)
        }
        #expect(counts["computed", default: 0] >= 100, "\(counts)")
        #expect(counts["extended", default: 0] >= 10, "\(counts)")
        #expect(counts["refused", default: 0] >= 15, "\(counts)")
    }

    func errorOf(_ members: String, rest: String = "") -> KerasConfigError? {
        refusal(layerJSON("{\(members)}", className: "ConvTranspose", rest: rest))
    }

    @Test func illegalAttributes() {
        let base = "\"kernel_shape\": [2, 3, 4], \"channels\": 4, \"filters\": 6"
        let table: [(String, KerasConfigError)] = [
            ("\"channels\": 4, \"filters\": 6", .missingKey("kernel_shape", className: "ConvTranspose")),
            ("\"kernel_shape\": [1, 1, 1], \"filters\": 6", .missingKey("channels", className: "ConvTranspose")),
            ("\"kernel_shape\": [1, 1, 1], \"channels\": 6", .missingKey("filters", className: "ConvTranspose")),
            (
                "\"kernel_shape\": [2, 3], \"channels\": 4, \"filters\": 6",
                .attributeCount(attribute: "kernel_shape", [2, 3], expected: 3)
            ),
            (
                "\"kernel_shape\": 3, \"channels\": 4, \"filters\": 6",
                .wrongType(key: "kernel_shape", received: "3", expected: "a list of integers")
            ),
            (base + ", \"pads\": [0, 0, 0]", .attributeCount(attribute: "pads", [0, 0, 0], expected: 6)),
            (base + ", \"pads\": [0, 0, 0, 0, 0, -1]", .attributeTooSmall(attribute: "pads", [0, 0, 0, 0, 0, -1], minimum: 0)),
            (base + ", \"strides\": [1, 0, 1]", .attributeTooSmall(attribute: "strides", [1, 0, 1], minimum: 1)),
            (base + ", \"dilations\": [1, 1]", .attributeCount(attribute: "dilations", [1, 1], expected: 3)),
            (base + ", \"output_shape\": [1, 0, 1]", .attributeTooSmall(attribute: "output_shape", [1, 0, 1], minimum: 1)),
            (base + ", \"auto_pad\": \"same_upper\"", .autoPad("same_upper")),
            (base + ", \"auto_pad\": \"VALID\", \"pads\": [0, 0, 0, 0, 0, 0]", .padsWithAutoPad("VALID")),
            (
                base + ", \"output_padding\": [0, 2, 0], \"strides\": [1, 2, 1]",
                .onnxOutputPadding([0, 2, 0], strides: [1, 2, 1], dilations: [1, 1, 1])
            ),
            (base + ", \"group\": 3", .spec(.groupsDoNotDivide(groups: 3, what: "channels", 4))),
            (base + ", \"group\": 4", .spec(.groupsDoNotDivide(groups: 4, what: "filters", 6))),
            (base + ", \"group\": 0", .attributeTooSmall(attribute: "group", [0], minimum: 1)),
            (base + ", \"kernel_size\": [1, 1, 1]", .unknownKeys(["kernel_size"], className: "ConvTranspose")),
            (base + ", \"activation\": \"foo\"", .activation("\"foo\"")),
            (base + ", \"data_format\": \"NCDHW\"", .dataFormat("NCDHW")),
            (base + ", \"name\": \"a/b\"", .layerName("a/b")),
            (base + ", \"name\": \"a/\u{301}b\"", .layerName("a/\u{301}b")),
        ]
        for (members, expected) in table { #expect(errorOf(members) == expected, "\(members)") }
        #expect(
            errorOf(base, rest: ", \"build_config\": {\"input_shape\": [1, 5, 2, 2, 2]}")
                == .channels(4, inputShape: [1, 5, 2, 2, 2]))
        // A total padding below 0 with SAME_* is known only with the input shape.
        #expect(
            errorOf(
                "\"kernel_shape\": [1, 1, 1], \"strides\": [2, 1, 1], \"channels\": 1, \"filters\": 1, \"auto_pad\": \"SAME_LOWER\"",
                rest: ", \"build_config\": {\"input_shape\": [1, 1, 2, 2, 2]}")
                == .spec(.negativePadding(axis: 0, total: -1, rule: "SAME_LOWER")))
    }

    @Test func defaults() throws {
        let json = layerJSON("{\"kernel_shape\": [1, 2, 3], \"channels\": 4, \"filters\": 2}", className: "ConvTranspose")
        let layer = try #require(try LayerSet(json: json).layers.first)
        #expect(
            layer.config
                == (try LayerConfig(
                    name: "conv_transpose", filters: 2, kernelSize: [1, 2, 3],
                    padding: .explicit(begin: [0, 0, 0], end: [0, 0, 0], outputPadding: [0, 0, 0]), layout: .channelsFirst)))
        #expect(layer.inputShape == [nil, 4, nil, nil, nil])
        #expect(layer.kerasClass == "ConvTranspose")
        let last = layerJSON(
            "{\"kernel_shape\": [1, 2, 3], \"channels\": 4, \"filters\": 2, \"data_format\": \"channels_last\", \"group\": 2}",
            className: "ConvTranspose")
        let other = try #require(try LayerSet(json: last).layers.first)
        #expect(other.inputShape == [nil, nil, nil, nil, 4])
        #expect((other.config.groups, other.config.layout) == (2, .channelsLast))
    }

    /// A Keras and an ONNX description of one layer have one key.
    @Test func kerasAndONNXShareKeys() throws {
        let keras = try #require(
            try LayerSet(
                json: layerJSON(
                    "{\"filters\": 3, \"kernel_size\": [4, 3, 5], \"strides\": 2, \"padding\": \"same\", \"activation\": \"relu\"}",
                    rest: ", \"build_config\": {\"input_shape\": [1, 4, 5, 6, 2]}")
            ).layers.first)
        let onnx = try #require(
            try LayerSet(
                json: layerJSON(
                    """
                    {"kernel_shape": [4, 3, 5], "strides": [2, 2, 2], "pads": [1, 0, 1, 1, 1, 2], "channels": 2, "filters": 3,
                    "activation": "relu", "data_format": "channels_last", "name": "other"}
                    """, className: "ConvTranspose")
            ).layers.first)
        let shape = [1, 4, 5, 6, 2]
        #expect(try keras.config.spec(inputShape: shape).key == onnx.config.spec(inputShape: shape).key)
    }

    @Test func whatEachDialectCannotExpress() throws {
        let grouped = try LayerConfig(name: "g", filters: 2, kernelSize: [1, 1, 1], groups: 2)
        let padded = try LayerConfig(name: "p", filters: 2, kernelSize: [1, 1, 1], padding: .sameUpper(outputPadding: [0, 0, 0]))
        let wide = try LayerConfig(
            name: "w", filters: 2, kernelSize: [1, 1, 1], padding: .sameUpper(outputPadding: [0, 0, 0]), elementType: .float64)
        #expect(throws: KerasConfigError.notRepresentable(what: "2 groups", dialect: "Keras 3")) { try grouped.kerasConfig() }
        #expect(throws: KerasConfigError.notRepresentable(what: "the padding of layer \"p\"", dialect: "Keras 3")) {
            try padded.kerasConfig()
        }
        #expect(throws: KerasConfigError.self) { try grouped.onnxLayer(channels: 2) }
        #expect(throws: KerasConfigError.self) { try wide.onnxLayer(channels: 2) }
    }
}
