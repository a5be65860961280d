import VoxKerasConfig
import VoxLayerSpec

/// What a convolution layer was made with.
extension Conv3D {
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
}
