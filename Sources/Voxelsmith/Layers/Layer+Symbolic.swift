/// Calls on symbolic tensors, and what they leave behind.
extension Layer {
    /// The graph the layer was made in.
    /// - Throws: `LayerError.eagerMode` in eager mode.
    public var graph: Graph {
        get throws(LayerError) {
            guard let owner else { throw .eagerMode(layer: name, member: "graph") }
            return owner
        }
    }

    /// Calls the layer on a symbolic tensor: builds it if it is not built, and makes a node.
    /// - Throws: `LayerError.symbolicInEagerMode` for an eager layer, `.differentGraphs`, and as a call on a tensor of that shape.
    public func callAsFunction(_ x: SymbolicTensor) throws -> SymbolicTensor {
        let results = try self([x])
        if results.count != 1 { throw LayerError.severalTensors(layer: name, member: "output", count: results.count) }
        return results[0]
    }

    /// As a call on one symbolic tensor.
    public func callAsFunction(_ xs: [SymbolicTensor]) throws -> [SymbolicTensor] {
        let ys = try connected(xs)
        noteSymbolicCall(xs, ys)
        return ys
    }

    /// A node of these inputs; builds the layer when it is not built.
    func connected(_ xs: [SymbolicTensor]) throws -> [SymbolicTensor] {
        guard let owner else { throw LayerError.symbolicInEagerMode(layer: name) }
        for x in xs {
            if x.graph !== owner { throw LayerError.differentGraphs(layer: name) }
        }
        if !isBuilt { try buildSymbolically(xs.map(\.shape)) }
        let shapes = try computeOutputShapes(xs.map(\.shape))
        _ = usedScope()
        nodes.append(Node(inputs: xs, outputShapes: shapes))
        return shapes.indices.map { output(node: nodes.count - 1, tensor: $0) }
    }

    func output(node: Int, tensor: Int) -> SymbolicTensor {
        SymbolicTensor(layer: self, nodeIndex: node, tensorIndex: tensor, shape: nodes[node].outputShapes[tensor], dtype: resultType(tensor))
    }

    func outputs(_ node: Int) -> [SymbolicTensor] { nodes[node].outputShapes.indices.map { output(node: node, tensor: $0) } }

    /// The inputs of an input layer are its outputs.
    private func inputs(_ node: Int) -> [SymbolicTensor] { nodes[node].hasInbound ? nodes[node].inputs : outputs(node) }

    /// The index of the only node.
    private func onlyNode(_ member: String) throws(LayerError) -> Int {
        if owner == nil { throw .eagerMode(layer: name, member: member) }
        if nodes.isEmpty { throw .notConnected(layer: name, member: member) }
        if nodes.count > 1 { throw .severalNodes(layer: name, member: member, count: nodes.count) }
        return 0
    }

    /// An index that may be counted from the end.
    private func node(at index: Int, _ what: String) throws(LayerError) -> Int {
        if owner == nil { throw .eagerMode(layer: name, member: what) }
        if nodes.isEmpty { throw .neverCalled(layer: name, what: what) }
        let result = index < 0 ? index + nodes.count : index
        if !nodes.indices.contains(result) { throw .nodeIndex(layer: name, what: what, received: index, count: nodes.count) }
        return result
    }

    func only<Element>(_ list: [Element], _ member: String) throws(LayerError) -> Element {
        if list.count != 1 { throw .severalTensors(layer: name, member: member, count: list.count) }
        return list[0]
    }

    /// The input of the only call.
    /// - Throws: `LayerError.eagerMode`; `.notConnected` without a call, `.severalNodes` with several, `.severalTensors` when it had
    ///   several inputs. So do `output`, `inputMask` and `outputMask`.
    public var input: SymbolicTensor { get throws(LayerError) { try only(inputs(onlyNode("input")), "input") } }

    /// The result of the only call.
    public var output: SymbolicTensor { get throws(LayerError) { try only(outputs(onlyNode("output")), "output") } }

    /// The mask of the input of the only call; nil when it had none.
    public var inputMask: SymbolicTensor? { get throws(LayerError) { try only(inputs(onlyNode("input mask")), "input mask").mask } }

    /// The mask of the result of the only call: nil, because layers drop masks.
    public var outputMask: SymbolicTensor? { get throws(LayerError) { try only(outputs(onlyNode("output mask")), "output mask").mask } }

    /// The shape of the input of all calls.
    /// - Throws: `LayerError.eagerMode`; `.notConnected` without a call, `.severalNodes` when calls disagree. So does `outputShape`.
    public var inputShape: [Int?] { get throws(LayerError) { try commonShape("input shape") { inputs($0) } } }

    /// The shape of the result of all calls.
    public var outputShape: [Int?] { get throws(LayerError) { try commonShape("output shape") { outputs($0) } } }

    private func commonShape(_ member: String, _ tensors: (Int) -> [SymbolicTensor]) throws(LayerError) -> [Int?] {
        if owner == nil { throw .eagerMode(layer: name, member: member) }
        if nodes.isEmpty { throw .notConnected(layer: name, member: member) }
        let shapes = nodes.indices.map { tensors($0).map(\.shape) }
        if !shapes.allSatisfy({ $0 == shapes[0] }) { throw .severalNodes(layer: name, member: member, count: nodes.count) }
        return try only(shapes[0], member)
    }

    /// The input of a call.
    /// - Parameter index: of the call, from 0; negative from the end.
    /// - Throws: `LayerError.eagerMode`, `.neverCalled`, `.nodeIndex`, `.severalTensors`. So do all of the following.
    public func getInput(at index: Int) throws(LayerError) -> SymbolicTensor { try only(inputs(node(at: index, "input")), "input") }

    /// All inputs of a call.
    public func getInputs(at index: Int) throws(LayerError) -> [SymbolicTensor] { try inputs(node(at: index, "input")) }

    /// The result of a call.
    public func getOutput(at index: Int) throws(LayerError) -> SymbolicTensor { try only(outputs(node(at: index, "output")), "output") }

    /// All results of a call.
    public func getOutputs(at index: Int) throws(LayerError) -> [SymbolicTensor] { try outputs(node(at: index, "output")) }

    /// The shape of the input of a call.
    public func getInputShape(at index: Int) throws(LayerError) -> [Int?] {
        try only(inputs(node(at: index, "input shape")), "input shape").shape
    }

    /// The shape of the result of a call.
    public func getOutputShape(at index: Int) throws(LayerError) -> [Int?] {
        try only(outputs(node(at: index, "output shape")), "output shape").shape
    }

    /// The mask of the input of a call; nil when it had none.
    public func getInputMask(at index: Int) throws(LayerError) -> SymbolicTensor? { try only(inputs(node(at: index, "input")), "input").mask }

    /// The mask of the result of a call: nil, because layers drop masks.
    public func getOutputMask(at index: Int) throws(LayerError) -> SymbolicTensor? { try only(outputs(node(at: index, "output")), "output").mask }
}
