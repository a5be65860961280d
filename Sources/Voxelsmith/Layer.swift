import KerasConfig
import KernelRuntime
import LayerSpec
import Tensors

/// The base of all layers: name, element type, variables, losses, and the calls on symbolic tensors (see `Graph`).
///
/// A layer belongs to one task at a time; what it prepares (`PreparedLayer`) may be called from anywhere.
open class Layer {
    /// Unique within a model.
    public let name: String
    /// Element type of the variables.
    public let dtype: ElementType
    /// Element type that inputs are cast to and results have, Keras's `compute_dtype`. Here: that of the variables.
    open var computeType: ElementType { dtype }
    /// Name of the class in configs and weight files; the name of the type unless stated otherwise.
    open var className: String { "\(type(of: self))" }
    /// What stands before ">" in the registered name of a class that is not Keras's.
    open var registeredPackage: String { "Custom" }
    /// Whether an optimizer may change the weights. Setting it sets it for the layers of a model too.
    public var trainable: Bool {
        didSet { for layer in sublayers { layer.trainable = trainable } }
    }
    /// The penalty on the results of each call.
    public var activityRegularizer: (any Regularizer)?
    /// Whether the weights exist.
    public internal(set) var isBuilt = false

    /// The graph of the layer; nil in eager mode.
    var owner: Graph?
    /// In order of creation.
    var ownVariables: [Variable] = []
    private var scope: String?
    /// What a model is made of.
    var sublayers: [Layer] { [] }
    var nodes: [Node] = []
    /// What `addLoss` and `addUpdate` were given, with the inputs they depend on; none for unconditional ones.
    private var addedLosses: [(loss: Loss, inputs: [SymbolicTensor])] = []
    private var addedUpdates: [(update: Update, inputs: [SymbolicTensor])] = []
    /// Of the latest call of an eager layer.
    private var activityLosses: [Loss] = []

    /// Inside `withGraph` the layer is in graph mode, outside in eager mode.
    /// - Parameters:
    ///   - name: nil for an automatic one: the class name in snake case, numbered from the second layer on.
    ///   - dtype: element type.
    ///   - trainable: whether an optimizer may change the weights.
    public init(name: String? = nil, dtype: ElementType = .float32, trainable: Bool = true) {
        self.name = name ?? UniqueNames.shared.next(forClass: "\(Self.self)")
        self.dtype = dtype
        self.trainable = trainable
        owner = Graph.current
    }

    /// Creates the weights for inputs of this shape. Overrides call super at their end.
    /// - Parameter inputShape: with the batch extent, whose value does not matter.
    /// - Throws: `LayerError.alreadyBuilt` on a second call; overrides also for shapes they cannot take.
    open func build(inputShape: [Int]) throws {
        if isBuilt { throw LayerError.alreadyBuilt(layer: name) }
        _ = usedScope()
        isBuilt = true
    }

    /// Creates the weights of a layer of several inputs. Here: none for several, and those of `build(inputShape:)` for one.
    /// - Throws: as `build(inputShape:)`.
    open func build(inputShapes: [[Int]]) throws {
        if inputShapes.count == 1 { return try build(inputShape: inputShapes[0]) }
        if isBuilt { throw LayerError.alreadyBuilt(layer: name) }
        _ = usedScope()
        isBuilt = true
    }

    /// The forward pass of a built layer, without what a call does besides. Overridden by layers of one input.
    open func call(_ x: Tensor, threads: Int) throws -> Tensor { throw LayerError.noForwardPass(layer: name) }

    /// The forward pass of a built layer with any number of inputs and results. Overridden by layers of several.
    open func call(_ xs: [Tensor], threads: Int) throws -> [Tensor] {
        guard let x = xs.first, xs.count == 1 else { throw LayerError.inputCount(layer: name, received: xs.count, expected: 1) }
        return [try call(x, threads: threads)]
    }

    /// Whether a call casts its inputs to `computeType`; models leave that to their layers.
    var castsInputs: Bool { true }

    /// Computes the layer; builds it at the first call. Makes no node, in graph mode too. The input is cast to `computeType`.
    /// - Parameters:
    ///   - x: the tensor.
    ///   - threads: threads to use; the result is bitwise the same for any number.
    public func callAsFunction(_ x: Tensor, threads: Int = ThreadPool.defaultThreadCount) throws -> Tensor {
        if !isBuilt { try build(inputShape: x.shape) }
        let y = try call(castsInputs ? x.cast(to: computeType) : x, threads: threads)
        try noteActivity([y])
        return y
    }

