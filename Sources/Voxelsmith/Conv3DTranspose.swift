import KerasConfig
import KernelRuntime
import LayerSpec
import Tensors

/// 3-D transposed convolution, as Keras defines it:
///
///     y[b, o, f] = activation(bias[f] + sum over (i, t, c) with i * stride + t * dilation - crop = o of x[b, i, c] * kernel[t, f, c])
///
///     let up = try Conv3DTranspose(filters: 8, kernelSize: 4, strides: 2, padding: .same, activation: .relu)
///     let y = try up(x)
open class Conv3DTranspose: Conv3D {
    /// - Parameters:
    ///   - filters: channels of the output.
    ///   - kernelSize: a number, or one for each of (depth, height, width).
    ///   - strides: as `kernelSize`.
    ///   - padding: `valid` or `same`.
    ///   - dataFormat: nil for what the user's keras.json says, channels_last without one.
    ///   - outputPadding: extra outputs at the end of each axis, less than the stride; nil for the length Keras infers.
    ///   - dilationRate: as `kernelSize`.
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
        dataFormat: Layout? = nil, outputPadding: IntOrTriple? = nil, dilationRate: IntOrTriple = 1,
        activation: Activation = .linear, useBias: Bool = true,
        kernelInitializer: (any Initializer)? = GlorotUniform(), biasInitializer: (any Initializer)? = Zeros(),
        kernelRegularizer: (any Regularizer)? = nil, biasRegularizer: (any Regularizer)? = nil,
        activityRegularizer: (any Regularizer)? = nil, kernelConstraint: (any Constraint)? = nil,
        biasConstraint: (any Constraint)? = nil, name: String? = nil, trainable: Bool = true, dtype: DTypePolicy? = nil,
        inputShape: [Int?]? = nil, batchInputShape: [Int?]? = nil, batchSize: Int? = nil, weights: [Tensor]? = nil,
        tensorActivation: (any TensorActivation)? = nil, policy: Policy = .fast,
        kernels: any KernelProvider = KernelRegistry.shared, kernelMode: KernelMode = .auto
    ) throws {
        let arguments = try ConvolutionArguments(
            trainable: trainable, dtype: dtype, kernelInitializer: kernelInitializer, biasInitializer: biasInitializer,
            kernelRegularizer: kernelRegularizer, biasRegularizer: biasRegularizer, activityRegularizer: activityRegularizer,
            kernelConstraint: kernelConstraint, biasConstraint: biasConstraint, dataFormat: dataFormat, inputShape: inputShape,
            batchInputShape: batchInputShape, batchSize: batchSize, weights: weights, tensorActivation: tensorActivation)
        let config = try KerasRules.validate(
            name: name ?? UniqueNames.shared.next(forClass: "Conv3DTranspose"), filters: filters, kernelSize: kernelSize.values,
            strides: strides.values, padding: padding, outputPadding: outputPadding?.values,
            layout: try ConvolutionArguments.layout(dataFormat), dilationRate: dilationRate.values,
            activation: tensorActivation == nil ? activation : .linear, useBias: useBias,
            elementType: arguments.dtypePolicy.elementType)
        super.init(config: config, arguments: arguments, policy: policy, kernels: kernels, kernelMode: kernelMode)
    }

    /// Keras's `from_config`: a layer from the config that a `Conv3DTranspose` of any Keras generation wrote.
    /// - Parameters:
    ///   - config: what `getConfig()` of any generation gave.
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
        let (layer, arguments) = try Conv3D.read(config, className: "Conv3DTranspose", generation: generation, objects: objects)
        self.init(config: layer, arguments: arguments, policy: policy, kernels: kernels, kernelMode: kernelMode)
    }

    /// A layer from a description, with its name. Takes what the geometry allows, ONNX's padding rules and groups included;
    /// Keras's own rules are checked where the description was read. What is computed is what the description says.
    public convenience init(
        config: LayerConfig, policy: Policy = .fast, kernels: any KernelProvider = KernelRegistry.shared,
        kernelMode: KernelMode = .auto
    ) {
        var arguments = ConvolutionArguments()
        arguments.dtypePolicy = config.elementType == .float64 ? .float64 : .float32
        self.init(config: config, arguments: arguments, policy: policy, kernels: kernels, kernelMode: kernelMode)
    }

    package override init(
        config: LayerConfig, arguments: ConvolutionArguments, policy: Policy, kernels: any KernelProvider, kernelMode: KernelMode
    ) {
        super.init(config: config, arguments: arguments, policy: policy, kernels: kernels, kernelMode: kernelMode)
    }

    open override func copy() throws -> Layer {
        // A subclass may have more to copy.
        if type(of: self) != Conv3DTranspose.self { return try super.copy() }
        let result = Conv3DTranspose(config: config, arguments: arguments, policy: policy, kernels: kernels, kernelMode: kernelMode)
        try copyState(to: result)
        return result
    }

    /// Extra outputs at the end of each axis; nil where the length is inferred.
    public var outputPadding: [Int]? {
        switch config.padding {
        case .valid(let padding), .same(let padding): padding
        case .explicit(_, _, let padding), .sameUpper(let padding), .sameLower(let padding), .outputShape(_, let padding, _): padding
        }
    }
}

/// Keras's other name of the class.
public typealias Convolution3DTranspose = Conv3DTranspose
/// Keras's other name of the class.
public typealias Convolution3D = Conv3D
