import KerasConfig
import KernelRuntime
import LayerSpec
import Tensors

/// What 3-D convolution layers have in common: their hyperparameters, a kernel and an optional bias, and kernels prepared for
/// the shapes they have met. Subclasses say which problem they solve.
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

    // Package: the forward pass of an ordinary convolution is not part of this class yet, so only subclasses make sense.
    package init(
        config: LayerConfig, arguments: ConvolutionArguments, policy: Policy, kernels: any KernelProvider, kernelMode: KernelMode
    ) {
        self.config = config
        self.policy = policy
        self.kernels = kernels
        self.kernelMode = kernelMode
        self.arguments = arguments
        super.init(name: config.name, dtype: config.elementType, trainable: arguments.trainable)
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

    /// The problem for an input shape.
    package func spec(inputShape: [Int]) throws -> KernelSpec { throw LayerError.noForwardPass(layer: name) }

    /// Shape of the kernel tensor.
    package func kernelShape(channels: Int) throws -> [Int] { throw LayerError.noForwardPass(layer: name) }

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

    override var variableHalf: DTypePolicy.Half? { dtypePolicy.variableHalf }

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
        let shape = try kernelShape(channels: weights[0].shape.last ?? 0)
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
        if let channels = kernel?.shape.last {
            let axis = dataFormat.channelAxis(rank: rank)
            if inputShape[axis] != channels {
                throw LayerError.inputChannels(layer: name, received: inputShape, axis: axis, expected: channels)
            }
        }
        return try spec(inputShape: inputShape)
    }

    override func knownShape(_ shape: [Int?]) throws -> [Int] {
        let rank = kernelSize.count + 2
        if shape.count != rank { throw LayerError.inputRank(layer: name, received: shape, expected: rank) }
        var result = try super.knownShape(shape)
        let axis = dataFormat.channelAxis(rank: rank)
        if shape[axis] == nil {
            // Keras wants to know the channels too, until the kernel knows them.
            guard let channels = kernel?.shape.last else { throw LayerError.unknownChannels(layer: name, received: shape, axis: axis) }
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
        let choice = try kernels.lookup(spec, mode: kernelMode)
        prepared[Array(inputShape.dropFirst())] = try pack(spec, choice, kernel: kernel, bias: bias, sharing: prepared)
    }

    private func pack(
        _ spec: KernelSpec, _ choice: KernelChoice, kernel: Tensor?, bias: Tensor?, sharing others: [[Int]: PreparedLayer]
    ) throws -> PreparedLayer {
        guard var kernel else { throw LayerError.notBuilt(layer: name, method: "prepare") }
        var bias = bias
        if let half = dtypePolicy.computeHalf {
            kernel = try half.rounded(kernel)
            bias = try bias.map { try half.rounded($0) }
        }
        let shared = others.values.first { $0.packed.packingKey == choice.kernel.packingKey }?.packed
        return try PreparedLayer(spec: spec, choice: choice, weights: kernel, bias: bias, sharing: shared)
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
        if dtypePolicy.computeHalf != nil { return "its dtype \(dtypePolicy.rawValue) is rounded around the kernel" }
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
    ///   - x: (batch, depth, height, width, channels) or as `dataFormat` says; batch 0 gives an empty result.
    ///   - threads: threads to use; the result is bitwise the same for any number.
    /// - Throws: `LayerError` for a wrong rank, channel count or element type; `SpecError`, `KernelLookupError`, `TensorError`,
    ///   `KernelError`.
    open override func call(_ x: Tensor, threads: Int) throws -> Tensor {
        if x.elementType != dtype { throw LayerError.inputType(layer: name, received: x.elementType, expected: dtype) }
        let input = try dtypePolicy.computeHalf?.rounded(x) ?? x
        var y = try kernelLayer(inputShape: x.shape).call(input, threads: threads)
        if case .alongAxis(let function, let axis) = activation { y = try ActivationArithmetic.apply(function, axis: axis, to: y) }
        if let tensorActivation { y = try tensorActivation(y) }
        return try dtypePolicy.computeHalf?.rounded(y) ?? y
    }

    /// Which kernel computes inputs of this shape, and why. Prepares nothing.
    /// - Throws: `LayerError`, `SpecError` or `KernelLookupError`.
    public func kernelInUse(inputShape: [Int]) throws -> String {
        if let layer = prepared[Array(inputShape.dropFirst())] { return layer.choice.reason }
        return try kernels.lookup(checkedSpec(inputShape: inputShape), mode: kernelMode).reason
    }

    open override func computeOutputShape(_ inputShape: [Int]) throws -> [Int] {
        var shape = try checkedSpec(inputShape: inputShape).outputShape(batch: inputShape.first ?? 0)
        shape = try activation.shape(of: shape).map { $0 ?? 0 }
        return try tensorActivation?.outputShape(shape) ?? shape
    }

    /// Replaces the weights, and packs them for every prepared shape. `PreparedLayer`s handed out before keep the old ones.
    /// - Throws: `LayerError` when count, a shape or an element type differs from `getWeights()`; then nothing has changed.
    open override func setWeights(_ weights: [Tensor]) throws {
        try checkWeights(weights)
        forgetStale()
        var values: [ObjectIdentifier: Tensor] = [:]
        for (variable, value) in zip(self.weights, weights) { values[ObjectIdentifier(variable)] = try variable.rounded(value) }
        func new(_ variable: Variable?) -> Tensor? { variable.flatMap { values[ObjectIdentifier($0)] } }
        var repacked: [[Int]: PreparedLayer] = [:]
        for (shape, old) in prepared {
            repacked[shape] = try pack(old.spec, old.choice, kernel: new(kernelVariable), bias: new(biasVariable), sharing: repacked)
        }
        try super.setWeights(weights)
        (prepared, packedVersions) = (repacked, versions)
    }
}