    /// Computes a layer of several inputs or results; builds it at the first call.
    /// - Parameters:
    ///   - xs: the tensors, in the order of the layer's inputs.
    ///   - threads: threads to use; the results are bitwise the same for any number.
    public func callAsFunction(_ xs: [Tensor], threads: Int = ThreadPool.defaultThreadCount) throws -> [Tensor] {
        if !isBuilt { try build(inputShapes: xs.map(\.shape)) }
        let ys = try call(castsInputs ? xs.map { try $0.cast(to: computeType) } : xs, threads: threads)
        try noteActivity(ys)
        return ys
    }

    /// The same as calling the layer.
    public func apply(_ x: Tensor, threads: Int = ThreadPool.defaultThreadCount) throws -> Tensor { try self(x, threads: threads) }

    private func noteActivity(_ results: [Tensor]) throws {
        _ = usedScope()
        guard owner == nil else { return }
        activityLosses = try activityRegularizer.map { regularizer in try results.map { try Loss.activity(regularizer, $0) } } ?? []
    }

    /// Does everything that depends on the weights and the shape of the input alone, so that the first call is as fast as any.
    /// Builds the layer when it is not built.
    /// - Parameter inputShape: with the batch extent, whose value does not matter.
    open func prepare(inputShape: [Int]) throws {
        if !isBuilt { try build(inputShape: inputShape) }
    }

    /// The shape of the result for an input shape, batch included.
    open func computeOutputShape(_ inputShape: [Int]) throws -> [Int] {
        throw LayerError.noForwardPass(layer: name)
    }

    /// The shape of the result for an input shape with unknown extents, which are nil. Here: as the known shape, and nil where the
    /// input is nil; overridden where results have other axes.
    open func computeOutputShape(_ inputShape: [Int?]) throws -> [Int?] {
        let shape = try computeOutputShape(knownShape(inputShape))
        return shape.enumerated().map { inputShape.indices.contains($0) && inputShape[$0] == nil ? nil : $1 }
    }

    /// The shapes of the results for the shapes of all inputs. Overridden by layers of several.
    open func computeOutputShapes(_ inputShapes: [[Int?]]) throws -> [[Int?]] {
        guard let shape = inputShapes.first, inputShapes.count == 1 else {
            throw LayerError.inputCount(layer: name, received: inputShapes.count, expected: 1)
        }
        return [try computeOutputShape(shape)]
    }

    /// Builds the layer for a shape with unknown extents.
    func buildSymbolically(_ shapes: [[Int?]]) throws { try build(inputShapes: shapes.map { try knownShape($0) }) }

    /// Element type of one of the results of a call.
    func resultType(_ index: Int) -> ElementType { computeType }

    /// A shape with numbers for what is unknown, large enough for every legal layer of usual size.
    func knownShape(_ shape: [Int?]) throws -> [Int] { shape.map { $0 ?? 64 } }

    /// What becomes of a mask: the same, as in Keras 3. Convolutions drop it in calls on symbolic tensors.
    open func computeMask(_ inputs: [Tensor], mask: Tensor? = nil) throws -> Tensor? { mask }

    /// The weights in Keras's order; empty before `build`.
    public func getWeights() -> [Tensor] { weights.map(\.value) }

    /// Replaces all weights; values of another element type are cast.
    /// - Parameter weights: in the order and shapes of `getWeights()`.
    /// - Throws: `LayerError` when the count or a shape differs; then nothing has changed.
    open func setWeights(_ weights: [Tensor]) throws {
        try checkWeights(weights)
        for (variable, value) in zip(self.weights, weights) { try variable.assign(value) }
    }

    func checkWeights(_ values: [Tensor]) throws(LayerError) {
        let variables = weights
        if values.count != variables.count {
            throw .weightCount(layer: name, received: values.count, expected: variables.count)
        }
        for (variable, value) in zip(variables, values) { try variable.check(value, layer: name) }
    }

