import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors

/// The base of all layers: name, element type, variables, losses, and the calls on symbolic tensors (see `Graph`).
///
/// A layer is a reference with state, and deliberately not `Sendable`: it belongs to one task at a time. What it prepares may be called
/// from any task, and from several at once: a `PreparedLayer` for one kernel, a `PreparedModel` for a whole model.
///
///     let prepared = try up.preparedLayer(inputShape: [1, 16, 16, 16, 4])
///     let results = try await withThrowingTaskGroup(of: Tensor.self) { group in
///         for x in volumes { group.addTask { try prepared.call(x) } }
///         var results: [Tensor] = []
///         for try await y in group { results.append(y) }
///         return results
///     }
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
    /// What `build` was called with; nil before, and for layers built in another way.
    private var builtShapes: [[Int]]?
    /// Whether `build` is being repeated on a copy, which has its variables already.
    private(set) var isRepeatingBuild = false
    var scope: String?
    /// The layers that a model is made of; none here.
    var sublayers: [Layer] { [] }
    var nodes: [Node] = []
    /// Losses of calls on symbolic tensors, and losses that were added.
    var keptLosses: [KeptLoss] = []
    /// What every later call on symbolic tensors adds: closures of inputs and results.
    var callTerms: [(name: String, body: ([Tensor], [Tensor]) throws -> Double)] = []
    /// Of the latest call on values.
    var callLosses: [Loss] = []
    /// Whether a call on values is being computed.
    var isComputing = false
    /// What `addUpdate` was given, with the inputs it depends on; none for unconditional ones.
    var addedUpdates: [(update: Update, inputs: [SymbolicTensor])] = []

    /// Inside `withGraph` the layer is in graph mode, outside in eager mode.
    /// - Parameters:
    ///   - name: nil for an automatic one: the class name in snake case, numbered from the second layer on.
    ///   - dtype: element type.
    ///   - trainable: whether an optimizer may change the weights.
    public init(name: String? = nil, dtype: ElementType = .float32, trainable: Bool = true) {
        self.name = name ?? UniqueNames.shared.next(for: Self.self)
        self.dtype = dtype
        self.trainable = trainable
        owner = Graph.current
    }

    /// Keras's `from_config`: `name`, `trainable` and `dtype`. Overrides read what their `getConfig()` adds.
    /// - Throws: `KerasConfigError` for members of another type.
    public init(config: JSONObject) throws {
        let reader = ConfigReader(config: config, className: "\(Self.self)")
        name = try reader.string("name") ?? UniqueNames.shared.next(for: Self.self)
        dtype = try DTypePolicy(json: config["dtype"])?.variableType ?? .float32
        trainable = try reader.bool("trainable") ?? true
        owner = Graph.current
    }

    deinit { releaseSources() }

    /// Creates the weights for inputs of this shape. Overrides call super at their end.
    /// - Parameter inputShape: with the batch extent, whose value does not matter.
    /// - Throws: `LayerError.alreadyBuilt` on a second call; overrides also for shapes they cannot take.
    open func build(inputShape: [Int]) throws {
        try noteBuild([inputShape])
    }

    private func noteBuild(_ shapes: [[Int]]) throws(LayerError) {
        if isBuilt { throw .alreadyBuilt(layer: name) }
        _ = usedScope()
        (isBuilt, builtShapes) = (true, shapes)
    }

    /// Creates the weights of a layer of several inputs. Here: none for several, and those of `build(inputShape:)` for one.
    /// - Throws: as `build(inputShape:)`.
    open func build(inputShapes: [[Int]]) throws {
        if inputShapes.count == 1 { return try build(inputShape: inputShapes[0]) }
        try noteBuild(inputShapes)
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
    ///   - x: the input, batch first.
    ///   - threads: threads to use; the result is bitwise the same for any number.
    public func callAsFunction(_ x: Tensor, threads: Int = ThreadPool.defaultThreadCount) throws -> Tensor {
        try noting {
            let y = try computed(x, threads: threads)
            return (y, [y])
        }
    }

    /// Computes a layer of several inputs or results; builds it at the first call.
    /// - Parameters:
    ///   - xs: the inputs, in their order.
    ///   - threads: threads to use; the results are bitwise the same for any number.
    public func callAsFunction(_ xs: [Tensor], threads: Int = ThreadPool.defaultThreadCount) throws -> [Tensor] {
        try noting {
            let ys = try computed(xs, threads: threads)
            return (ys, ys)
        }
    }

    /// A call as part of a model's, whose losses the model computes.
    func computed(_ x: Tensor, threads: Int) throws -> Tensor {
        if !isBuilt { try build(inputShape: x.shape) }
        isComputing = true
        defer { isComputing = false }
        let y = try call(castsInputs ? x.cast(to: computeType) : x, threads: threads)
        _ = usedScope()
        return y
    }

    /// As `computed` of one tensor.
    func computed(_ xs: [Tensor], threads: Int) throws -> [Tensor] {
        if !isBuilt { try build(inputShapes: xs.map(\.shape)) }
        isComputing = true
        defer { isComputing = false }
        let ys = try call(castsInputs ? xs.map { try $0.cast(to: computeType) } : xs, threads: threads)
        _ = usedScope()
        return ys
    }

    /// Whether calls on values leave an activity loss. In graph mode those on symbolic tensors do.
    var notesValues: Bool { owner == nil }

    private func noting<Result>(_ body: () throws -> (Result, [Tensor])) throws -> Result {
        forgetCall()
        do {
            let (result, ys) = try body()
            if notesValues, let activityRegularizer {
                callLosses += try ys.map { Loss(try Loss.activity(activityRegularizer, $0), name: "activity") }
            }
            return result
        } catch {
            // A call that failed has no losses.
            forgetCall()
            throw error
        }
    }

    /// Drops the losses of the call before, also those of the layers inside.
    func forgetCall() {
        callLosses = []
        for layer in sublayers { layer.forgetCall() }
    }

    /// Does everything that depends on the weights and the shape of the input alone, so that the first call is as fast as any.
    /// Builds the layer when it is not built.
    /// - Parameter inputShape: with the batch extent, whose value does not matter.
    open func prepare(inputShape: [Int]) throws {
        if !isBuilt { try build(inputShape: inputShape) }
    }

    /// The layer with its present weights for inputs of given shapes, as a function that any task may call, and several at once. Builds
    /// the layer when it is not built. Overridden by layers that can be part of a `PreparedModel`; the function must capture no layer.
    /// - Parameter inputShapes: with the batch extents, whose values do not matter.
    /// - Throws: `LayerError.cannotPrepareCall` for a class that does not override it.
    open func preparedCall(inputShapes: [[Int]]) throws -> PreparedCall {
        throw LayerError.cannotPrepareCall(layer: name, className: "\(type(of: self))")
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

    /// The names of the weights that the layer has, or will have when it is built.
    package var expectedWeightNames: [String] { weights.map(\.name) }

    /// How many of these are trainable by their nature; they stand first.
    package var expectedTrainableCount: Int { weights.isEmpty ? expectedWeightNames.count : weights.count { $0.trainable } }

    /// Takes the weights of a file, from which a layer that is not built may be built.
    /// - Parameter values: in the order of `getWeights()`.
    /// - Throws: as `setWeights`, and as `build`.
    package func takeWeights(_ values: [Tensor]) throws { try setWeights(values) }

    /// The layer that this one applies to parts of its input; nil for a layer that is no wrapper.
    package var wrapped: Layer? { nil }

    /// How a config says what the layer is called on.
    /// - Parameter tensors: the inputs, as configs name them.
    func callArguments(_ tensors: [JSONValue]) -> [JSONValue] { tensors.count == 1 ? tensors : [.array(tensors)] }

    /// The tensors among what a call is given by name.
    /// - Parameter tensors: the inputs, as configs name them.
    func callKeywords(_ tensors: [JSONValue]) -> JSONObject { [:] }

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

    /// Keras's `__deepcopy__`: a layer of the same class, name, graph and arguments with variables of its own, of equal values, and
    /// without nodes.
    /// - Throws: `LayerError.cannotCopy` when nothing says how the class is made, and what making one throws.
    public final func copy() throws -> Self {
        let made = try makeCopy()
        guard type(of: made) == type(of: self), let result = made as? Self else {
            throw LayerError.cannotCopy(layer: name, className: "\(type(of: self))")
        }
        try copyState(to: result)
        return result
    }

    /// An unbuilt layer of the same class and arguments, for `copy()`. Here: what `init(config:)` of a `ConfigurableLayer`, or the maker
    /// registered with `CustomObjects.shared`, makes of `getConfig()`.
    /// - Throws: `LayerError.cannotCopy` without either.
    open func makeCopy() throws -> Layer {
        let config = try configForCopy()
        if let type = type(of: self) as? any ConfigurableLayer.Type { return try type.init(config: config) }
        let entry: JSONObject = [
            "class_name": .string(className), "registered_name": .string("\(registeredPackage)>\(className)"), "config": .object(config),
        ]
        if let layer = try CustomObjects.shared.layer(entry) { return layer }
        throw LayerError.cannotCopy(layer: name, className: "\(type(of: self))")
    }

    func configForCopy() throws -> JSONObject { try getConfig() }

    /// Gives a new layer of the same arguments what this one has received since it was made: variables, graph, settings and added losses.
    /// Calls the new layer's `build`, where `addWeight` then returns those variables. Overrides call super.
    open func copyState(to other: Layer) throws {
        other.ownVariables = ownVariables.map { $0.copy(scope: scope ?? name) }
        (other.owner, other.scope, other.isBuilt) = (owner, scope, isBuilt)
        try repeatBuild(on: other)
        giveTrainable(to: other)
        (other.activityRegularizer, other.callTerms) = (activityRegularizer, callTerms)
        other.keptLosses = keptLosses.filter(\.isAdded).map { $0.moved(from: self, to: other) }
        other.addedUpdates = addedUpdates
    }

    /// Builds a copy as this layer was built. There `addWeight` returns the copy's variables, so that properties in which a subclass keeps
    /// its variables have them in the copy too.
    private func repeatBuild(on copy: Layer) throws {
        guard isBuilt, let builtShapes else { return }
        (copy.isBuilt, copy.isRepeatingBuild) = (false, true)
        defer { copy.isRepeatingBuild = false }
        try copy.build(inputShapes: builtShapes)
        // A build may assign first values.
        for (variable, copied) in zip(ownVariables, copy.ownVariables) { try copied.assign(variable.value) }
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
    ///   - dtype: an element type or its name; nil for the layer's.
    ///   - initializer: an object or a name; nil for Glorot uniform, as in Keras 3.
    ///   - regularizer: its penalty is one of the `losses`.
    ///   - trainable: decides alone whether it is one of the trainable variables of a trainable layer.
    ///   - constraint: what it is projected to after a step of an optimizer; nil for nothing.
    /// - Throws: `LayerError.variableExists` for a name in use before the layer is built, or of another shape; `.weightExtents` for a
    ///   negative extent; `.weightShape` when the initializer makes something else, and what it throws.
    @discardableResult
    public func addWeight(
        name: String, shape: [Int], dtype: (any DTypeArgument)? = nil, initializer: (any InitializerArgument)? = nil,
        regularizer: (any RegularizerArgument)? = nil, trainable: Bool = true, constraint: (any ConstraintArgument)? = nil
    ) throws -> Variable {
        if let variable = ownVariables.first(where: { $0.name == name }) {
            if isBuilt || isRepeatingBuild, variable.shape == shape { return variable }
            throw LayerError.variableExists(layer: self.name, variable: name, shape: variable.shape)
        }
        let type = try dtype?.resolvedElementType() ?? self.dtype
        guard Tensor.holds(shape, type) else { throw LayerError.weightExtents(layer: self.name, weight: name, shape: shape) }
        try WeightBudget.current?.take(shape, weight: name, layer: self.name)
        let (regularizer, constraint) = (try regularizer?.resolvedRegularizer(), try constraint?.resolvedConstraint())
        let initializer = try initializer?.resolvedInitializer() ?? GlorotUniform()
        // Where a file's weights follow, none are drawn that nobody would see.
        let isReplaced = WeightBudget.current != nil && initializer is any SeededInitializer
        let value = isReplaced ? try Tensor(uninitialized: shape, type) : try initializer(shape, type)
        // A user's initializer may do what it likes.
        if value.shape != shape { throw LayerError.weightShape(layer: self.name, weight: name, received: value.shape, expected: shape) }
        let variable = Variable(
            name: name, scope: usedScope(), value: try value.cast(to: type), regularizer: regularizer, trainable: trainable,
            constraint: constraint)
        ownVariables.append(variable)
        return variable
    }

    /// The losses that `addLoss` was given, a penalty on each result of a call (see `activityRegularizer`), and penalties on the trainable
    /// variables, of their present values.
    ///
    /// In eager mode, the penalties on results are those of the latest call. In graph mode there is one for each call on symbolic tensors,
    /// with the regularizer of the time of that call; its number is the one that the latest call of a model on values gave it. In a model
    /// of eager layers, or one that was read from a config, it has the regularizer of the time of the call on values.
    /// - Throws: what a regularizer throws.
    open var losses: [Loss] {
        get throws { try ownLosses() + weightLosses() }
    }
}
