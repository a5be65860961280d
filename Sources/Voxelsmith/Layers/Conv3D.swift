import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors

/// 3-D convolution, as Keras defines it, and what `Conv3DTranspose` inherits from it: hyperparameters, a kernel and an optional bias,
/// and kernels prepared for the shapes they have met.
///
///     y[b, i, f] = activation(bias[f] + sum over (o, t, c) with o = i * stride + t * dilation - crop of x[b, o, c] * kernel[t, c, f])
///
/// It is the gradient of a transposed convolution by its input.
open class Conv3D: Layer {
    /// All hyperparameters.
    public let config: LayerConfig
    /// Which kernels may answer: algebraically rearranged ones (`fast`) or plain sums only (`direct`).
    public let policy: Policy
    /// Where specialised kernels come from.
    public let kernels: any KernelProvider
    /// Whether the interpreter may stand in for a missing kernel, or must.
    public let kernelMode: KernelMode
    /// Everything else the layer was made with.
    package private(set) var arguments: ConvolutionArguments

    /// (kernel sizes..., channels / groups, filters) here, (kernel sizes..., filters, channels) in a `Conv3DTranspose`; nil before
    /// `build`.
    public private(set) var kernel: Variable?
    /// One value per filter; nil before `build`, and without a bias.
    public private(set) var bias: Variable?
    /// By input shape without the batch extent. All of the same weights.
    private(set) var prepared: [[Int]: PreparedLayer] = [:]
    /// Of the variables when `prepared` was packed.
    private var packedVersions: [Int] = []

    /// Every argument that Keras takes by name may be a name here: `padding: "same"`, `activation: "relu"`, `kernelInitializer: "he_normal"`.
    /// - Parameters:
    ///   - filters: channels of the output.
    ///   - kernelSize: a number, or one for each of (depth, height, width).
    ///   - strides: as `kernelSize`.
    ///   - padding: `.valid` or `.same`, their names, or the `padding` of another layer.
    ///   - dataFormat: nil for what the user's keras.json says, channels_last without one.
    ///   - dilationRate: as `kernelSize`.
    ///   - groups: independent parts of channels and filters; divides both.
    ///   - activation: applied to the sum, after the bias; nil for none.
    ///   - useBias: whether a bias is added to the sum.
    ///   - kernelInitializer: nil means Glorot uniform for both, as in Keras.
    ///   - biasInitializer: as `kernelInitializer`.
    ///   - kernelRegularizer: the penalty on the kernel; nil for none.
    ///   - biasRegularizer: the penalty on the bias; nil for none.
    ///   - activityRegularizer: the penalty on the results of each call; nil for none.
    ///   - kernelConstraint: what the kernel is projected to after a step of an optimizer; nil for nothing.
    ///   - biasConstraint: the same for the bias.
    ///   - name: nil for an automatic one.
    ///   - trainable: whether an optimizer may change the weights.
    ///   - dtype: nil for what the user's keras.json says, float32 without one.
    ///   - inputShape: without the batch extent, nil where unknown; `batchSize` completes it.
    ///   - batchInputShape: with the batch extent; wins over `inputShape`.
    ///   - batchSize: the batch extent that completes `inputShape`; nil for any.
    ///   - weights: kernel and bias, assigned right after the layer is built.
    ///   - tensorActivation: an activation of the user's own, in place of `activation`.
    ///   - policy: which kernels may answer: rearranged ones too (`fast`), or plain sums only.
    ///   - kernels: where specialised kernels come from.
    ///   - kernelMode: whether the interpreter may stand in for a missing kernel, or must.
    /// - Throws: `KerasConfigError` for what Keras forbids, `ArgumentError` for names of unknown objects, `KerasSettingsError` for an
    ///   illegal keras.json when it is needed.
    public init(
        filters: Int, kernelSize: any SpatialArgument, strides: any SpatialArgument = 1, padding: any PaddingArgument = KerasPadding.valid,
        dataFormat: (any LayoutArgument)? = nil, dilationRate: any SpatialArgument = 1, groups: Int = 1,
        activation: (any ActivationArgument)? = nil, useBias: Bool = true,
        kernelInitializer: (any InitializerArgument)? = GlorotUniform(), biasInitializer: (any InitializerArgument)? = Zeros(),
        kernelRegularizer: (any RegularizerArgument)? = nil, biasRegularizer: (any RegularizerArgument)? = nil,
        activityRegularizer: (any RegularizerArgument)? = nil, kernelConstraint: (any ConstraintArgument)? = nil,
        biasConstraint: (any ConstraintArgument)? = nil, name: String? = nil, trainable: Bool = true, dtype: (any DTypeArgument)? = nil,
        inputShape: [Int?]? = nil, batchInputShape: [Int?]? = nil, batchSize: Int? = nil, weights: [Tensor]? = nil,
        tensorActivation: (any TensorActivation)? = nil, policy: Policy = .fast,
        kernels: any KernelProvider = KernelRegistry.shared, kernelMode: KernelMode = .auto
    ) throws {
        let written = WrittenArguments(
            filters: filters, kernelSize: kernelSize, strides: strides, padding: padding, dataFormat: dataFormat,
            outputPadding: nil, dilationRate: dilationRate, groups: groups, activation: activation, useBias: useBias,
            kernelInitializer: kernelInitializer, biasInitializer: biasInitializer, kernelRegularizer: kernelRegularizer,
            biasRegularizer: biasRegularizer, activityRegularizer: activityRegularizer, kernelConstraint: kernelConstraint,
            biasConstraint: biasConstraint, name: name, trainable: trainable, dtype: dtype, inputShape: inputShape,
            batchInputShape: batchInputShape, batchSize: batchSize, weights: weights, tensorActivation: tensorActivation)
        (config, arguments) = try written.resolved(.ordinary, of: Self.self)
        (self.policy, self.kernels, self.kernelMode) = (policy, kernels, kernelMode)
        super.init(name: config.name, dtype: arguments.dtypePolicy.variableType, trainable: trainable)
        self.activityRegularizer = arguments.activityRegularizer
    }

