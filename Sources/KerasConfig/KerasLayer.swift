import LayerSpec

/// Reads and writes the config of a Keras `Conv3DTranspose` of any generation.
package enum KerasLayer {
    package static let classNames: Set<String> = ["Conv3DTranspose", "Convolution3DTranspose"]

    /// Every argument some Keras version writes into a config or accepts in one.
    private static let keys: Set<String> = [
        "name", "trainable", "dtype", "filters", "kernel_size", "strides", "padding", "output_padding", "data_format",
        "dilation_rate", "groups", "activation", "use_bias", "kernel_initializer", "bias_initializer", "kernel_regularizer",
        "bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint", "batch_input_shape", "input_shape",
        "batch_size", "input_dtype", "autocast", "dynamic",
    ]

    package static func read(_ config: JSONObject, className: String, name: String, generation: KerasGeneration) throws(KerasConfigError) -> LayerConfig {
        let reader = ConfigReader(config: config, className: className)
        try reader.allow(keys)
        _ = try reader.required("filters")
        _ = try reader.required("kernel_size")
        let padding = try reader.string("padding") ?? KerasPadding.valid.rawValue
        let layout = try reader.string("data_format") ?? Layout.channelsLast.rawValue
        return try KerasRules.validate(
            name: name, filters: try reader.integer("filters") ?? 0, kernelSize: try reader.triple("kernel_size") ?? [],
            strides: try reader.triple("strides") ?? [1, 1, 1], padding: try KerasRules.padding(named: padding),
            outputPadding: try reader.triple("output_padding"), layout: try KerasRules.layout(named: layout),
            dilationRate: try reader.triple("dilation_rate") ?? [1, 1, 1], groups: try reader.integer("groups") ?? 1,
            activation: try ActivationNames.activation(config["activation"], generation: generation),
            useBias: try reader.bool("use_bias") ?? true, elementType: try elementType(config["dtype"]))
    }

    /// The element type of a `dtype`: null, a name, or a serialised policy.
    static func elementType(_ json: JSONValue?) throws(KerasConfigError) -> ElementType {
        try DTypePolicy(json: json)?.elementType ?? .float32
    }

    /// The input shape a layer object states: `build_config.input_shape`, else the config's `batch_input_shape`, else its
    /// `input_shape` (without batch).
    package static func inputShape(object: JSONObject, layout: Layout) throws(KerasConfigError) -> [Int?]? {
        let config = object["config"]?.object ?? [:]
        if let shape = object["build_config"]?.object?["input_shape"], !shape.isNull {
            return try ConfigReader.shape(shape, layout: layout)
        }
        if let shape = config["batch_input_shape"], !shape.isNull { return try ConfigReader.shape(shape, layout: layout) }
        if let shape = config["input_shape"], !shape.isNull {
            return try ConfigReader.shape(.array([.null] + (shape.array ?? [])), layout: layout)
        }
        return nil
    }
}

extension LayerConfig {
    /// The `get_config` of a Keras 3 `Conv3DTranspose`, keys in Keras's order: what this type knows of it (initializers,
    /// regularizers and constraints belong to the layer).
    /// - Throws: `KerasConfigError.notRepresentable` for groups and ONNX paddings; and the errors of `KerasRules.validate`.
    public func kerasConfig() throws(KerasConfigError) -> JSONObject {
        let rule: KerasPadding
        let outputPadding: [Int]?
        switch padding {
        case .valid(let values): (rule, outputPadding) = (.valid, values)
        case .same(let values): (rule, outputPadding) = (.same, values)
        default: throw .notRepresentable(what: "the padding of layer \"\(name)\"", dialect: "Keras 3")
        }
        if groups != 1 { throw .notRepresentable(what: "\(groups) groups", dialect: "Keras 3") }
        _ = try KerasRules.validate(
            name: name, filters: filters, kernelSize: kernelSize, strides: strides, padding: rule, outputPadding: outputPadding,
            layout: layout, dilationRate: dilationRate, activation: activation, useBias: useBias, elementType: elementType)
        return [
            "name": .string(name),
            "dtype": (elementType == .float64 ? DTypePolicy.float64 : .float32).json,
            "filters": .integer(filters), "kernel_size": JSONValue(kernelSize), "strides": JSONValue(strides),
            "padding": .string(rule.rawValue), "output_padding": outputPadding.map { JSONValue($0) } ?? .null,
            "data_format": .string(layout.rawValue), "dilation_rate": JSONValue(dilationRate),
            "activation": ActivationNames.json(activation), "use_bias": .bool(useBias),
        ]
    }

    /// A serialised Keras 3 layer: `{"module", "class_name", "config", "registered_name"}` and, with an input shape,
    /// `"build_config"`.
    /// - Throws: as `kerasConfig()`.
    public func kerasLayer(inputShape: [Int?]? = nil) throws(KerasConfigError) -> JSONObject {
        var object: JSONObject = [
            "module": "keras.layers", "class_name": "Conv3DTranspose", "config": .object(try kerasConfig()),
            "registered_name": nil,
        ]
        if let inputShape { object["build_config"] = ["input_shape": JSONValue(shape: inputShape)] }
        return object
    }
}
