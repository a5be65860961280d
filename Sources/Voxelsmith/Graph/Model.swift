import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors

/// Layers connected by calls on symbolic tensors, as one layer.
///
///     let model = try withGraph {
///         let x = try Input(shape: [16, 16, 16, 4])
///         let up = try Conv3DTranspose(filters: 4, kernelSize: 3, padding: .same)
///         return try Model(inputs: [x], outputs: [up(up(x))])
///     }
open class Model: Layer {
    /// Every layer once, in Keras's order: those farthest from the outputs first. A model read from a config keeps its order.
    public internal(set) var layers: [Layer]
    var plan: Plan?
    /// Of a model read from a config with dictionaries of inputs or outputs: their keys; nil for those without one.
    var inputKeys: [String?] = []
    var outputKeys: [String?] = []
    /// What the model was made of, where that was a document.
    package var source: ModelSource?

    /// How the outputs follow from the inputs.
    struct Plan {
        let inputs: [SymbolicTensor]
        let outputs: [SymbolicTensor]
        /// The calls to make, in an order in which everything is known when it is needed.
        let steps: [(layer: Layer, node: Int)]
        /// Of each layer, the calls among the steps.
        let nodes: [ObjectIdentifier: [Int]]
        /// Everything that is known after the steps.
        let tensors: Set<SymbolicTensor>

        /// - Throws: `LayerError.disconnected` when an output needs an input that is not among the inputs.
        init(inputs: [SymbolicTensor], outputs: [SymbolicTensor], model: String) throws(LayerError) {
            var known = Set(inputs)
            let calls = try SymbolicTensor.postorder(from: outputs) { tensor throws(LayerError) -> [SymbolicTensor]? in
                if known.contains(tensor) { return nil }
                let node = tensor.layer.nodes[tensor.nodeIndex]
                if !node.hasInbound { throw .disconnected(model: model, input: tensor.layer.name) }
                for index in node.outputShapes.indices { known.insert(tensor.layer.output(node: tensor.nodeIndex, tensor: index)) }
                return node.inputs
            }
            steps = calls.map { ($0.tensor.layer, $0.tensor.nodeIndex) }
            nodes = Dictionary(grouping: steps) { ObjectIdentifier($0.layer) }.mapValues { $0.map(\.node) }
            (self.inputs, self.outputs, tensors) = (inputs, outputs, known)
        }

        /// Carries values of any kind from the inputs to the outputs; each is dropped after its last use.
        /// - Parameter note: is told of every value when it is there.
        func run<Value>(
            _ values: [Value], model: String, note: (SymbolicTensor, Value) throws -> Void = { _, _ in },
            _ step: (Layer, [Value]) throws -> [Value]
        ) throws -> [Value] {
            if values.count != inputs.count { throw LayerError.inputCount(layer: model, received: values.count, expected: inputs.count) }
            var uses: [SymbolicTensor: Int] = [:]
            for tensor in steps.flatMap({ $0.layer.nodes[$0.node].inputs }) + outputs { uses[tensor, default: 0] += 1 }
            var present = Dictionary(uniqueKeysWithValues: zip(inputs, values))
            for (tensor, value) in zip(inputs, values) { try note(tensor, value) }
            func take(_ tensor: SymbolicTensor) throws -> Value {
                guard let value = present[tensor] else { throw LayerError.disconnected(model: model, input: tensor.layer.name) }
                uses[tensor, default: 1] -= 1
                if uses[tensor] == 0 { present[tensor] = nil }
                return value
            }
            for (layer, node) in steps {
                let results = try step(layer, layer.nodes[node].inputs.map(take))
                for (index, result) in results.enumerated() {
                    let tensor = layer.output(node: node, tensor: index)
                    try note(tensor, result)
                    if uses[tensor] != nil { present[tensor] = result }
                }
            }
            return try outputs.map(take)
        }
    }