    /// Keras's `from_config`: a layer from the config that a `Conv3D` of any Keras generation wrote. In a model that is being read it
    /// takes the model's generation, objects and kernels.
    /// - Throws: `KerasConfigError`, `ArgumentError`, and what makers of registered objects throw.
    public override init(config: JSONObject) throws {
        let context = ConfigContext.current
        (self.config, arguments) = try Conv3D.read(config, className: "Conv3D", of: Self.self, context.generation, context.objects)
        (policy, kernels, kernelMode) = (context.policy, context.kernels, context.kernelMode)
        super.init(name: self.config.name, dtype: arguments.dtypePolicy.variableType, trainable: arguments.trainable)
        activityRegularizer = arguments.activityRegularizer
    }

    /// As `init(config:)`, stating everything else that the layer depends on.
    /// - Parameters:
    ///   - config: what `getConfig()` of a `Conv3D` gave.
    ///   - generation: which Keras wrote it, where that is known; detected otherwise. It decides what `hard_sigmoid` means.
    ///   - objects: the user's own initializers, regularizers, constraints and activations.
    ///   - policy: which kernels may answer: rearranged ones too (`fast`), or plain sums only.
    ///   - kernels: where specialised kernels come from.
    ///   - kernelMode: whether the interpreter may stand in for a missing kernel, or must.
    /// - Throws: `KerasConfigError`, `ArgumentError`, and what makers of registered objects throw.
    public convenience init(
        config: JSONObject, generation: KerasGeneration? = nil, objects: CustomObjects = .shared, policy: Policy = .fast,
        kernels: any KernelProvider = KernelRegistry.shared, kernelMode: KernelMode = .auto
    ) throws {
        let (layer, arguments) = try Conv3D.read(config, className: "Conv3D", of: Self.self, generation, objects)
        self.init(config: layer, arguments: arguments, policy: policy, kernels: kernels, kernelMode: kernelMode)
    }

    /// A layer from a description, with its name; Keras's own rules are checked where the description was read.
    /// - Parameters:
    ///   - config: all hyperparameters.
    ///   - arguments: everything else.
    ///   - policy: which kernels may answer: rearranged ones too (`fast`), or plain sums only.
    ///   - kernels: where specialised kernels come from.
    ///   - kernelMode: whether the interpreter may stand in for a missing kernel, or must.
    public init(
        config: LayerConfig, arguments: ConvolutionArguments, policy: Policy = .fast, kernels: any KernelProvider = KernelRegistry.shared,
        kernelMode: KernelMode = .auto
    ) {
        self.config = config
        self.policy = policy
        self.kernels = kernels
        self.kernelMode = kernelMode
        self.arguments = arguments
        super.init(name: config.name, dtype: arguments.dtypePolicy.variableType, trainable: arguments.trainable)
        activityRegularizer = arguments.activityRegularizer
    }

