import KerasConfig
import KernelRuntime
import LayerSpec
import Tensors

/// 3-D convolution, as Keras defines it, and what `Conv3DTranspose` inherits from it: hyperparameters, a kernel and an optional bias,
/// and kernels prepared for the shapes they have met.
///
///     y[b, i, f] = activation(bias[f] + sum over (o, t, c) with o = i * stride + t * dilation - crop of x[b, o, c] * kernel[t, c, f])
///
/// It is the gradient of a transposed convolution by its input, which the interpreter computes; no kernels are generated for it.
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
    package let arguments: ConvolutionArguments

    private var kernelVariable: Variable?
    private var biasVariable: Variable?
    private var kernel: Tensor? { kernelVariable?.value }
    private var bias: Tensor? { biasVariable?.value }
    /// By input shape without the batch extent. All of the same weights.
    private var prepared: [[Int]: PreparedLayer] = [:]
    /// Of the variables when `prepared` was packed.
    private var packedVersions: [Int] = []

    /// - Parameters:
    ///   - filters: channels of the output.
    ///   - kernelSize: a number, or one for each of (depth, height, width).
    ///   - strides: as `kernelSize`.
    ///   - padding: `valid` or `same`.
    ///   - dataFormat: nil for what the user's keras.json says, channels_last without one.
    ///   - dilationRate: as `kernelSize`.
    ///   - groups: independent parts of channels and filters; divides both.
    ///   - activation: applied to the sum, after the bias.
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
    /// - Throws: `KerasConfigError` for what Keras forbids, `KerasSettingsError` for an illegal keras.json when it is needed.
    public init(
        filters: Int, kernelSize: IntOrTriple, strides: IntOrTriple = 1, padding: KerasPadding = .valid,
        dataFormat: Layout? = nil, dilationRate: IntOrTriple = 1, groups: Int = 1, activation: Activation = .linear,
        useBias: Bool = true, kernelInitializer: (any Initializer)? = GlorotUniform(), biasInitializer: (any Initializer)? = Zeros(),
        kernelRegularizer: (any Regularizer)? = nil, biasRegularizer: (any Regularizer)? = nil,
        activityRegularizer: (any Regularizer)? = nil, kernelConstraint: (any Constraint)? = nil,
        biasConstraint: (any Constraint)? = nil, name: String? = nil, trainable: Bool = true, dtype: DTypePolicy? = nil,
        inputShape: [Int?]? = nil, batchInputShape: [Int?]? = nil, batchSize: Int? = nil, weights: [Tensor]? = nil,
        tensorActivation: (any TensorActivation)? = nil, policy: Policy = .fast,
        kernels: any KernelProvider = KernelRegistry.shared, kernelMode: KernelMode = .auto
    ) throws {
        arguments = try ConvolutionArguments(
            trainable: trainable, dtype: dtype, kernelInitializer: kernelInitializer, biasInitializer: biasInitializer,
            kernelRegularizer: kernelRegularizer, biasRegularizer: biasRegularizer, activityRegularizer: activityRegularizer,
            kernelConstraint: kernelConstraint, biasConstraint: biasConstraint, dataFormat: dataFormat, inputShape: inputShape,
            batchInputShape: batchInputShape, batchSize: batchSize, weights: weights, tensorActivation: tensorActivation)
        config = try KerasRules.validate(
            op: .inputGradient, name: name ?? UniqueNames.shared.next(forClass: "Conv3D"), filters: filters, kernelSize: kernelSize.values,
            strides: strides.values, padding: padding, layout: try ConvolutionArguments.layout(dataFormat),
            dilationRate: dilationRate.values, groups: groups, activation: tensorActivation == nil ? activation : .linear,
            useBias: useBias, elementType: arguments.dtypePolicy.elementType)
        (self.policy, self.kernels, self.kernelMode) = (policy, kernels, kernelMode)
        super.init(name: config.name, dtype: arguments.dtypePolicy.variableType, trainable: trainable)
        self.activityRegularizer = activityRegularizer
    }

    /// Keras's `from_config`: a layer from the config that a `Conv3D` of any Keras generation wrote.
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
        let (layer, arguments) = try Conv3D.read(config, className: "Conv3D", generation: generation, objects: objects)
        self.init(config: layer, arguments: arguments, policy: policy, kernels: kernels, kernelMode: kernelMode)
    }

    package init(
        config: LayerConfig, arguments: ConvolutionArguments, policy: Policy, kernels: any KernelProvider, kernelMode: KernelMode
    ) {
        self.config = config
        self.policy = policy
        self.kernels = kernels
        self.kernelMode = kernelMode
        self.arguments = arguments
        super.init(name: config.name, dtype: arguments.dtypePolicy.variableType, trainable: arguments.trainable)
        activityRegularizer = arguments.activityRegularizer
    }

    /// Channels of the output.
    public var filters: Int { config.filters }
    /// Per spatial axis (depth, height, width), as all the following.
    public var kernelSize: [Int] { config.kernelSize }
    /// Outputs between neighbouring inputs, per axis.
    public var strides: [Int] { config.strides }
    /// Outputs between neighbouring taps, per axis.
    public var dilationRate: [Int] { config.dilationRate }
    /// How crop and output lengths follow from an input shape.
    public var padding: PaddingRule { config.padding }
    /// Independent parts of channels and filters.
    public var groups: Int { config.groups }
    /// Where the channel axis stands.
    public var dataFormat: Layout { config.layout }
    /// Applied to the sum, after the bias.
    public var activation: Activation { config.activation }
    /// Whether the layer has a bias.
    public var useBias: Bool { config.useBias }

    /// The user's own activation; nil where `activation` is the one.
    public var tensorActivation: (any TensorActivation)? { arguments.tensorActivation }
    /// Types of the variables and of the arithmetic.
    public var dtypePolicy: DTypePolicy { arguments.dtypePolicy }
    /// Makes the first kernel; nil means Glorot uniform.
    public var kernelInitializer: (any Initializer)? { arguments.kernelInitializer }
    /// Makes the first bias; nil means Glorot uniform.
    public var biasInitializer: (any Initializer)? { arguments.biasInitializer }
    /// The penalty on the kernel.
    public var kernelRegularizer: (any Regularizer)? { arguments.kernelRegularizer }
    /// The penalty on the bias.
    public var biasRegularizer: (any Regularizer)? { arguments.biasRegularizer }
    /// What the kernel is projected to after a step of an optimizer.
    public var kernelConstraint: (any Constraint)? { arguments.kernelConstraint }
    /// What the bias is projected to after a step of an optimizer.
    public var biasConstraint: (any Constraint)? { arguments.biasConstraint }
    /// The input shape the layer was made with, batch first, nil where unknown; nil when it was made without.
    public var batchInputShape: [Int?]? { arguments.batchInputShape }

    open override var computeType: ElementType { dtypePolicy.computeType }

    /// Shape of the kernel tensor.
    private func kernelShape(channels: Int) throws -> [Int] {
        if channels < 1 { throw SpecError.tooSmall("number of channels", channels, minimum: 1) }
        for (what, value) in [("channels", channels), ("filters", filters)] where value % groups != 0 {
            throw SpecError.groupsDoNotDivide(groups: groups, what: what, value)
        }
        return kernelSize + (config.op == .forward ? [filters / groups, channels] : [channels / groups, filters])
    }

    /// Channels of the input that a kernel tensor of this shape takes.
    private func channels(ofKernel shape: [Int]) -> Int {
        config.op == .forward ? shape.last ?? 0 : Checked.clampedProduct(shape.dropLast().last ?? 0, groups)
    }

    /// Keras 3's `get_config`, key for key. Input shapes and weights the layer was made with are not part of it.
    /// - Throws: `KerasConfigError.notRepresentable` for groups of a transposed convolution and ONNX paddings.
    open override func getConfig() throws -> JSONObject { try kerasConfig() }

    open override func copy() throws -> Layer {
        // A subclass may have more to copy.
        if type(of: self) != Conv3D.self { return try super.copy() }
        let result = Conv3D(config: config, arguments: arguments, policy: policy, kernels: kernels, kernelMode: kernelMode)
        try copyState(to: result)
        return result
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
            if let weights = arguments.weights { try setWeights(weights) }
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
            kernelVariable = try addWeight(
                name: "kernel", shape: kernelShape, initializer: kernelInitializer, regularizer: kernelRegularizer,
                constraint: kernelConstraint)
            if useBias {
                biasVariable = try addWeight(
                    name: "bias", shape: [filters], initializer: biasInitializer, regularizer: biasRegularizer, constraint: biasConstraint)
            }
        } catch {
            dropVariables()
            throw error
        }
    }

    private func dropVariables() {
        ownVariables.removeAll { $0 === kernelVariable || $0 === biasVariable }
        (kernelVariable, biasVariable) = (nil, nil)
    }

    public override func copyState(to other: Layer) throws {
        try super.copyState(to: other)
        guard let other = other as? Conv3D else { return }
        other.kernelVariable = zip(ownVariables, other.ownVariables).first { $0.0 === kernelVariable }?.1
        other.biasVariable = zip(ownVariables, other.ownVariables).first { $0.0 === biasVariable }?.1
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

    /// Values at hand in the place of an initializer.
    private struct Given: Initializer {
        let value: Tensor
        init(_ value: Tensor) { self.value = value }
        func callAsFunction(_ shape: [Int], _ elementType: ElementType) throws -> Tensor { value }
    }

    private func checkedSpec(inputShape: [Int]) throws -> KernelSpec {
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
            guard let channels = kernel.map({ channels(ofKernel: $0.shape) }) else { throw LayerError.unknownChannels(layer: name, received: shape, axis: axis) }
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
        let choice = try choice(spec, kernel: kernel)
        prepared[Array(inputShape.dropFirst())] = try pack(spec, choice, kernel: kernel, bias: bias, sharing: prepared)
    }

    /// The kernel for a problem, with the weights there are.
    private func choice(_ spec: KernelSpec, kernel: Tensor?) throws -> KernelChoice {
        guard let kernel else { return try statingLayout(kernels.lookup(spec, mode: kernelMode)) }
        return try statingLayout(kernels.lookup(spec, mode: kernelMode, weights: forKernels(kernel)))
    }

    private func isInFastRange(_ kernel: Tensor?) throws -> Bool {
        guard let kernel else { return true }
        return try FastRange.weightBeyond(forKernels(kernel)) == nil
    }

    private func pack(
        _ spec: KernelSpec, _ choice: KernelChoice, kernel: Tensor?, bias: Tensor?, sharing others: [[Int]: PreparedLayer]
    ) throws -> PreparedLayer {
        guard let kernel else { throw LayerError.notBuilt(layer: name, method: "prepare") }
        let shared = others.values.first { $0.packed.packingKey == choice.kernel.packingKey }?.packed
        return try PreparedLayer(spec: spec, choice: choice, weights: forKernels(kernel), bias: bias.map(forKernels), sharing: shared)
    }

    /// A tensor rounded to the type the layer computes in, as kernels take it.
    private func forKernels(_ tensor: Tensor) throws -> Tensor {
        try DefaultArithmetic.run { try tensor.cast(to: computeType).cast(to: config.elementType) }
    }

    /// The layer with its present weights, ready for inputs of one shape. Later changes of the weights do not reach it.
    /// - Parameter inputShape: with the batch extent, whose value does not matter.
    /// - Throws: as `prepare(inputShape:)`; `ArgumentError.notOnlyAKernel` for a layer that does more than its kernel: with a
    ///   16-bit dtype, an activation of the user's own, or one along another axis than the last.
    public func preparedLayer(inputShape: [Int]) throws -> PreparedLayer {
        if let reason = reasonAgainstPreparedLayer { throw ArgumentError.notOnlyAKernel(layer: name, reason: reason) }
        return try kernelLayer(inputShape: inputShape)
    }

    /// Whether a `PreparedLayer` computes all that the layer does.
    public var isOnlyItsKernel: Bool { reasonAgainstPreparedLayer == nil }

    private var reasonAgainstPreparedLayer: String? {
        if computeType != config.elementType { return "its dtype \(dtypePolicy.rawValue) is rounded around the kernel" }
        if let tensorActivation { return "its activation \(tensorActivation.className) follows the kernel" }
        return activation.needsWholeResult ? "its activation \(activation.name) follows the kernel" : nil
    }

    private var versions: [Int] { [kernelVariable, biasVariable].compactMap { $0?.version } }

    /// Drops what was packed of values that variables have been assigned over since.
    private func forgetStale() {
        if versions == packedVersions { return }
        prepared = [:]
        packedVersions = versions
    }

    private func kernelLayer(inputShape: [Int]) throws -> PreparedLayer {
        let key = Array(inputShape.dropFirst())
        forgetStale()
        if let layer = prepared[key] { return layer }
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
        var y = try kernelLayer(inputShape: x.shape).call(forKernels(x), threads: threads)
        if case .alongAxis(let function, let axis) = activation { y = try ActivationArithmetic.apply(function, axis: axis, to: y) }
        if let tensorActivation { y = try tensorActivation(y) }
        return y.elementType == computeType ? y : try DefaultArithmetic.run { try y.cast(to: computeType) }
    }

    /// Which kernel computes inputs of this shape, and why. Prepares nothing.
    /// - Throws: `LayerError`, `SpecError` or `KernelLookupError`.
    public func kernelInUse(inputShape: [Int]) throws -> String {
        if let layer = prepared[Array(inputShape.dropFirst())] { return layer.choice.reason }
        return try choice(checkedSpec(inputShape: inputShape), kernel: kernel).reason
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
        let keepsChoices = try prepared.isEmpty || isInFastRange(kernel) == isInFastRange(new(kernelVariable))
        for (shape, old) in prepared {
            let choice = keepsChoices ? old.choice : try choice(old.spec, kernel: new(kernelVariable))
            repacked[shape] = try pack(old.spec, choice, kernel: new(kernelVariable), bias: new(biasVariable), sharing: repacked)
        }
        try super.setWeights(weights)
        (prepared, packedVersions) = (repacked, versions)
    }
}
