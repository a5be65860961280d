import VoxLayerSpec

/// Reads and writes the config of a Keras `Conv3DTranspose` or `Conv3D` of any generation.
package enum KerasLayer {
    private static let kinds: [String: LayerKind] = [
        "Conv3DTranspose": .transposed, "Convolution3DTranspose": .transposed, "Conv3D": .ordinary, "Convolution3D": .ordinary,
    ]
    package static let classNames = Set(kinds.keys)

    /// The kind of layer that a class is; nil for a class that is none of these.
    package static func kind(of className: String) -> LayerKind? { kinds[className] }

    /// The name of the class of a kind of layer.
    package static func className(of kind: LayerKind) -> String { kind == .transposed ? "Conv3DTranspose" : "Conv3D" }

    /// Every argument some Keras version writes into a config or accepts in one.
    private static let keys: Set<String> = [
        "name", "trainable", "dtype", "filters", "kernel_size", "strides", "padding", "output_padding", "data_format",
        "dilation_rate", "groups", "activation", "use_bias", "kernel_initializer", "bias_initializer", "kernel_regularizer",
        "bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint", "batch_input_shape", "input_shape",
        "batch_size", "input_dtype", "autocast", "dynamic",
    ]

    /// - Parameters:
    ///   - className: decides the kind of layer.
    ///   - customActivations: names of activations of the user's own; the layer reads as if it had none.
    package static func read(
        _ config: JSONObject, className: String, name: String, generation: KerasGeneration, customActivations: Set<String> = []
    ) throws(KerasConfigError) -> LayerConfig {
        let kind = kind(of: className) ?? .transposed
        let reader = ConfigReader(config: config, className: className)
        try reader.allow(kind == .transposed ? keys : keys.subtracting(["output_padding"]))
        let isCustom = ActivationNames.identifiers(of: config["activation"]).contains { customActivations.contains($0) }
        _ = try reader.required("filters")
        _ = try reader.required("kernel_size")
        let padding = try reader.string("padding") ?? KerasPadding.valid.rawValue
        let layout = try reader.string("data_format") ?? Layout.channelsLast.rawValue
        return try KerasRules.validate(
            kind: kind, name: name, filters: try reader.integer("filters") ?? 0, kernelSize: try reader.triple("kernel_size") ?? [],
            strides: try reader.triple("strides") ?? [1, 1, 1], padding: try KerasRules.padding(named: padding),
            outputPadding: try reader.triple("output_padding"), layout: try KerasRules.layout(named: layout),
            dilationRate: try reader.triple("dilation_rate") ?? [1, 1, 1], groups: try reader.integer("groups") ?? 1,
            activation: isCustom ? .linear : try ActivationNames.activation(config["activation"], generation: generation),
            useBias: try reader.bool("use_bias") ?? true, elementType: try elementType(config["dtype"]), generation: generation)
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
    /// The `get_config` of a Keras 3 `Conv3DTranspose` or `Conv3D`, keys in Keras's order: what this type knows of it (initializers,
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
        if kind == .transposed, groups != 1 { throw .notRepresentable(what: "\(groups) groups", dialect: "Keras 3") }
        _ = try KerasRules.validate(
            kind: kind, name: name, filters: filters, kernelSize: kernelSize, strides: strides, padding: rule, outputPadding: outputPadding,
            layout: layout, dilationRate: dilationRate, groups: groups, activation: activation, useBias: useBias,
            elementType: elementType)
        var result: JSONObject = [
            "name": .string(name),
            "dtype": DTypePolicy(elementType.arithmetic).json,
            "filters": .integer(filters), "kernel_size": JSONValue(kernelSize), "strides": JSONValue(strides),
            "padding": .string(rule.rawValue),
        ]
        if kind == .transposed { result["output_padding"] = outputPadding.map { JSONValue($0) } ?? .null }
        result["data_format"] = .string(layout.rawValue)
        result["dilation_rate"] = JSONValue(dilationRate)
        if kind == .ordinary { result["groups"] = .integer(groups) }
        result["activation"] = ActivationNames.json(activation)
        result["use_bias"] = .bool(useBias)
        return result
    }

    /// A serialised Keras 3 layer: `{"module", "class_name", "config", "registered_name"}` and, with an input shape,
    /// `"build_config"`.
    /// - Throws: as `kerasConfig()`.
    public func kerasLayer(inputShape: [Int?]? = nil) throws(KerasConfigError) -> JSONObject {
        var object: JSONObject = [
            "module": "keras.layers", "class_name": .string(KerasLayer.className(of: kind)), "config": .object(try kerasConfig()),
            "registered_name": nil,
        ]
        if let inputShape { object["build_config"] = ["input_shape": JSONValue(shape: inputShape)] }
        return object
    }
}