    open override var computeType: ElementType { dtypePolicy.computeType }

    /// Shape of the kernel tensor.
    private func kernelShape(channels: Int) throws -> [Int] {
        if channels < 1 { throw SpecError.tooSmall("number of channels", channels, minimum: 1) }
        for (what, value) in [("channels", channels), ("filters", filters)] where value % groups != 0 {
            throw SpecError.groupsDoNotDivide(groups: groups, what: what, value)
        }
        return kernelSize + (config.kind == .transposed ? [filters / groups, channels] : [channels / groups, filters])
    }

    /// Channels of the input that a kernel tensor of this shape takes.
    private func channels(ofKernel shape: [Int]) -> Int {
        config.kind == .transposed ? shape.last ?? 0 : Checked.clampedProduct(shape.dropLast().last ?? 0, groups)
    }

    /// Keras 3's `get_config`, key for key. Input shapes and weights the layer was made with are not part of it.
    /// - Throws: `KerasConfigError.notRepresentable` for groups of a transposed convolution and ONNX paddings.
    open override func getConfig() throws -> JSONObject { try kerasConfig() }

    open override func makeCopy() throws -> Layer {
        if type(of: self) == Conv3D.self {
            return Conv3D(config: config, arguments: arguments, policy: policy, kernels: kernels, kernelMode: kernelMode)
        }
        return try copyOfSubclass()
    }

    /// A layer of a subclass, made by its `init(config:)`, with the kernels of this one.
    func copyOfSubclass() throws -> Layer {
        let context = ConfigContext(generation: .keras3, policy: policy, kernels: kernels, kernelMode: kernelMode)
        return try ConfigContext.$current.withValue(context) { try super.makeCopy() }
    }

    /// Objects of the user's own are handed over by `copyState(to:)` and need not be registered.
    override func configForCopy() throws -> JSONObject {
        var config = try getConfig()
        let objects: [(String, (any KerasObject)?)] = [
            ("kernel_initializer", kernelInitializer), ("bias_initializer", biasInitializer), ("kernel_regularizer", kernelRegularizer),
            ("bias_regularizer", biasRegularizer), ("activity_regularizer", activityRegularizer), ("kernel_constraint", kernelConstraint),
            ("bias_constraint", biasConstraint), ("activation", tensorActivation),
        ]
        for (key, object) in objects where object != nil && object?.kerasModule == nil { config[key] = .null }
        return config
    }

    /// Creates the kernel and the bias with their initializers; then takes the `weights` the layer was made with.
    /// - Throws: `LayerError` for a wrong rank or a second call, `SpecError` for a shape the layer cannot take, and what the
    ///   initializers throw.
    open override func build(inputShape: [Int]) throws {
        if isBuilt { throw LayerError.alreadyBuilt(layer: name) }
        _ = try checkedSpec(inputShape: inputShape)
        let channels = inputShape[dataFormat.channelAxis(rank: inputShape.count)]
        try makeVariables(kernelShape: kernelShape(channels: channels), arguments.kernelInitializer, arguments.biasInitializer)
        do {
            if let weights = arguments.weights, !isRepeatingBuild { try setWeights(weights) }
            try super.build(inputShape: inputShape)
        } catch {
            dropVariables()
            throw error
        }
    }

    open override func build(inputShapes: [[Int]]) throws {
        guard inputShapes.count == 1 else { throw LayerError.inputCount(layer: name, received: inputShapes.count, expected: 1) }
        try build(inputShape: inputShapes[0])
    }

    private func makeVariables(kernelShape: [Int], _ kernelInitializer: (any Initializer)?, _ biasInitializer: (any Initializer)?) throws {
        do {
            kernel = try addWeight(
                name: "kernel", shape: kernelShape, initializer: kernelInitializer, regularizer: kernelRegularizer,
                constraint: kernelConstraint)
            if useBias {
                bias = try addWeight(
                    name: "bias", shape: [filters], initializer: biasInitializer, regularizer: biasRegularizer, constraint: biasConstraint)
            }
        } catch {
            dropVariables()
            throw error
        }
    }

