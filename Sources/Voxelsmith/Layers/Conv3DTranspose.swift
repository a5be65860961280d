import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors

/// 3-D transposed convolution, as Keras defines it:
///
///     y[b, o, f] = activation(bias[f] + sum over (i, t, c) with i * stride + t * dilation - crop = o of x[b, i, c] * kernel[t, f, c])
///
///     let up = try Conv3DTranspose(filters: 8, kernelSize: 4, strides: 2, padding: .same, activation: .relu)
///     let y = try up(x)
open class Conv3DTranspose: Conv3D {
    /// Every argument that Keras takes by name may be a name here: `padding: "same"`, `activation: "relu"`, `kernelInitializer: "he_normal"`.
    /// - Parameters:
    ///   - filters: channels of the output.
    ///   - kernelSize: a number, or one for each of (depth, height, width).
    ///   - strides: as `kernelSize`.
    ///   - padding: `.valid` or `.same`, their names, or the `padding` of another layer.
    ///   - dataFormat: nil for what the user's keras.json says, channels_last without one.
    ///   - outputPadding: extra outputs at the end of each axis, less than the stride; nil for the length Keras infers, and for that of a
    ///     `padding` which states it.
    ///   - dilationRate: as `kernelSize`.
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
        dataFormat: (any LayoutArgument)? = nil, outputPadding: (any SpatialArgument)? = nil, dilationRate: any SpatialArgument = 1,
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
            outputPadding: outputPadding, dilationRate: dilationRate, groups: 1, activation: activation, useBias: useBias,
            kernelInitializer: kernelInitializer, biasInitializer: biasInitializer, kernelRegularizer: kernelRegularizer,
            biasRegularizer: biasRegularizer, activityRegularizer: activityRegularizer, kernelConstraint: kernelConstraint,
            biasConstraint: biasConstraint, name: name, trainable: trainable, dtype: dtype, inputShape: inputShape,
            batchInputShape: batchInputShape, batchSize: batchSize, weights: weights, tensorActivation: tensorActivation)
        let (config, arguments) = try written.resolved(.transposed, of: Self.self)
        super.init(config: config, arguments: arguments, policy: policy, kernels: kernels, kernelMode: kernelMode)
    }

    /// Keras's `from_config`: a layer from the config that a `Conv3DTranspose` of any Keras generation wrote. In a model that is being
    /// read it takes the model's generation, objects and kernels.
    /// - Throws: `KerasConfigError`, `ArgumentError`, and what makers of registered objects throw.
    public override init(config: JSONObject) throws {
        let context = ConfigContext.current
        let (layer, arguments) = try Conv3D.read(
            config, className: "Conv3DTranspose", of: Self.self, context.generation, context.objects)
        super.init(
            config: layer, arguments: arguments, policy: context.policy, kernels: context.kernels, kernelMode: context.kernelMode)
    }

    /// As `init(config:)`, stating everything else that the layer depends on.
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
        let (layer, arguments) = try Conv3D.read(config, className: "Conv3DTranspose", of: Self.self, generation, objects)
        self.init(config: layer, arguments: arguments, policy: policy, kernels: kernels, kernelMode: kernelMode)
    }

    /// A layer from a description, with its name. Takes what the geometry allows, ONNX's padding rules and groups included;
    /// Keras's own rules are checked where the description was read. What is computed is what the description says.
    public convenience init(
        config: LayerConfig, policy: Policy = .fast, kernels: any KernelProvider = KernelRegistry.shared,
        kernelMode: KernelMode = .auto
    ) {
        var arguments = ConvolutionArguments()
        arguments.dtypePolicy = DTypePolicy(config.elementType.arithmetic)
        self.init(config: config, arguments: arguments, policy: policy, kernels: kernels, kernelMode: kernelMode)
    }

    /// As the `init(config:arguments:policy:kernels:kernelMode:)` of `Conv3D`.
    public override init(
        config: LayerConfig, arguments: ConvolutionArguments, policy: Policy = .fast, kernels: any KernelProvider = KernelRegistry.shared,
        kernelMode: KernelMode = .auto
    ) {
        super.init(config: config, arguments: arguments, policy: policy, kernels: kernels, kernelMode: kernelMode)
    }

    open override func makeCopy() throws -> Layer {
        if type(of: self) == Conv3DTranspose.self {
            return Conv3DTranspose(config: config, arguments: arguments, policy: policy, kernels: kernels, kernelMode: kernelMode)
        }
        return try copyOfSubclass()
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
