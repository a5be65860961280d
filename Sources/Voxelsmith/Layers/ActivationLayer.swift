import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors

/// A layer of a file that has no weights and is an activation at inference: `Activation`, `ReLU`, `LeakyReLU`, `ELU`, `Softmax`; or
/// nothing at all: `Dropout` and its like.
final class ActivationLayer: Layer {
    private let kerasClass: String
    private let config: JSONObject
    private let activation: Activation
    /// The user's own; then `activation` is linear.
    private let tensorActivation: (any TensorActivation)?
    private let policy: DTypePolicy

    /// - Returns: nil for another class, and for an activation nobody knows.
    /// - Throws: `KerasConfigError.elementType`, `KerasSettingsError`, and what makers of registered activations throw.
    convenience init?(_ object: JSONObject, generation: KerasGeneration, objects: CustomObjects) throws {
        let config = object["config"]?.object ?? [:]
        let own = try object["class_name"]?.string == "Activation" ? objects.activation(config["activation"]) : nil
        guard let activation = own == nil ? ElementwiseLayer.activation(of: object, generation: generation) : .linear else { return nil }
        let policy = try DTypePolicy(json: config["dtype"]) ?? DTypePolicy(json: .string(KerasSettings.current.floatx.rawValue)) ?? .float32
        self.init(
            kerasClass: object["class_name"]?.string ?? "", config: config, activation: activation, tensorActivation: own, policy: policy)
        if kerasClass == "ActivityRegularization" {
            activityRegularizer = try objects.regularizer(["class_name": "L1L2", "config": ["l1": config["l1"] ?? 0, "l2": config["l2"] ?? 0]])
        }
    }

    private init(
        kerasClass: String, config: JSONObject, activation: Activation, tensorActivation: (any TensorActivation)?, policy: DTypePolicy
    ) {
        (self.kerasClass, self.config, self.activation) = (kerasClass, config, activation)
        (self.tensorActivation, self.policy) = (tensorActivation, policy)
        super.init(
            name: config["name"]?.string ?? UniqueNames.shared.next(forClass: kerasClass), dtype: policy.variableType,
            trainable: config["trainable"] != false)
        isBuilt = true
    }

    /// Whether an entry is such a layer.
    static func isKnown(_ object: JSONObject, generation: KerasGeneration, objects: CustomObjects) -> Bool {
        if ElementwiseLayer.activation(of: object, generation: generation) != nil { return true }
        guard object["class_name"]?.string == "Activation" else { return false }
        let names = objects.activationNames
        return ActivationNames.identifiers(of: object["config"]?.object?["activation"]).contains(where: names.contains)
    }

    /// What a call computes, where no function of the user's own does.
    var plainActivation: Activation? { tensorActivation == nil ? activation : nil }

    override var className: String { kerasClass }
    override var computeType: ElementType { policy.computeType }

    override func call(_ x: Tensor, threads: Int) throws -> Tensor {
        try Self.apply(activation, tensorActivation, to: x, type: computeType, threads: threads)
    }

    private static func apply(
        _ activation: Activation, _ tensorActivation: (any TensorActivation)?, to x: Tensor, type: ElementType, threads: Int
    ) throws -> Tensor {
        if let tensorActivation { return try tensorActivation(x).cast(to: type) }
        return try apply(activation, to: x, threads: threads)
    }

    /// A tensor after an activation.
    static func apply(_ activation: Activation, to x: Tensor, threads: Int) throws -> Tensor {
        if case .alongAxis(let function, let axis) = activation { return try ActivationArithmetic.apply(function, axis: axis, to: x) }
        if activation == .linear { return x }
        var y = x
        let (type, shape) = (y.elementType, y.shape)
        try y.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            ActivationArithmetic.apply(activation, to: start, type: type, shape: shape, threads: threads)
        }
        return y
    }

    override func computeOutputShape(_ inputShape: [Int]) throws -> [Int] {
        try tensorActivation?.outputShape(inputShape) ?? activation.shape(of: inputShape.map { Int?.some($0) }).map { $0 ?? 0 }
    }

    override func computeOutputShape(_ inputShape: [Int?]) throws -> [Int?] {
        tensorActivation == nil ? try activation.shape(of: inputShape) : try super.computeOutputShape(inputShape)
    }

    /// As Keras 3 writes it.
    override func getConfig() throws -> JSONObject {
        var result: JSONObject = ["name": .string(name), "trainable": .bool(trainable), "dtype": policy.json]
        for key in config.keys where result[key] == nil && !["batch_input_shape", "autocast", "alpha"].contains(key) { result[key] = config[key] }
        switch (kerasClass, activation) {
        case ("Activation", _): result["activation"] = tensorActivation?.serialized() ?? ActivationNames.json(activation)
        case ("LeakyReLU", .leakyRelu(let slope)): result["negative_slope"] = .number(slope)
        case ("ELU", .elu(let alpha)): result["alpha"] = .number(alpha)
        default: break
        }
        return result
    }

    override func makeCopy() throws -> Layer {
        ActivationLayer(kerasClass: kerasClass, config: config, activation: activation, tensorActivation: tensorActivation, policy: policy)
    }

    override func preparedCall(inputShapes: [[Int]]) throws -> PreparedCall {
        let (activation, tensorActivation, type) = (activation, tensorActivation, computeType)
        return { xs, threads in try xs.map { try Self.apply(activation, tensorActivation, to: $0, type: type, threads: threads) } }
    }
}