    private func dropVariables() {
        ownVariables.removeAll { $0 === kernel || $0 === bias }
        (kernel, bias) = (nil, nil)
    }

    open override func copyState(to other: Layer) throws {
        try super.copyState(to: other)
        guard let other = other as? Conv3D else { return }
        other.arguments = arguments
        other.kernel = zip(ownVariables, other.ownVariables).first { $0.0 === kernel }?.1
        other.bias = zip(ownVariables, other.ownVariables).first { $0.0 === bias }?.1
    }

    /// Creates the weights of a layer whose input's extents are not known yet, with values at hand.
    /// - Throws: `LayerError` as `setWeights`, `.alreadyBuilt`; `SpecError` for groups that do not divide the channels.
    package func build(weights: [Tensor]) throws {
        if isBuilt { throw LayerError.alreadyBuilt(layer: name) }
        let expected = useBias ? 2 : 1
        if weights.count != expected { throw LayerError.weightCount(layer: name, received: weights.count, expected: expected) }
        let shape = try kernelShape(channels: channels(ofKernel: weights[0].shape))
        try makeVariables(kernelShape: shape, Given(weights[0]), Given(weights[expected - 1]))
        _ = usedScope()
        isBuilt = true
    }

    package override var expectedWeightNames: [String] {
        // A subclass may have made some more.
        isBuilt ? super.expectedWeightNames : useBias ? ["kernel", "bias"] : ["kernel"]
    }

    package override func takeWeights(_ values: [Tensor]) throws {
        if isBuilt { try setWeights(values) } else { try build(weights: values) }
    }

    /// An initializer that gives values which exist already.
    private struct Given: Initializer {
        let value: Tensor
        init(_ value: Tensor) { self.value = value }
        func callAsFunction(_ shape: [Int], _ elementType: ElementType) throws -> Tensor { value }
    }

    func checkedSpec(inputShape: [Int]) throws -> KernelSpec {
        let rank = kernelSize.count + 2
        if inputShape.count != rank { throw LayerError.inputRank(layer: name, received: inputShape, expected: rank) }
        if let channels = kernel.map({ channels(ofKernel: $0.shape) }) {
            let axis = dataFormat.channelAxis(rank: rank)
            if inputShape[axis] != channels {
                throw LayerError.inputChannels(layer: name, received: inputShape, axis: axis, expected: channels)
            }
        }
        return try config.spec(inputShape: inputShape, policy: policy)
    }

    override func knownShape(_ shape: [Int?]) throws -> [Int] {
        let rank = kernelSize.count + 2
        if shape.count != rank { throw LayerError.inputRank(layer: name, received: shape, expected: rank) }
        // An ordinary convolution without padding needs an input as long as its kernel.
        let least = zip(kernelSize, dilationRate).reduce(64) { max($0, Checked.clampedSum(Checked.clampedProduct($1.0 - 1, $1.1), 1)) }
        var result = shape.map { $0 ?? least }
        let axis = dataFormat.channelAxis(rank: rank)
        if shape[axis] == nil {
            // Keras wants to know the channels too, until the kernel knows them.
            guard let channels = kernel.map({ channels(ofKernel: $0.shape) }) else {
                throw LayerError.unknownChannels(layer: name, received: shape, axis: axis)
            }
            result[axis] = channels
        }
        return result
    }

    open override func computeOutputShape(_ inputShape: [Int?]) throws -> [Int?] {
        let known = try computeOutputShape(knownShape(inputShape))
        let axis = dataFormat.channelAxis(rank: inputShape.count)
        return known.enumerated().map { $0 != axis && inputShape.indices.contains($0) && inputShape[$0] == nil ? nil : $1 }
    }

    /// Chooses the kernel for an input shape and packs the weights for it. Asks for the kernel anew each time, so that a second
    /// call finds kernels loaded meanwhile; weights are packed only when no prepared shape has them packed that way.
    /// - Throws: `LayerError`, `SpecError` or `KernelLookupError`, `TensorError.outOfMemory`.
    open override func prepare(inputShape: [Int]) throws {
        try super.prepare(inputShape: inputShape)
        forgetStale()
        let spec = try checkedSpec(inputShape: inputShape)
        let choice = try choice(spec, kernel: kernel?.value)
        prepared[Array(inputShape.dropFirst())] = try pack(spec, choice, kernel: kernel?.value, bias: bias?.value, sharing: prepared)
    }