    /// The arguments that make an equal layer without its weights, as Keras 3 writes them.
    /// - Throws: overrides throw for what Keras has no words for.
    open func getConfig() throws -> JSONObject {
        ["name": .string(name), "trainable": .bool(trainable), "dtype": .string(dtype.rawValue)]
    }

    /// Number of elements of all weights.
    /// - Throws: `LayerError.notBuilt`.
    public func countParams() throws -> Int {
        if !isBuilt { throw LayerError.notBuilt(layer: name, method: "countParams") }
        return weights.reduce(0) { $0 + $1.value.elementCount }
    }

    /// Keras's `__deepcopy__`: a layer of the same name, graph and arguments with variables of its own, of equal values, and
    /// without nodes. Overridden by every class; overrides call `copyState(to:)`.
    /// - Throws: `LayerError.cannotCopy` for a class that does not override it.
    open func copy() throws -> Layer {
        throw LayerError.cannotCopy(layer: name, className: "\(type(of: self))")
    }

    /// Gives a new layer of the same arguments what this one has got since it was made: variables, graph, settings.
    public func copyState(to other: Layer) throws {
        other.ownVariables = ownVariables.map { $0.copy(scope: scope ?? name) }
        (other.owner, other.scope, other.isBuilt) = (owner, scope, isBuilt)
        (other.trainable, other.activityRegularizer) = (trainable, activityRegularizer)
        other.addedLosses = addedLosses.filter(\.inputs.isEmpty)
        other.addedUpdates = addedUpdates.filter(\.inputs.isEmpty)
    }

    // MARK: Variables

    /// All variables: the trainable ones, then the others. Empty before `build`. Overridden by layers made of layers.
    open var weights: [Variable] { ownVariables.filter(\.trainable) + ownVariables.filter { !$0.trainable } }
    /// The same as `weights`.
    public var variables: [Variable] { weights }
    /// What an optimizer may change: nothing, where the layer is not trainable.
    open var trainableWeights: [Variable] { trainable ? weights.filter(\.trainable) : [] }
    /// The same as `trainableWeights`.
    public var trainableVariables: [Variable] { trainableWeights }
    /// What an optimizer must leave alone: everything, where the layer is not trainable.
    open var nonTrainableWeights: [Variable] { trainable ? weights.filter { !$0.trainable } : weights }
    /// The same as `nonTrainableWeights`.
    public var nonTrainableVariables: [Variable] { nonTrainableWeights }

    /// Makes a variable. One that exists is returned instead, once the layer is built.
    /// - Parameters:
    ///   - name: of the variable, unique within the layer.
    ///   - shape: extents, outermost first.
    ///   - dtype: nil for the layer's.
    ///   - initializer: nil for Glorot uniform, as in Keras 3.
    ///   - regularizer: its penalty is one of the `losses`.
    ///   - trainable: decides alone whether it is one of the trainable variables of a trainable layer.
    ///   - constraint: what it is projected to after a step of an optimizer; nil for nothing.
    /// - Throws: `LayerError.variableExists` for a name in use before the layer is built, or of another shape;
    ///   `.weightShape` when the initializer makes something else, and what it throws.
    @discardableResult
    public func addWeight(
        name: String, shape: [Int], dtype: ElementType? = nil, initializer: (any Initializer)? = nil,
        regularizer: (any Regularizer)? = nil, trainable: Bool = true, constraint: (any Constraint)? = nil
    ) throws -> Variable {
        if let variable = ownVariables.first(where: { $0.name == name }) {
            if isBuilt, variable.shape == shape { return variable }
            throw LayerError.variableExists(layer: self.name, variable: name, shape: variable.shape)
        }
        try WeightBudget.current?.take(shape, weight: name, layer: self.name)
        let type = dtype ?? self.dtype
        let value = try (initializer ?? GlorotUniform())(shape, type)
        // A user's initializer may do what it likes.
        if value.shape != shape { throw LayerError.weightShape(layer: self.name, weight: name, received: value.shape, expected: shape) }
        let variable = Variable(
            name: name, scope: usedScope(), value: try value.cast(to: type), regularizer: regularizer, trainable: trainable,
            constraint: constraint)
        ownVariables.append(variable)
        return variable
    }

