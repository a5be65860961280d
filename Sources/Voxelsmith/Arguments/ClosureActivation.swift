import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors

extension Conv3D {
    /// As the initializer that takes a `TensorActivation`, with a closure in its place: `tensorActivation: { try square($0) }`. In configs
    /// it is called "lambda"; a `FunctionActivation` has a name of its own.
    /// - Throws: as that initializer.
    public convenience init(
        filters: Int, kernelSize: any SpatialArgument, strides: any SpatialArgument = 1, padding: any PaddingArgument = KerasPadding.valid,
        dataFormat: (any LayoutArgument)? = nil, dilationRate: any SpatialArgument = 1, groups: Int = 1,
        activation: (any ActivationArgument)? = nil, useBias: Bool = true,
        kernelInitializer: (any InitializerArgument)? = GlorotUniform(), biasInitializer: (any InitializerArgument)? = Zeros(),
        kernelRegularizer: (any RegularizerArgument)? = nil, biasRegularizer: (any RegularizerArgument)? = nil,
        activityRegularizer: (any RegularizerArgument)? = nil, kernelConstraint: (any ConstraintArgument)? = nil,
        biasConstraint: (any ConstraintArgument)? = nil, name: String? = nil, trainable: Bool = true, dtype: (any DTypeArgument)? = nil,
        inputShape: [Int?]? = nil, batchInputShape: [Int?]? = nil, batchSize: Int? = nil, weights: [Tensor]? = nil,
        tensorActivation: @escaping @Sendable (Tensor) throws -> Tensor, policy: Policy = .fast,
        kernels: any KernelProvider = KernelRegistry.shared, kernelMode: KernelMode = .auto
    ) throws {
        let written = WrittenArguments(
            filters: filters, kernelSize: kernelSize, strides: strides, padding: padding, dataFormat: dataFormat,
            outputPadding: nil, dilationRate: dilationRate, groups: groups, activation: activation, useBias: useBias,
            kernelInitializer: kernelInitializer, biasInitializer: biasInitializer, kernelRegularizer: kernelRegularizer,
            biasRegularizer: biasRegularizer, activityRegularizer: activityRegularizer, kernelConstraint: kernelConstraint,
            biasConstraint: biasConstraint, name: name, trainable: trainable, dtype: dtype, inputShape: inputShape,
            batchInputShape: batchInputShape, batchSize: batchSize, weights: weights, tensorActivation: FunctionActivation(tensorActivation))
        let (config, arguments) = try written.resolved(.ordinary, of: Self.self)
        self.init(config: config, arguments: arguments, policy: policy, kernels: kernels, kernelMode: kernelMode)
    }
}

extension Conv3DTranspose {
    /// As the initializer that takes a `TensorActivation`, with a closure in its place: `tensorActivation: { try square($0) }`. In configs
    /// it is called "lambda"; a `FunctionActivation` has a name of its own.
    /// - Throws: as that initializer.
    public convenience init(
        filters: Int, kernelSize: any SpatialArgument, strides: any SpatialArgument = 1, padding: any PaddingArgument = KerasPadding.valid,
        dataFormat: (any LayoutArgument)? = nil, outputPadding: (any SpatialArgument)? = nil, dilationRate: any SpatialArgument = 1,
        activation: (any ActivationArgument)? = nil, useBias: Bool = true,
        kernelInitializer: (any InitializerArgument)? = GlorotUniform(), biasInitializer: (any InitializerArgument)? = Zeros(),
        kernelRegularizer: (any RegularizerArgument)? = nil, biasRegularizer: (any RegularizerArgument)? = nil,
        activityRegularizer: (any RegularizerArgument)? = nil, kernelConstraint: (any ConstraintArgument)? = nil,
        biasConstraint: (any ConstraintArgument)? = nil, name: String? = nil, trainable: Bool = true, dtype: (any DTypeArgument)? = nil,
        inputShape: [Int?]? = nil, batchInputShape: [Int?]? = nil, batchSize: Int? = nil, weights: [Tensor]? = nil,
        tensorActivation: @escaping @Sendable (Tensor) throws -> Tensor, policy: Policy = .fast,
        kernels: any KernelProvider = KernelRegistry.shared, kernelMode: KernelMode = .auto
    ) throws {
        let written = WrittenArguments(
            filters: filters, kernelSize: kernelSize, strides: strides, padding: padding, dataFormat: dataFormat,
            outputPadding: outputPadding, dilationRate: dilationRate, groups: 1, activation: activation, useBias: useBias,
            kernelInitializer: kernelInitializer, biasInitializer: biasInitializer, kernelRegularizer: kernelRegularizer,
            biasRegularizer: biasRegularizer, activityRegularizer: activityRegularizer, kernelConstraint: kernelConstraint,
            biasConstraint: biasConstraint, name: name, trainable: trainable, dtype: dtype, inputShape: inputShape,
            batchInputShape: batchInputShape, batchSize: batchSize, weights: weights, tensorActivation: FunctionActivation(tensorActivation))
        let (config, arguments) = try written.resolved(.transposed, of: Self.self)
        self.init(config: config, arguments: arguments, policy: policy, kernels: kernels, kernelMode: kernelMode)
    }
}
