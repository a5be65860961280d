import LayerSpec

/// Reads models that are chains of convolutions.
enum ModelReader {
    private static let modelClasses: Set<String> = ["Sequential", "Functional", "Model"]

    /// - Returns: nil when the object is no model (so that it may be a layer).
    /// - Parameter names: a reader that has read nothing yet.
    static func read(
        _ object: JSONObject, generation given: KerasGeneration?, kerasVersion: String?, names: LayerReader
    ) throws(KerasConfigError) -> ModelDescription? {
        let className = object["class_name"]?.string
        if let className, !modelClasses.contains(className) { return nil }
        // The bare get_config of a model has `layers` on top.
        if className == nil && object["layers"] == nil { return nil }

        let generation = given ?? KerasGeneration(detectedIn: .object(object))
        let config: JSONValue = className == nil ? .object(object) : object["config"] ?? .null
        let name = config.object?["name"]?.string ?? "sequential"
        let reader = ConfigReader(config: config.object ?? [:], className: className ?? "model")
        let entries: [JSONValue]
        if let list = config.array {  // tf.keras of TensorFlow 1, Keras up to 2.2.2
            entries = list
        } else {
            let layers = try reader.required("layers")
            guard let list = layers.array else { throw reader.wrongType("layers", layers, "a list") }
            entries = list
        }
        var objects: [JSONObject] = []
        for entry in entries {
            guard let layer = entry.object else { throw .wrongType(key: "layers", received: entry.excerpt, expected: "objects") }
            objects.append(layer)
        }
        if reader.value("input_layers") != nil { objects = try chain(objects, config: reader.config, model: name) }

        var names = names
        names.reserveNames(in: entries)
        var layers: [LayerDescription] = []
        var shape = JSONValue.null  // stated by the model or its input layer, before the layout is known
        if let stated = object["build_config"]?.object?["input_shape"] ?? reader.value("build_input_shape") { shape = stated }
        for (index, layer) in objects.enumerated() {
            if layer["class_name"]?.string == "InputLayer" {
                if index > 0 { throw .notAChain(model: name, reason: "has an input layer behind its first layer") }
                let config = layer["config"]?.object ?? [:]
                if let stated = config["batch_shape"] ?? config["batch_input_shape"] { shape = stated }
                continue
            }
            if let className = layer["class_name"]?.string, !KerasLayer.classNames.contains(className) {
                throw .unsupportedClass(className)
            }
            let next = try names.read(layer, generation: generation)
            var incoming: [Int?]?
            if let last = layers.last {
                incoming = try last.outputShape()
            } else if !shape.isNull {
                do { incoming = try ConfigReader.shape(shape, layout: next.config.layout) } catch {
                    throw .inLayer(next.config.name, error)
                }
            }
            layers.append(try incoming.map { (shape) throws(KerasConfigError) in try join(shape, next) } ?? next)
        }
        if layers.isEmpty { throw .noLayers }
        return ModelDescription(
            name: name, layers: layers, generation: generation, kerasVersion: kerasVersion)
    }

    /// A layer behind a known shape: unknown extents are taken from the shape the layer states itself.
    private static func join(_ incoming: [Int?], _ layer: LayerDescription) throws(KerasConfigError) -> LayerDescription {
        guard let stated = layer.inputShape else { return try layer.with(inputShape: incoming) }
        var joined = incoming
        for axis in incoming.indices {
            switch (incoming[axis], stated[axis]) {
            case (nil, let extent): joined[axis] = extent
            case (let known?, let extent?) where known != extent && axis > 0:
                throw .inLayer(layer.config.name, .inconsistentShape(received: stated, expected: incoming))
            default: break
            }
        }
        return try layer.with(inputShape: joined)
    }

    /// The layers of a Functional model in the order of computation.
    /// - Throws: `KerasConfigError.notAChain` unless each layer is called once, on the output of one other.
    private static func chain(_ layers: [JSONObject], config: JSONObject, model: String) throws(KerasConfigError) -> [JSONObject] {
        func refuse(_ reason: String) -> KerasConfigError { .notAChain(model: model, reason: reason) }

        /// `["x", 0, 0]` or `[["x", 0, 0]]`.
        func endpoint(_ key: String) throws(KerasConfigError) -> String {
            var list = config[key]?.array ?? []
            if let only = list.first?.array, list.count == 1 { list = only }
            guard let name = list.first?.string, list.count == 3 else { throw refuse("has not exactly one of its \(key)") }
            return name
        }
        let (input, output) = (try endpoint("input_layers"), try endpoint("output_layers"))

        var successors: [String: JSONObject] = [:]
        var first: JSONObject?
        for layer in layers {
            guard let name = layer["name"]?.string ?? layer["config"]?.object?["name"]?.string else {
                throw refuse("has a layer without a name")
            }
            let nodes = layer["inbound_nodes"]?.array ?? []
            if name == input {
                first = layer
                continue
            }
            guard nodes.count == 1, let node = nodes.first, let source = Self.source(of: node) else {
                throw refuse("calls layer \"\(name)\" not exactly once on one tensor")
            }
            if successors.updateValue(layer, forKey: source) != nil { throw refuse("uses the output of layer \"\(source)\" twice") }
        }
        guard let first else { throw refuse("lacks its input layer \"\(input)\"") }
        var ordered = [first]
        var name = input
        while let next = successors.removeValue(forKey: name) {
            ordered.append(next)
            name = next["name"]?.string ?? next["config"]?.object?["name"]?.string ?? ""
        }
        if ordered.count != layers.count || name != output { throw refuse("does not lead from \"\(input)\" to \"\(output)\"") }
        return ordered
    }

    /// The layer a node reads from, when it reads one tensor. Keras 3: `{"args": [tensor], "kwargs": {}}`; earlier:
    /// `[["x", 0, 0, {}]]`.
    private static func source(of node: JSONValue) -> String? {
        if let tensors = node.array {
            return tensors.count == 1 ? tensors[0].array?.first?.string : nil
        }
        guard let arguments = node.object?["args"]?.array, arguments.count == 1 else { return nil }
        return arguments[0].object?["config"]?.object?["keras_history"]?.array?.first?.string
    }
}