    /// As `addWeight`; as the page says, an eager layer refuses a regularizer here.
    /// - Throws: as `addWeight`, and `LayerError.eagerMode`.
    @discardableResult
    public func addVariable(
        name: String, shape: [Int], dtype: ElementType? = nil, initializer: (any Initializer)? = nil,
        regularizer: (any Regularizer)? = nil, trainable: Bool = true, constraint: (any Constraint)? = nil
    ) throws -> Variable {
        if regularizer != nil, owner == nil { throw LayerError.eagerMode(layer: self.name, member: "addVariable with a regularizer") }
        return try addWeight(
            name: name, shape: shape, dtype: dtype, initializer: initializer, regularizer: regularizer, trainable: trainable,
            constraint: constraint)
    }

    /// The name the variables of the layer stand under. Differs from `name` for the second layer of a name in a graph.
    /// - Throws: `LayerError.noScope` before the layer is first used.
    public var scopeName: String {
        get throws(LayerError) {
            guard let scope else { throw .noScope(layer: name) }
            return scope
        }
    }

    /// The scope, chosen now if it was not.
    func usedScope() -> String {
        let result = scope ?? owner?.scope(for: name) ?? name
        scope = result
        return result
    }

    // MARK: Losses and updates

    /// In graph mode: the penalties on the results of all calls on symbolic tensors, and what `addLoss` was given. In eager mode:
    /// the penalty on the result of the latest call. Then, in both, the penalties on the trainable variables, of their present
    /// values.
    /// - Throws: what a regularizer throws.
    open var losses: [Loss] {
        get throws { try ownLosses() + weightLosses() }
    }

    /// All but the penalties on variables.
    func ownLosses() -> [Loss] { activityLosses + symbolicActivityLosses().map(\.loss) + addedLosses.map(\.loss) }

    private func weightLosses() throws -> [Loss] {
        try trainableWeights.compactMap { variable in
            try variable.regularizer.map { Loss(try $0(variable.value), name: variable.name) }
        }
    }

    private func symbolicActivityLosses() -> [(loss: Loss, inputs: [SymbolicTensor])] {
        guard let activityRegularizer else { return [] }
        return nodes.enumerated().flatMap { index, node in
            node.outputShapes.indices.map { (Loss(activity: activityRegularizer, of: output(node: index, tensor: $0)), node.inputs) }
        }
    }

    /// Adds losses.
    /// - Parameters:
    ///   - losses: what is added, in this order.
    ///   - inputs: what they depend on, in the order of the call; nil or none for nothing.
    /// - Throws: `LayerError.eagerMode` in eager mode.
    public func addLoss(_ losses: [Loss], inputs: [SymbolicTensor]? = nil) throws {
        if owner == nil { throw LayerError.eagerMode(layer: name, member: "addLoss") }
        addedLosses += losses.map { ($0, inputs ?? []) }
    }

    /// Adds updates. Does nothing in eager mode.
    /// - Parameters:
    ///   - updates: what is added, in this order.
    ///   - inputs: what they depend on, in the order of the call; nil or none for nothing.
    public func addUpdate(_ updates: [Update], inputs: [SymbolicTensor]? = nil) {
        if owner != nil { addedUpdates += updates.map { ($0, inputs ?? []) } }
    }

    /// All updates, in the order they were added; none in eager mode.
    public var updates: [Update] { addedUpdates.map(\.update) }

    /// The losses that depend on these inputs, in this order.
    /// - Parameter inputs: nil or none for the unconditional ones, penalties on variables among them.
    /// - Throws: `LayerError.eagerMode` in eager mode, and what a regularizer throws.
    public func getLosses(for inputs: [SymbolicTensor]?) throws -> [Loss] {
        if owner == nil { throw LayerError.eagerMode(layer: name, member: "getLosses(for:)") }
        let key = inputs ?? []
        let found = (symbolicActivityLosses() + addedLosses).filter { $0.inputs == key }.map(\.loss)
        return key.isEmpty ? found + (try weightLosses()) : found
    }

    /// The updates that depend on these inputs, in this order.
    /// - Parameter inputs: nil or none for the unconditional ones.
    /// - Throws: `LayerError.eagerMode` in eager mode.
    public func getUpdates(for inputs: [SymbolicTensor]?) throws -> [Update] {
        if owner == nil { throw LayerError.eagerMode(layer: name, member: "getUpdates(for:)") }
        return addedUpdates.filter { $0.inputs == inputs ?? [] }.map(\.update)
    }
}
