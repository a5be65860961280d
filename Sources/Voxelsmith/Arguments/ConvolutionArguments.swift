import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

/// Where a layer's layout comes from.
package enum LayoutOrigin: Hashable, Sendable, CustomStringConvertible {
    /// An argument of the initializer.
    case argument
    case config
    /// Neither an argument nor a config stated it.
    case settings(KerasSettings.Origin)

    package var description: String {
        switch self {
        case .argument: "by its argument"
        case .config: "by its config"
        case .settings(let origin): origin.description
        }
    }
}

/// The arguments of a convolution layer that no kernel depends on, and so are not part of its `LayerConfig`.
public struct ConvolutionArguments: Sendable {
    package var trainable = true
    package var dtypePolicy = DTypePolicy.float32
    /// nil means Glorot uniform, for the bias too, as in Keras.
    package var kernelInitializer: (any Initializer)? = GlorotUniform()
    package var biasInitializer: (any Initializer)? = Zeros()
    package var kernelRegularizer: (any Regularizer)?
    package var biasRegularizer: (any Regularizer)?
    package var activityRegularizer: (any Regularizer)?
    package var kernelConstraint: (any Constraint)?
    package var biasConstraint: (any Constraint)?
    /// (batch, ...), nil where unknown.
    package var batchInputShape: [Int?]?
    /// Assigned right after the layer is built.
    package var weights: [Tensor]?
    package var tensorActivation: (any TensorActivation)?
    package var layoutOrigin = LayoutOrigin.config

    /// Keras's defaults.
    public init() {}

    /// What a layer's initializer was given, with names resolved; nil means what the user's keras.json says, where that has such a default.
    /// - Parameters:
    ///   - written: the arguments as they were written.
    ///   - layout: what their data format means.
    ///   - tensorActivation: the activation that is computed in Swift, whichever argument stated it.
    /// - Throws: `KerasConfigError` for an illegal input shape, `KerasSettingsError` for an illegal keras.json when it is needed, and
    ///   what unknown names throw.
    init(_ written: WrittenArguments, layout: Layout, tensorActivation: (any TensorActivation)?) throws {
        trainable = written.trainable
        dtypePolicy = try written.dtype?.resolvedDType() ?? KerasSettings.current.floatx
        kernelInitializer = try written.kernelInitializer?.resolvedInitializer()
        biasInitializer = try written.biasInitializer?.resolvedInitializer()
        kernelRegularizer = try written.kernelRegularizer?.resolvedRegularizer()
        biasRegularizer = try written.biasRegularizer?.resolvedRegularizer()
        activityRegularizer = try written.activityRegularizer?.resolvedRegularizer()
        kernelConstraint = try written.kernelConstraint?.resolvedConstraint()
        biasConstraint = try written.biasConstraint?.resolvedConstraint()
        batchInputShape = try Self.batchInputShape(
            inputShape: written.inputShape, batchInputShape: written.batchInputShape, batchSize: written.batchSize, layout: layout)
        weights = written.weights
        self.tensorActivation = tensorActivation
        layoutOrigin = try written.dataFormat == nil ? .settings(KerasSettings.current.imageDataFormatOrigin) : .argument
    }

    /// The layout given, or the user's default.
    static func layout(_ given: (any LayoutArgument)?) throws -> Layout {
        try given?.resolvedLayout() ?? KerasSettings.current.imageDataFormat
    }

    /// What a layer's two arguments for its activation mean: the one that is a tensor activation wins.
    static func activations(
        _ activation: (any ActivationArgument)?, _ tensorActivation: (any TensorActivation)?
    ) throws -> (activation: Activation, tensorActivation: (any TensorActivation)?) {
        if let tensorActivation { return (.linear, tensorActivation) }
        return try activation?.resolvedActivation() ?? (.linear, nil)
    }

    /// Reads what the config of a Keras layer of any generation says.
    /// - Throws: `KerasConfigError`, `ArgumentError`, and what makers of registered objects throw.
    package init(_ config: JSONObject, className: String, layout: Layout, generation: KerasGeneration, objects: CustomObjects = .shared) throws {
        let reader = ConfigReader(config: config, className: className)
        trainable = try reader.bool("trainable") ?? true
        dtypePolicy = try DTypePolicy(json: config["dtype"]) ?? .float32
        // A missing key means the default, null means None.
        if let json = config["kernel_initializer"] { kernelInitializer = try objects.initializer(json) }
        if let json = config["bias_initializer"] { biasInitializer = try objects.initializer(json) }
        kernelRegularizer = try objects.regularizer(config["kernel_regularizer"], generation: generation)
        biasRegularizer = try objects.regularizer(config["bias_regularizer"], generation: generation)
        activityRegularizer = try objects.regularizer(config["activity_regularizer"], generation: generation)
        kernelConstraint = try objects.constraint(config["kernel_constraint"], generation: generation)
        biasConstraint = try objects.constraint(config["bias_constraint"], generation: generation)
        batchInputShape = try KerasLayer.inputShape(object: ["config": .object(config)], layout: layout)
        if config["batch_input_shape"]?.array == nil, batchInputShape != nil, let batch = try reader.integer("batch_size") {
            batchInputShape?[0] = batch
        }
        tensorActivation = try objects.activation(config["activation"])
    }

    /// The members of a Keras 3 config that these arguments are.
    package var config: JSONObject {
        func json(_ object: (any KerasObject)?) -> JSONValue { object?.serialized() ?? .null }
        return [
            "trainable": .bool(trainable), "dtype": dtypePolicy.json, "kernel_initializer": json(kernelInitializer),
            "bias_initializer": json(biasInitializer), "kernel_regularizer": json(kernelRegularizer),
            "bias_regularizer": json(biasRegularizer), "activity_regularizer": json(activityRegularizer),
            "kernel_constraint": json(kernelConstraint), "bias_constraint": json(biasConstraint),
        ]
    }

    /// Keras's three ways of stating an input shape, as one.
    /// - Parameters:
    ///   - inputShape: without the batch extent; `batchSize` counts only together with it.
    ///   - batchInputShape: with the batch extent; wins over `inputShape`.
    /// - Throws: `KerasConfigError.inputShape` unless there are five legal extents, the channels being known.
    static func batchInputShape(
        inputShape: [Int?]?, batchInputShape: [Int?]?, batchSize: Int?, layout: Layout
    ) throws(KerasConfigError) -> [Int?]? {
        guard let shape = batchInputShape ?? inputShape.map({ [batchSize] + $0 }) else { return nil }
        return try ConfigReader.shape(JSONValue(shape: shape), layout: layout)
    }
}
