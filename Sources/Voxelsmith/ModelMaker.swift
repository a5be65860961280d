import KerasConfig
import KernelRuntime
import LayerSpec

/// Keras's `model_from_json`, for JSON of any generation.
/// - Throws: `KerasConfigError` for what is no model, `ArgumentError.value` for the versions whose Conv3DTranspose was a forward
///   convolution, and as the `init(config:)` of the model.
public func modelFromJSON(
    _ json: String, objects: CustomObjects = .shared, policy: Policy = .fast, kernels: any KernelProvider = KernelRegistry.shared,
    kernelMode: KernelMode = .auto
) throws -> Model {
    let document = try JSONValue(parsing: json.utf8)
    guard let object = document.object else { throw KerasConfigError.unknownDocument(received: document.excerpt) }
    if let version = object["keras_version"]?.string, ["2.0.8-tf", "2.1.2-tf"].contains(version) {
        throw ArgumentError.value(
            argument: "keras_version", received: version, expected: "a version whose Conv3DTranspose is no forward convolution")
    }
    let maker = ModelMaker(
        generation: KerasGeneration(detectedIn: document), objects: objects, policy: policy, kernels: kernels, kernelMode: kernelMode)
    guard let model = try maker.layer(object) as? Model else { throw KerasConfigError.unknownDocument(received: document.excerpt) }
    return model
}

/// Makes the layers that a model's config lists.
struct ModelMaker {
    let generation: KerasGeneration
    let objects: CustomObjects
    let policy: Policy
    let kernels: any KernelProvider
    let kernelMode: KernelMode

    /// A shape of a config; nil for null or absence.
    static func shape(_ json: JSONValue?) throws -> [Int?]? {
        guard let list = json?.array else { return nil }
        return try list.map { extent in
            switch extent {
            case .null: nil
            case .integer(let value) where value > 0: value
            default: throw KerasConfigError.inputShape(json?.excerpt ?? "null")
            }
        }
    }

    func layers(_ config: JSONObject) throws -> [Layer] {
        guard let entries = config["layers"]?.array else { throw KerasConfigError.missingKey("layers", className: "model") }
        return try entries.map { entry in
            guard let object = entry.object else {
                throw KerasConfigError.wrongType(key: "layers", received: entry.excerpt, expected: "objects")
            }
            return try layer(object)
        }
    }

    func layer(_ object: JSONObject) throws -> Layer {
        guard let className = object["class_name"]?.string else { throw KerasConfigError.missingKey("class_name", className: "layer") }
        var config = object["config"]?.object ?? [:]
        switch className {
        case "InputLayer":
            guard let shape = try Self.shape(config["batch_shape"] ?? config["batch_input_shape"]) else {
                throw KerasConfigError.missingKey("batch_shape", className: className)
            }
            let type = try DTypePolicy(json: config["dtype"])?.elementType ?? .float32
            return InputLayer(batchShape: shape, name: config["name"]?.string, dtype: type)
        case "Conv3DTranspose", "Convolution3DTranspose":
            return try Conv3DTranspose(
                config: config, generation: generation, objects: objects, policy: policy, kernels: kernels, kernelMode: kernelMode)
        case "Sequential":
            // TensorFlow 1 wrote the list of layers alone.
            if let list = object["config"]?.array { config = ["layers": .array(list)] }
            return try Sequential(
                config: config, generation: generation, objects: objects, policy: policy, kernels: kernels, kernelMode: kernelMode)
        case "Functional", "Model":
            return try Model(
                config: config, generation: generation, objects: objects, policy: policy, kernels: kernels, kernelMode: kernelMode)
        default: throw KerasConfigError.unsupportedClass(className)
        }
    }

    /// A tensor by its layer, call and result.
    private struct History {
        let layer: String
        let node: Int
        let tensor: Int

        init?(_ json: JSONValue) {
            guard let list = json.array, list.count >= 3, let layer = list[0].string, case .integer(let node) = list[1],
                case .integer(let tensor) = list[2]
            else { return nil }
            (self.layer, self.node, self.tensor) = (layer, node, tensor)
        }

        /// The tensors in one call: histories themselves in Keras 2, inside of keras tensors in Keras 3.
        static func all(in json: JSONValue) -> [History] {
            if let one = History(json) { return [one] }
            if let list = json.array { return list.flatMap(all) }
            guard let object = json.object else { return [] }
            if let history = object["config"]?.object?["keras_history"] { return all(in: history) }
            return object["args"].map(all) ?? []
        }
    }

    /// Makes the layers and their calls, each when its inputs are there.
    func connect(_ config: JSONObject) throws -> (inputs: [SymbolicTensor], outputs: [SymbolicTensor]) {
        let made = try layers(config)
        let entries = config["layers"]?.array?.map { $0.object ?? [:] } ?? []
        var byName: [String: Layer] = [:]
        var calls: [(layer: Layer, left: [[History]])] = []
        for (layer, entry) in zip(made, entries) {
            byName[entry["name"]?.string ?? layer.name] = layer
            // Nested models are called in this graph, not in their own.
            layer.owner = Graph.current
            calls.append((layer, entry["inbound_nodes"]?.array?.map { History.all(in: $0) } ?? []))
        }
        func tensor(_ history: History) -> SymbolicTensor? {
            guard let layer = byName[history.layer], layer.nodes.indices.contains(history.node),
                layer.nodes[history.node].outputShapes.indices.contains(history.tensor)
            else { return nil }
            return layer.output(node: history.node, tensor: history.tensor)
        }
        var isProgressing = true
        while isProgressing {
            isProgressing = false
            for index in calls.indices {
                while let next = calls[index].left.first {
                    let inputs = next.compactMap(tensor)
                    if inputs.count != next.count || inputs.isEmpty { break }
                    _ = try calls[index].layer(inputs)
                    calls[index].left.removeFirst()
                    isProgressing = true
                }
            }
        }
        func ends(_ key: String) throws -> [SymbolicTensor] {
            let json = config[key] ?? .null
            let histories = History.all(in: json)
            let tensors = histories.compactMap(tensor)
            if tensors.isEmpty || tensors.count != histories.count || calls.contains(where: { !$0.left.isEmpty }) {
                throw KerasConfigError.wrongType(key: key, received: json.excerpt, expected: "tensors that follow from inputs of the model")
            }
            return tensors
        }
        return (try ends("input_layers"), try ends("output_layers"))
    }
}
