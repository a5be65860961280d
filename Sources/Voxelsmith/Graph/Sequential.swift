import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors

/// Layers one after another.
///
/// The model is in graph mode and takes layers made in eager mode into its graph. Connected when the first layer knows its input
/// shape, else when the model is built.
public final class Sequential: Model {
    /// - Parameters:
    ///   - layers: in the order of computation; at least one.
    ///   - name: nil for an automatic one.
    /// - Throws: `LayerError.duplicateName` when two layers have the same name, `.noLayers` for none, `.layerOfAnotherGraph`
    ///   for layers made in different graphs; when the first layer knows its input shape, also as `build(inputShape:)`.
    public init(_ layers: [Layer], name: String? = nil) throws {
        var names: Set<String> = []
        for layer in layers where !names.insert(layer.name).inserted { throw LayerError.duplicateName(layer.name) }
        try super.init(layers: layers, name: name)
        if layers.isEmpty { throw LayerError.noLayers(model: self.name) }
        owner = owner ?? Self.graph(of: layers)
        // All or none.
        for layer in layers { try checkGraph(of: layer) }
        for layer in layers { adopt(layer) }
        isBuilt = layers.allSatisfy(\.isBuilt)
        if let shape = (layers.first as? Conv3D)?.batchInputShape { try connect(shape) }
    }

    /// The graph that the layers were made in; else one that another `Sequential` opened for them; else a new one.
    private static func graph(of layers: [Layer]) -> Graph {
        let graphs = layers.compactMap(\.owner)
        return graphs.first { !$0.isImplicit } ?? graphs.first ?? Graph(isImplicit: true)
    }

    /// A layer made in eager mode may be taken into the graph, and a model that opened a graph of its own.
    private func checkGraph(of layer: Layer) throws(LayerError) {
        guard let graph = layer.owner, graph !== owner else { return }
        if !graph.isImplicit || !layer.nodes.isEmpty { throw .layerOfAnotherGraph(layer: layer.name, model: name) }
    }

    private func adopt(_ layer: Layer) {
        // An eager layer may hold losses of calls that were made in eager mode.
        if layer.owner == nil { layer.forgetCall() }
        layer.owner = owner
    }

    /// Keras's `from_config` of a sequential model of any generation: unbuilt layers where no input shape is stated.
    /// - Parameters:
    ///   - config: what `getConfig()` of any generation gave.
    ///   - generation: which Keras wrote it, where that is known; detected otherwise.
    ///   - objects: the user's own layers, initializers, regularizers, constraints and activations.
    ///   - policy: which kernels may answer: rearranged ones too (`fast`), or plain sums only.
    ///   - kernels: where specialised kernels come from.
    ///   - kernelMode: whether the interpreter may stand in for a missing kernel, or must.
    /// - Throws: `KerasConfigError` for what is no such config or has layers of unknown classes, and what the layers throw.
    public convenience init(
        config: JSONObject, generation: KerasGeneration? = nil, objects: CustomObjects = .shared, policy: Policy = .fast,
        kernels: any KernelProvider = KernelRegistry.shared, kernelMode: KernelMode = .auto
    ) throws {
        let maker = ModelMaker(
            generation: generation ?? KerasGeneration(detectedIn: .object(config)), objects: objects, policy: policy, kernels: kernels,
            kernelMode: kernelMode)
        try self.init(maker.graph("Sequential", config), config: config, maker: maker)
    }

    convenience init(_ graph: ModelGraph, config: JSONObject, maker: ModelMaker) throws {
        var layers = try withGraph(Graph(isImplicit: true)) { try maker.layers(graph) }
        let input = layers.first as? InputLayer
        if input != nil { layers.removeFirst() }
        try self.init(layers, name: graph.name)
        let stated = try ModelMaker.shape(graph.statedInputShape) ?? ModelMaker.shape(graph.layers.first?.object["config"]?.object?["batch_input_shape"])
        if plan == nil, let shape = input?.batchShape ?? stated { try connect(shape, inputName: input?.name) }
        if config["trainable"] == false { trainable = false }
    }

    /// Builds every layer that is not built, each for the shape it will receive, and connects them.
    public override func build(inputShape: [Int]) throws {
        if isBuilt { throw LayerError.alreadyBuilt(layer: name) }
        try connect([nil] + inputShape.dropFirst().map { $0 })
    }

    public override func build(inputShapes: [[Int]]) throws {
        guard inputShapes.count == 1 else { throw LayerError.inputCount(layer: name, received: inputShapes.count, expected: 1) }
        try build(inputShape: inputShapes[0])
    }

    override func buildSymbolically(_ shapes: [[Int?]]) throws {
        guard let shape = shapes.first, shapes.count == 1 else { throw LayerError.inputCount(layer: name, received: shapes.count, expected: 1) }
        try connect(shape)
    }

    func connect(_ batchShape: [Int?], inputName: String? = nil) throws {
        let input = InputLayer(batchShape: batchShape, name: inputName, dtype: dtype)
        // The layers of a model inside of another stay in the graph of that model.
        input.owner = layers.first?.owner ?? owner
        let x = input.output(node: 0, tensor: 0)
        let y = try layers.reduce(x) { try $1($0) }
        plan = try Plan(inputs: [x], outputs: [y], model: name)
        _ = usedScope()
        isBuilt = true
    }

    // A chain needs no connections, and takes any shape its layers take.

    public override func call(_ x: Tensor, threads: Int) throws -> Tensor {
        // Losses follow the connections.
        if let plan, LossEvaluation(of: layers + [self], known: plan.tensors) != nil { return try super.call([x], threads: threads)[0] }
        return try layers.reduce(x) { try $1.computed($0, threads: threads) }
    }

    /// Prepares every layer for the shape it will receive.
    public override func prepare(inputShape: [Int]) throws {
        if !isBuilt { try build(inputShape: inputShape) }
        var shape = inputShape
        for layer in layers {
            try layer.prepare(inputShape: shape)
            shape = try layer.computeOutputShape(shape)
        }
    }

    public override func computeOutputShape(_ inputShape: [Int?]) throws -> [Int?] {
        try layers.reduce(inputShape) { try $1.computeOutputShape($0) }
    }

    public override func computeOutputShape(_ inputShape: [Int]) throws -> [Int] {
        try layers.reduce(inputShape) { try $1.computeOutputShape($0) }
    }

    override func resultType(_ index: Int) -> ElementType { layers.last?.resultType(0) ?? dtype }

    public override func computeOutputShapes(_ inputShapes: [[Int?]]) throws -> [[Int?]] {
        guard let shape = inputShapes.first, inputShapes.count == 1 else {
            throw LayerError.inputCount(layer: name, received: inputShapes.count, expected: 1)
        }
        return [try computeOutputShape(shape)]
    }

    public override func call(_ xs: [Tensor], threads: Int) throws -> [Tensor] {
        guard let x = xs.first, xs.count == 1 else { throw LayerError.inputCount(layer: name, received: xs.count, expected: 1) }
        return [try call(x, threads: threads)]
    }

    /// Keras 3's `get_config`: the input layer, where the input shape is known, and the layers.
    /// - Throws: what the layers' `getConfig()` throws.
    public override func getConfig() throws -> JSONObject { try sequentialConfig() }

    /// A model of copies of the layers.
    public override func makeCopy() throws -> Layer {
        let result = try Sequential(layers.map { try $0.copy() }, name: name)
        // The copy is connected where this model is.
        if result.plan == nil, let input = inputs.first { try result.connect(input.shape) }
        return result
    }
}