    /// A model of the calls that lead from inputs to outputs. Layers called several times share their weights.
    /// - Throws: `LayerError.noLayers` without outputs, `.duplicateName` for an input given twice or two layers of a name,
    ///   `.disconnected` for an output that depends on something else.
    public init(inputs: [SymbolicTensor], outputs: [SymbolicTensor], name: String? = nil) throws {
        let name = name ?? UniqueNames.shared.next(for: Self.self)
        guard let first = inputs.first, !outputs.isEmpty else { throw LayerError.noLayers(model: name) }
        var seen: Set<SymbolicTensor> = []
        for input in inputs where !seen.insert(input).inserted { throw LayerError.duplicateName(input.layer.name) }
        let plan = try Plan(inputs: inputs, outputs: outputs, model: name)
        layers = try Self.distinct(plan.layersByDepth())
        self.plan = plan
        super.init(name: name, dtype: first.dtype)
        owner = first.graph
        isBuilt = layers.allSatisfy(\.isBuilt)
    }

    /// Keras's `from_config` of a functional model, of Keras 2 and 3: unbuilt layers of a graph of their own, connected.
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
        if config["input_layers"]?.isNull ?? true { throw KerasConfigError.missingKey("input_layers", className: "Functional") }
        try self.init(maker.graph("Functional", config), config: config, maker: maker)
    }

    convenience init(_ graph: ModelGraph, config: JSONObject, maker: ModelMaker) throws {
        let (inputs, outputs, order) = try withGraph(Graph(isImplicit: true)) { try maker.connect(graph) }
        try self.init(inputs: inputs, outputs: outputs, name: graph.name)
        let used = Set(layers.map(ObjectIdentifier.init))
        layers = order.filter { used.contains(ObjectIdentifier($0)) }
        (inputKeys, outputKeys) = (graph.inputs.map(\.key), graph.outputs.map(\.key))
        if config["trainable"] == false { trainable = false }
    }

    /// A model whose connections are not known yet.
    init(layers: [Layer], name: String?) throws {
        self.layers = layers
        super.init(name: name, dtype: layers.first?.dtype ?? .float32)
    }

    /// - Throws: `LayerError.duplicateName` when two layers have the same name.
    private static func distinct(_ layers: [Layer]) throws(LayerError) -> [Layer] {
        var result: [Layer] = []
        var (seen, names): (Set<ObjectIdentifier>, Set<String>) = ([], [])
        for layer in layers where seen.insert(ObjectIdentifier(layer)).inserted {
            if !names.insert(layer.name).inserted { throw .duplicateName(layer.name) }
            result.append(layer)
        }
        return result
    }

    override var sublayers: [Layer] { layers }

    /// What configs and weight files call a model of tensors.
    open override var className: String { type(of: self) == Model.self ? "Functional" : super.className }

    override var castsInputs: Bool { false }

    override func resultType(_ index: Int) -> ElementType {
        outputs.indices.contains(index) ? outputs[index].dtype : super.resultType(index)
    }

    /// Notices that all layers have been given weights.
    package func noteBuiltLayers() { isBuilt = isBuilt || layers.allSatisfy(\.isBuilt) }

    /// The losses of the copy depend on its own tensors.
    open override func copyState(to other: Layer) throws {
        try super.copyState(to: other)
        guard let other = other as? Model else { return }
        other.source = source
        let tensors = tensors(in: other)
        for layer in other.layers + [other] { layer.moveLosses(to: tensors) }
    }

    /// What stands for the tensors of this model in a copy, which was connected in the same order; none where either is not connected.
    private func tensors(in copy: Model) -> [SymbolicTensor: SymbolicTensor] {
        guard let plan, let other = copy.plan, plan.inputs.count == other.inputs.count, plan.steps.count == other.steps.count else { return [:] }
        var result: [SymbolicTensor: SymbolicTensor] = [:]
        for (tensor, copied) in zip(plan.inputs, other.inputs) { result[tensor] = copied }
        for (step, copied) in zip(plan.steps, other.steps) {
            for index in step.layer.nodes[step.node].outputShapes.indices {
                result[step.layer.output(node: step.node, tensor: index)] = copied.layer.output(node: copied.node, tensor: index)
            }
        }
        return result
    }

    /// What the model is computed from; none before a `Sequential` without an input shape is built.
    public var inputs: [SymbolicTensor] { plan?.inputs ?? [] }
    /// What it computes.
    public var outputs: [SymbolicTensor] { plan?.outputs ?? [] }

    /// What the inputs are called, in the order in which a call takes them: their keys where the model was read from a config with a
    /// dictionary of them (keys of dictionaries in each other with "/" between), else the names of their layers.
    public var inputNames: [String] { inputs.enumerated().map { key(inputKeys, $0) ?? $1.layer.name } }
    /// As `inputNames`, for the results.
    public var outputNames: [String] { outputs.enumerated().map { key(outputKeys, $0) ?? $1.layer.name } }

    /// Whether the outputs are a dictionary.
    package var hasNamedOutputs: Bool { outputKeys.contains { $0 != nil } }

    private func key(_ keys: [String?], _ index: Int) -> String? { keys.indices.contains(index) ? keys[index] : nil }

    private func connected() throws(LayerError) -> Plan {
        guard let plan else { throw .notBuilt(layer: name, method: "call") }
        return plan
    }

    public override func call(_ xs: [Tensor], threads: Int) throws -> [Tensor] {
        let plan = try connected()
        guard let losses = LossEvaluation(of: layers + [self], known: plan.tensors) else {
            return try plan.run(xs, model: name) { try $0.computed($1, threads: threads) }
        }
        return try plan.run(xs, model: name, note: losses.note) { try $0.computed($1, threads: threads) }
    }

    override var notesValues: Bool { true }

    /// Also drops the numbers that the call before has given to losses of the model's tensors. Where the model itself made the calls on
    /// symbolic tensors, the penalties on results are made anew, with the present regularizers.
    override func forgetCall() {
        super.forgetCall()
        guard let plan else { return }
        if owner?.isImplicit ?? false { for (layer, node) in plan.steps { layer.renewActivityLosses(node: node) } }
        for layer in layers + [self] {
            for index in layer.keptLosses.indices where plan.tensors.isSuperset(of: layer.keptLosses[index].tensors(in: layer)) {
                layer.keptLosses[index].values = []
            }
        }
    }

    open override func call(_ x: Tensor, threads: Int) throws -> Tensor {
        let results = try call([x], threads: threads)
        if results.count != 1 { throw LayerError.severalTensors(layer: name, member: "output", count: results.count) }
        return results[0]
    }

    /// Prepares every layer for the shape it will receive.
    open override func prepare(inputShape: [Int]) throws {
        try super.prepare(inputShape: inputShape)
        _ = try connected().run([inputShape], model: name) { layer, shapes in
            if shapes.count == 1 { try layer.prepare(inputShape: shapes[0]) }
            return try layer.knownOutputShapes(shapes)
        }
    }

    /// Carries values of any kind through the model, with `step` in the place of the calls of layers; models inside are walked through.
    /// - Parameter entering: whether a model inside is walked through, and is no step itself.
    package func trace<Value>(
        _ values: [Value], entering: (Model) -> Bool = { _ in true }, _ step: (Layer, [Value]) throws -> [Value]
    ) throws -> [Value] {
        func visit(_ layer: Layer, _ values: [Value]) throws -> [Value] {
            if let model = layer as? Model, entering(model) { return try model.trace(values, entering: entering, step) }
            return try step(layer, values)
        }
        // A chain needs no connections.
        if self is Sequential { return try layers.reduce(values) { try visit($1, $0) } }
        return try connected().run(values, model: name, visit)
    }

    /// Its convolutions, those of models and wrappers inside of it included, each once.
    package var convolutions: [Conv3D] {
        var result: [Conv3D] = []
        var seen: Set<ObjectIdentifier> = []
        for layer in layers {
            var inner = layer
            while let wrapped = inner.wrapped { inner = wrapped }
            for found in (inner as? Model)?.convolutions ?? [inner as? Conv3D].compactMap(\.self) where seen.insert(ObjectIdentifier(found)).inserted {
                result.append(found)
            }
        }
        return result
    }

    public override func computeOutputShapes(_ inputShapes: [[Int?]]) throws -> [[Int?]] {
        try connected().run(inputShapes, model: name) { try $0.computeOutputShapes($1) }
    }

    open override func computeOutputShape(_ inputShape: [Int?]) throws -> [Int?] {
        let shapes = try computeOutputShapes([inputShape])
        if shapes.count != 1 { throw LayerError.severalTensors(layer: name, member: "output shape", count: shapes.count) }
        return shapes[0]
    }

    open override func computeOutputShape(_ inputShape: [Int]) throws -> [Int] {
        let shape: [Int?] = try computeOutputShape(inputShape.map { Int?.some($0) })
        return shape.map { $0 ?? 0 }
    }

    /// The variables of all layers, in their order.
    open override var weights: [Variable] { layers.flatMap(\.weights) }
    open override var trainableWeights: [Variable] { trainable ? layers.flatMap(\.trainableWeights) : [] }
    open override var nonTrainableWeights: [Variable] { trainable ? layers.flatMap(\.nonTrainableWeights) : weights }

    /// The losses of all layers, in their order, and the model's own: those of other calls of its layers than the model's are left out.
    /// After a call on values, and after `predict`, they have numbers.
    open override var losses: [Loss] {
        get throws {
            try layers.flatMap { layer in
                try layer.losses.filter { layer is Model || plan?.tensors.isSuperset(of: $0.tensors) ?? true }
            } + ownLosses()
        }
    }

    /// The model as a function that any task may call: what `preparedModel(inputShapes:)` computes with.
    open override func preparedCall(inputShapes: [[Int]]) throws -> PreparedCall {
        if !isBuilt { try build(inputShapes: inputShapes) }
        let program = try program(inputShapes: inputShapes, isWalked: true)
        return { xs, threads in try program.run(xs, threads: threads) }
    }

    /// Replaces all weights.
    /// - Parameter weights: in the order and shapes of `getWeights()`; other element types are cast.
    /// - Throws: `LayerError` when the count or a shape differs; then nothing has changed.
    open override func setWeights(_ weights: [Tensor]) throws {
        try checkWeights(weights)
        var start = 0
        for layer in layers {
            let count = layer.weights.count
            try layer.setWeights(Array(weights[start..<start + count]))
            start += count
        }
    }

    /// Keras 3's `get_config`: the layers, and which calls connect them.
    /// - Throws: what the layers' `getConfig()` throws.
    open override func getConfig() throws -> JSONObject { try functionalConfig() }

    /// A model of copies of the layers, connected alike.
    open override func makeCopy() throws -> Layer {
        guard type(of: self) == Model.self, let plan else { return try super.makeCopy() }
        var copies: [ObjectIdentifier: Layer] = [:]
        var tensors: [SymbolicTensor: SymbolicTensor] = [:]
        for input in plan.inputs {
            let layer = InputLayer(batchShape: input.shape, name: input.layer is InputLayer ? input.layer.name : nil, dtype: input.dtype)
            layer.owner = owner
            tensors[input] = layer.output(node: 0, tensor: 0)
        }
        for (layer, node) in plan.steps {
            let copy = try copies[ObjectIdentifier(layer)] ?? layer.copy()
            copies[ObjectIdentifier(layer)] = copy
            copy.owner = owner
            let results = try copy(layer.nodes[node].inputs.compactMap { tensors[$0] })
            for (index, result) in results.enumerated() { tensors[layer.output(node: node, tensor: index)] = result }
        }
        let result = try Model(
            inputs: plan.inputs.compactMap { tensors[$0] }, outputs: plan.outputs.compactMap { tensors[$0] }, name: name)
        (result.inputKeys, result.outputKeys) = (inputKeys, outputKeys)
        // A config may have another order than the calls; weight files count layers in this one.
        let places = Dictionary(uniqueKeysWithValues: layers.enumerated().map { ($1.name, $0) })
        let ordered = result.layers.enumerated().sorted { left, right in
            (places[left.element.name] ?? -1, left.offset) < (places[right.element.name] ?? -1, right.offset)
        }
        result.layers = ordered.map(\.element)
        return result
    }
}