    var kernelSurroundings: KernelSurroundings {
        KernelSurroundings(
            computeType: computeType, elementType: config.elementType, activation: activation, tensorActivation: tensorActivation)
    }

    /// Whether a call is the convolution with its activation and nothing else. So it is in this class and in `Conv3DTranspose`; a subclass
    /// that leaves `call` alone may say so of itself, and its layers can be prepared for calls from any task.
    open var isPlainConvolution: Bool { type(of: self) == Conv3D.self || type(of: self) == Conv3DTranspose.self }

    /// The layer with its present weights for inputs of one shape, as a function that any task may call. Unlike `preparedLayer` it does
    /// all that the layer does. Subclasses override it, and take their convolution from `convolutionCall(inputShapes:)`.
    /// - Throws: as `prepare(inputShape:)`; `LayerError.cannotPrepareCall` unless `isPlainConvolution`.
    open override func preparedCall(inputShapes: [[Int]]) throws -> PreparedCall {
        // Otherwise what the subclass does besides the convolution would silently be left out.
        if !isPlainConvolution { return try super.preparedCall(inputShapes: inputShapes) }
        return try convolutionCall(inputShapes: inputShapes)
    }

    private var versions: [Int] { [kernel, bias].compactMap { $0?.version } }

    /// Drops the prepared shapes when a variable has been assigned to since their weights were packed.
    private func forgetStale() {
        if versions == packedVersions { return }
        prepared = [:]
        packedVersions = versions
    }

    /// The present weights as kernels have packed them.
    func presentlyPacked() -> [PackedWeights] {
        forgetStale()
        return prepared.values.map(\.packed)
    }

    /// The prepared kernel for a shape, packed anew where weights were assigned since, and chosen anew where the provider has a better one.
    func kernelLayer(inputShape: [Int]) throws -> PreparedLayer {
        let key = Array(inputShape.dropFirst())
        forgetStale()
        if let layer = prepared[key], !layer.choice.isSuperseded { return layer }
        try prepare(inputShape: inputShape)
        guard let layer = prepared[key] else { throw LayerError.notBuilt(layer: name, method: "preparedLayer") }
        return layer
    }

    /// Computes the layer; packs the weights at the first call with an unprepared shape.
    /// - Parameters:
    ///   - x: (batch, depth, height, width, channels) or as `dataFormat` says, cast to `computeType`; batch 0 gives an empty result.
    ///   - threads: threads to use; the result is bitwise the same for any number.
    /// - Throws: `LayerError` for a wrong rank or channel count; `SpecError`, `KernelLookupError`, `TensorError`,
    ///   `KernelError`.
    open override func call(_ x: Tensor, threads: Int) throws -> Tensor {
        let rounding = kernelSurroundings
        return try rounding.after(kernelLayer(inputShape: x.shape).call(rounding.before(x), threads: threads))
    }

    open override func computeOutputShape(_ inputShape: [Int]) throws -> [Int] {
        var shape = try checkedSpec(inputShape: inputShape).outputShape(batch: inputShape.first ?? 0)
        shape = try activation.shape(of: shape).map { $0 ?? 0 }
        return try tensorActivation?.outputShape(shape) ?? shape
    }

    /// Replaces the weights, and packs them for every prepared shape. `PreparedLayer`s handed out before keep the old ones.
    /// - Throws: `LayerError` when the count or a shape differs from `getWeights()`; then nothing has changed.
    open override func setWeights(_ weights: [Tensor]) throws {
        try checkWeights(weights)
        forgetStale()
        var values: [ObjectIdentifier: Tensor] = [:]
        for (variable, value) in zip(self.weights, weights) { values[ObjectIdentifier(variable)] = try value.cast(to: variable.dtype) }
        func new(_ variable: Variable?) -> Tensor? { variable.flatMap { values[ObjectIdentifier($0)] } }
        var repacked: [[Int]: PreparedLayer] = [:]
        let keepsChoices = try prepared.isEmpty || isInFastRange(kernel?.value) == isInFastRange(new(kernel))
        for (shape, old) in prepared {
            let choice = keepsChoices ? old.choice : try choice(old.spec, kernel: new(kernel))
            repacked[shape] = try pack(old.spec, choice, kernel: new(kernel), bias: new(bias), sharing: repacked)
        }
        try super.setWeights(weights)
        (prepared, packedVersions) = (repacked, versions)
    }
}
