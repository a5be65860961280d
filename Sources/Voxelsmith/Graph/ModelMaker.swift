import Logging
import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec

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
    guard let object = document.object, object["class_name"] != nil || ModelGraph.isModel(object) else {
        throw KerasConfigError.unknownDocument(received: document.excerpt)
    }
    let root = try ModelLayer(object)
    let version = kerasVersion ?? object["keras_version"]?.string
    let evidence = GenerationEvidence(in: document, kerasVersion: version)
    if let warning = evidence.warning { logger.warning("\("\(warning)" as Sentence)") }
    var maker = ModelMaker(
        generation: evidence.generation, objects: objects, policy: policy, kernels: kernels, kernelMode: kernelMode)
    if let version, root.model != nil, ForwardConvolution.isMeant(inVersion: version) {
        maker.misnamesConvolutions = true
        logger.warning("\(ForwardConvolution.warning(version: version) as Sentence)")
    }
    let layer = try maker.layer(root)
    if let model = layer as? Model {
        model.source = ModelSource(document, kerasVersion: version, generation: evidence.generation, of: model)
    }
    return layer
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

    /// A shape of a config; nil for null or absence.
    static func shape(_ json: JSONValue?) throws -> [Int?]? {
        guard let list = json?.array else { return nil }
        return try list.map { extent in
            if extent.isNull { return nil }
            guard let value = extent.integer, value > 0 else { throw KerasConfigError.inputShape(json?.excerpt ?? "null") }
            return value
        }
    }

    /// The graph of a model's bare config, with nothing missing in it.
    /// - Throws: as `layer(_:)`.
    func graph(_ className: String, _ config: JSONObject) throws -> ModelGraph {
        let root = try ModelLayer(["class_name": .string(className), "config": .object(config)])
        guard let graph = root.model else { throw KerasConfigError.unsupportedClass(className) }
        try check(root)
        return graph
    }

    private func check(_ root: ModelLayer) throws {
        guard let graph = root.model else { return }
        let missing = missing(in: root, path: "", isTraining: false)
        if !missing.isEmpty { throw KerasConfigError.missingLayers(model: graph.name ?? "sequential", missing) }
    }

    /// The layer of an entry.
    /// - Throws: `KerasConfigError.unsupportedClass`, for models `.missingLayers`, when a class is neither known nor registered.
    func layer(_ entry: ModelLayer) throws -> Layer {
        try check(entry)
        return try make(entry)
    }

    /// The layers that cannot be made: those inside of an entry, or the entry itself.
    private func missing(in entry: ModelLayer, path: String, isTraining: Bool) -> [OtherLayer] {
        if entry.isInput || objects.makesLayer(entry.object) { return [] }
        if let graph = entry.model, ModelGraph.classNames.contains(entry.className) {
            return graph.layers.flatMap { inner in
                let prefix = path.isEmpty ? "" : path + "/"
                return missing(
                    in: inner, path: prefix + (inner.name ?? inner.className), isTraining: isTraining || inner.calls.contains(where: \.isTraining))
            }
        }
        if let part = entry.wrapped {
            return missing(in: part, path: (path.isEmpty ? entry.name ?? entry.className : path) + "/" + (part.name ?? part.className), isTraining: isTraining)
        }
        let other = OtherLayer(path: path.isEmpty ? entry.name ?? entry.className : path, className: entry.className)
        if ElementwiseLayer.isCustom(entry.object) { return [other] }
        if KerasLayer.classNames.contains(entry.className) { return [] }
        if isTraining, LayerTable.differsInTraining(entry.object) {
            return [OtherLayer(path: other.path, className: other.className, isCalledInTraining: true)]
        }
        if LayerTable.hasRule(entry.object) { return [] }
        if LayerTable.isOperation(entry.object) { return [other] }
        return ActivationLayer.isKnown(entry.object, generation: generation, objects: objects) ? [] : [other]
    }

    private func make(_ entry: ModelLayer) throws -> Layer {
        let context = ConfigContext(generation: generation, objects: objects, policy: policy, kernels: kernels, kernelMode: kernelMode)
        if let layer = try ConfigContext.$current.withValue(context, operation: { try objects.layer(entry.object) }) { return layer }
        let config = entry.object["config"]?.object ?? [:]
        if let graph = entry.model, ModelGraph.classNames.contains(entry.className) {
            return graph.kind == .chain ? try Sequential(graph, config: config, maker: self) : try Model(graph, config: config, maker: self)
        }
        switch entry.className {
        case "InputLayer":
            guard let shape = try Self.shape(config["batch_shape"] ?? config["batch_input_shape"]) else {
                throw KerasConfigError.missingKey("batch_shape", className: entry.className)
            }
            let type = try DTypePolicy(json: config["dtype"])?.elementType ?? .float32
            return InputLayer(batchShape: shape, name: config["name"]?.string, dtype: type)
        case let className where KerasLayer.classNames.contains(className) && !ElementwiseLayer.isCustom(entry.object):
            if !misnamesConvolutions, KerasLayer.kind(of: className) == .transposed {
                return try Conv3DTranspose(
                    config: config, generation: generation, objects: objects, policy: policy, kernels: kernels, kernelMode: kernelMode)
            }
            return try Conv3D(
                config: config, generation: generation, objects: objects, policy: policy, kernels: kernels, kernelMode: kernelMode)
        default:
            if let wrapped = entry.wrapped { return try TimeDistributedLayer(config, wrapping: make(wrapped)) }
            if let layer = try DefinedLayer(entry, generation: generation, objects: objects) { return layer }
            if let layer = try ActivationLayer(entry.object, generation: generation, objects: objects) { return layer }
            throw KerasConfigError.unsupportedClass(entry.className)
        }
    }

    func layers(_ graph: ModelGraph) throws -> [Layer] { try graph.layers.map(make) }

    /// Makes the layers and their calls.
    /// - Returns: the ends of the graph, and all layers in the order of the config.
    func connect(_ graph: ModelGraph) throws -> (inputs: [SymbolicTensor], outputs: [SymbolicTensor], layers: [Layer]) {
        let made = try layers(graph)
        // Nested models are called in this graph, not in their own.
        for layer in made { layer.owner = Graph.current }
        func title(_ index: Int) -> String { "layer \"\(graph.layers[index].name ?? "")\"" }
        func broken(_ reason: String) -> KerasConfigError { .brokenGraph(model: graph.name ?? "model", reason: reason) }
        func tensor(_ source: ModelGraph.Source) throws -> SymbolicTensor {
            let layer = made[source.layer]
            guard layer.nodes.indices.contains(source.call), layer.nodes[source.call].outputShapes.indices.contains(source.result) else {
                throw broken("uses result \(source.result) of call \(source.call) of \(title(source.layer)), which there is not")
            }
            return layer.output(node: source.call, tensor: source.result)
        }
        for (index, layer) in graph.layers.enumerated() where LayerTable.isOperation(layer.object) {
            // The numbers among the operands are the operation's own.
            let first = layer.calls.first
            if layer.calls.contains(where: { $0.arguments != first?.arguments || $0.keywords != first?.keywords }) {
                throw broken("calls the operation \(title(index)) with other numbers than before")
            }
        }
        for (index, layer) in graph.layers.enumerated() where !objects.makesLayer(layer.object) {
            do { try LayerTable.checkTensorsByName(layer) } catch { throw KerasConfigError.inLayer(layer.name ?? title(index), error) }
        }
        for step in graph.order {
            let inputs = try graph.layers[step.layer].calls[step.call].inputs.map(tensor)
            if inputs.isEmpty { throw broken("calls \(title(step.layer)) on no tensor") }
            _ = try made[step.layer](inputs)
        }
        return (try graph.inputs.map { try tensor($0.source) }, try graph.outputs.map { try tensor($0.source) }, made)
    }
}
