import KerasConfig
import KernelRuntime
import LayerSpec
import Logging

/// Keras's `model_from_json`, for JSON of any generation: unbuilt layers where no input shape is stated.
/// - Parameters:
///   - json: a value of a config.
///   - objects: the user's own layers, initializers, regularizers, constraints and activations.
///   - policy: which kernels may answer: rearranged ones too (`fast`), or plain sums only.
///   - kernels: where specialised kernels come from.
///   - kernelMode: whether the interpreter may stand in for a missing kernel, or must.
///   - logger: warned of models of TensorFlow 1.4 and 1.5, whose Conv3DTranspose is a `Conv3D`, and where a result depends on the
///     line of Keras that wrote the JSON and the JSON does not tell.
/// - Throws: `KerasConfigError` for what is no model, and as the `init(config:)` of the model.
public func modelFromJSON(
    _ json: String, objects: CustomObjects = .shared, policy: Policy = .fast, kernels: any KernelProvider = KernelRegistry.shared,
    kernelMode: KernelMode = .auto, logger: Logger = Logger(label: "voxelsmith.models")
) throws -> Model {
    let document = try JSONValue(parsing: json.utf8)
    let layer = try layerFromJSON(
        document, objects: objects, policy: policy, kernels: kernels, kernelMode: kernelMode, logger: logger)
    guard let model = layer as? Model else { throw KerasConfigError.unknownDocument(received: document.excerpt) }
    return model
}

/// The layer or model of a document.
/// - Parameter kerasVersion: of the file around the document; nil for what the document itself states.
/// - Throws: as `modelFromJSON`.
package func layerFromJSON(
    _ document: JSONValue, kerasVersion: String? = nil, objects: CustomObjects, policy: Policy, kernels: any KernelProvider,
    kernelMode: KernelMode, logger: Logger
) throws -> Layer {
    guard var object = document.object else { throw KerasConfigError.unknownDocument(received: document.excerpt) }
    // The bare get_config of a model.
    if object["class_name"] == nil, object["layers"] != nil {
        object = ["class_name": object["input_layers"] == nil ? "Sequential" : "Functional", "config": .object(object)]
    }
    let version = kerasVersion ?? object["keras_version"]?.string
    let evidence = GenerationEvidence(in: document, kerasVersion: version)
    if let warning = evidence.warning { logger.warning("\(warning)") }
    var maker = ModelMaker(
        generation: evidence.generation, objects: objects, policy: policy, kernels: kernels, kernelMode: kernelMode)
    if let version, ModelMaker.modelClasses.contains(object["class_name"]?.string ?? ""), ForwardConvolution.isMeant(inVersion: version) {
        maker.misnamesConvolutions = true
        logger.warning("\(ForwardConvolution.warning(version: version) as Sentence)")
    }
    return try maker.layer(object)
}

/// Makes the layers that a model's config lists.
struct ModelMaker {
    let generation: KerasGeneration
    let objects: CustomObjects
    let policy: Policy
    let kernels: any KernelProvider
    let kernelMode: KernelMode
    /// Whether Conv3DTranspose means an ordinary convolution.
    var misnamesConvolutions = false

    static let modelClasses: Set<String> = ["Sequential", "Functional", "Model"]

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
        if let layer = try objects.layer(object) { return layer }
        var config = object["config"]?.object ?? [:]
        switch className {
        case "InputLayer":
            guard let shape = try Self.shape(config["batch_shape"] ?? config["batch_input_shape"]) else {
                throw KerasConfigError.missingKey("batch_shape", className: className)
            }
            let type = try DTypePolicy(json: config["dtype"])?.elementType ?? .float32
            return InputLayer(batchShape: shape, name: config["name"]?.string, dtype: type)
        case "Conv3DTranspose", "Convolution3DTranspose", "Conv3D", "Convolution3D":
            if !misnamesConvolutions, KerasLayer.operation(of: className) == .forward {
                return try Conv3DTranspose(
                    config: config, generation: generation, objects: objects, policy: policy, kernels: kernels, kernelMode: kernelMode)
            }
            return try Conv3D(
                config: config, generation: generation, objects: objects, policy: policy, kernels: kernels, kernelMode: kernelMode)
        case "Sequential":
            // TensorFlow 1 wrote the list of layers alone.
            if let list = object["config"]?.array { config = ["layers": .array(list)] }
            return try Sequential(config: config, maker: self)
        case "Functional", "Model": return try Model(config: config, maker: self)
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
    /// - Returns: the ends of the graph, and all layers in the order of the config.
    func connect(_ config: JSONObject) throws -> (inputs: [SymbolicTensor], outputs: [SymbolicTensor], layers: [Layer]) {
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
        return (try ends("input_layers"), try ends("output_layers"), made)
    }
}
