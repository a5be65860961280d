import VoxLayerSpec

/// Reads and writes ONNX-style layers: `{"class_name": "ConvTranspose", "config": {...}}` with the attributes of the ONNX
/// operator ConvTranspose, and `channels`, `filters`, `use_bias` (default true), `activation` (Keras 3 names),
/// `data_format` (default channels_first) and `name`.
///
/// Where the operator's text is silent, onnxruntime decides: `output_shape` makes `pads` irrelevant and with `auto_pad` VALID
/// behaves as with NOTSET. An `output_shape` a stride or more beyond the last tap, which onnxruntime refuses, adds zeros.
enum ONNXLayer {
    static let className = "ConvTranspose"

    private static let keys: Set<String> = [
        "kernel_shape", "strides", "pads", "auto_pad", "output_padding", "output_shape", "dilations", "group", "channels",
        "filters", "use_bias", "activation", "data_format", "name",
    ]

    static func read(_ config: JSONObject, name: String) throws(KerasConfigError) -> (config: LayerConfig, channels: Int) {
        let reader = ConfigReader(config: config, className: className)
        try reader.allow(keys)
        for key in ["kernel_shape", "channels", "filters"] { _ = try reader.required(key) }

        func list(_ attribute: String, count: Int = 3, minimum: Int) throws(KerasConfigError) -> [Int]? {
            guard let values = try reader.integers(attribute) else { return nil }
            if values.count != count { throw .attributeCount(attribute: attribute, values, expected: count) }
            if values.contains(where: { $0 < minimum }) {
                throw .attributeTooSmall(attribute: attribute, values, minimum: minimum)
            }
            return values
        }
        func positive(_ attribute: String, default standard: Int? = nil) throws(KerasConfigError) -> Int {
            guard let value = try reader.integer(attribute) ?? standard else {
                throw .missingKey(attribute, className: className)
            }
            if value < 1 { throw .attributeTooSmall(attribute: attribute, [value], minimum: 1) }
            return value
        }
        let kernel = try list("kernel_shape", minimum: 1) ?? []
        let strides = try list("strides", minimum: 1) ?? [1, 1, 1]
        let dilations = try list("dilations", minimum: 1) ?? [1, 1, 1]
        let pads = try list("pads", count: 6, minimum: 0)
        let shape = try list("output_shape", minimum: 1)
        let outputPadding = try list("output_padding", minimum: 0) ?? [0, 0, 0]
        for axis in 0..<3 where outputPadding[axis] >= max(strides[axis], dilations[axis]) {
            throw .onnxOutputPadding(outputPadding, strides: strides, dilations: dilations)
        }

        let autoPad = try reader.string("auto_pad") ?? "NOTSET"
        guard ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"].contains(autoPad) else { throw .autoPad(autoPad) }
        if pads != nil && autoPad != "NOTSET" { throw .padsWithAutoPad(autoPad) }
        let padding: PaddingRule
        switch (shape, autoPad) {
        case (let shape?, _): padding = .outputShape(shape, outputPadding: outputPadding, oddAtEnd: autoPad == "SAME_UPPER")
        case (nil, "SAME_UPPER"): padding = .sameUpper(outputPadding: outputPadding)
        case (nil, "SAME_LOWER"): padding = .sameLower(outputPadding: outputPadding)
        default:
            let pads = pads ?? [0, 0, 0, 0, 0, 0]
            padding = .explicit(begin: Array(pads[..<3]), end: Array(pads[3...]), outputPadding: outputPadding)
        }

        let channels = try positive("channels")
        let (filters, group) = (try positive("filters"), try positive("group", default: 1))
        if channels % group != 0 { throw .spec(.groupsDoNotDivide(groups: group, what: "channels", channels)) }
        if filters % group != 0 { throw .spec(.groupsDoNotDivide(groups: group, what: "filters", filters)) }
        let layout = try KerasRules.layout(named: try reader.string("data_format") ?? Layout.channelsFirst.rawValue)
        let activation = try ActivationNames.activation(config["activation"])
        let useBias = try reader.bool("use_bias") ?? true
        if name.utf8.contains(UInt8(ascii: "/")) { throw .layerName(name) }
        let result = try wrappingSpecError { () throws(SpecError) in
            try LayerConfig(
                name: name, filters: filters, kernelSize: kernel, strides: strides, dilationRate: dilations, padding: padding,
                groups: group, layout: layout, activation: activation, useBias: useBias)
        }
        return (result, channels)
    }
}

extension LayerConfig {
    /// The layer as ONNX-style JSON, which can express groups and every padding rule except Keras's.
    /// - Throws: `KerasConfigError.notRepresentable` for Keras paddings (use `kerasLayer`), float64, and activations without a
    ///   name.
    public func onnxLayer(channels: Int, inputShape: [Int?]? = nil) throws(KerasConfigError) -> JSONObject {
        if kind == .ordinary { throw .notRepresentable(what: "the ordinary convolution \"\(name)\"", dialect: "An ONNX-style ConvTranspose") }
        if elementType != .float32 { throw .notRepresentable(what: "the element type \(elementType)", dialect: "An ONNX-style layer") }
        var config: JSONObject = [
            "name": .string(name), "kernel_shape": JSONValue(kernelSize), "strides": JSONValue(strides),
            "dilations": JSONValue(dilationRate), "group": .integer(groups), "channels": .integer(channels),
            "filters": .integer(filters), "use_bias": .bool(useBias), "activation": ActivationNames.json(activation),
            "data_format": .string(layout.rawValue),
        ]
        switch padding {
        case .explicit(let begin, let end, let outputPadding):
            config["pads"] = JSONValue(begin + end)
            config["output_padding"] = JSONValue(outputPadding)
        case .sameUpper(let outputPadding):
            config["auto_pad"] = "SAME_UPPER"
            config["output_padding"] = JSONValue(outputPadding)
        case .sameLower(let outputPadding):
            config["auto_pad"] = "SAME_LOWER"
            config["output_padding"] = JSONValue(outputPadding)
        case .outputShape(let shape, let outputPadding, let oddAtEnd):
            config["auto_pad"] = oddAtEnd ? "SAME_UPPER" : "NOTSET"
            config["output_shape"] = JSONValue(shape)
            config["output_padding"] = JSONValue(outputPadding)
        case .valid, .same:
            throw .notRepresentable(what: "the Keras padding of layer \"\(name)\"", dialect: "An ONNX-style layer")
        }
        var object: JSONObject = ["class_name": .string(ONNXLayer.className), "config": .object(config)]
        if let inputShape { object["build_config"] = ["input_shape": JSONValue(shape: inputShape)] }
        return object
    }
}
