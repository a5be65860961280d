import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors

/// A layer or an operation of a model's config that is neither a convolution nor a plain activation: what its rule says. Models that are read
/// have such layers; there are no initializers for them.
final class DefinedLayer: Layer {
    let rule: any ComputedRule
    private let kerasClass: String
    private let config: JSONObject
    private let policy: DTypePolicy
    /// Of the weights, by their names.
    private let settings: [String: WeightSettings]
    /// The user's own, which follows what the rule computes.
    private let tensorActivation: (any TensorActivation)?

    /// What a config says of one weight.
    private struct WeightSettings {
        let initializer: (any Initializer)?
        let regularizer: (any Regularizer)?
        let constraint: (any Constraint)?
    }

    /// - Returns: nil for a class that has no rule.
    /// - Throws: `KerasConfigError.inLayer` for a config that its class does not take, and what makers of registered objects throw.
    convenience init?(_ entry: ModelLayer, generation: KerasGeneration, objects: CustomObjects) throws {
        var config = entry.object["config"]?.object ?? [:]
        // A node of TensorFlow has its own name in the config.
        if let name = entry.name { config["name"] = .string(name) }
        let layout = config["data_format"]?.string == nil ? try KerasSettings.current.imageDataFormat : .channelsLast
        // Of calls with and without a mask, one with it.
        let call = entry.calls.first { $0.inputs.count > 1 } ?? entry.calls.first
        let origin = LayerOrigin(
            entry.object, generation: generation, call: call, layout: layout, customActivations: objects.activationNames)
        let title = entry.name ?? entry.className
        let rule: (any LayerRule)?
        do { rule = try LayerTable.rule(origin) } catch { throw KerasConfigError.inLayer(title, error) }
        guard let rule else { return nil }
        guard let computed = rule as? any ComputedRule else { throw KerasConfigError.unsupportedClass(entry.className) }
        let policy = try DTypePolicy(json: config["dtype"]) ?? DTypePolicy(json: .string(KerasSettings.current.floatx.rawValue)) ?? .float32
        var settings: [String: WeightSettings] = [:]
        for weight in rule.weights {
            settings[weight.name] = try Self.settings(weight, config, generation, objects)
        }
        let own = rule is DenseRule ? try objects.activation(config["activation"]) : nil
        self.init(computed, LayerTable.presentName(of: entry.className), config, policy, settings, own)
        activityRegularizer = try objects.regularizer(config["activity_regularizer"], generation: generation)
    }

    private init(
        _ rule: any ComputedRule, _ kerasClass: String, _ config: JSONObject, _ policy: DTypePolicy, _ settings: [String: WeightSettings],
        _ tensorActivation: (any TensorActivation)?
    ) {
        (self.rule, self.kerasClass, self.config) = (rule, kerasClass, config)
        (self.policy, self.settings, self.tensorActivation) = (policy, settings, tensorActivation)
        super.init(
            name: config["name"]?.string ?? UniqueNames.shared.next(forClass: kerasClass), dtype: policy.variableType,
            trainable: config["trainable"] != false)
        isBuilt = rule.weights.isEmpty
    }

    private static func settings(
        _ weight: WeightRule, _ config: JSONObject, _ generation: KerasGeneration, _ objects: CustomObjects
    ) throws -> WeightSettings {
        let stated = config["\(weight.name)_initializer"] ?? .null
        return WeightSettings(
            initializer: try objects.initializer(stated.isNull ? .string(weight.start.rawValue) : stated),
            regularizer: try objects.regularizer(config["\(weight.name)_regularizer"], generation: generation),
            constraint: try objects.constraint(config["\(weight.name)_constraint"], generation: generation))
    }

    private var operation: OperationRule? { rule as? OperationRule }

    override var className: String { operation?.className ?? kerasClass }
    var isOperation: Bool { rule is OperationRule }

    /// An operation has no type of its own: it computes in that of what it is called on.
    override var computeType: ElementType {
        guard isOperation, let inputs = nodes.first?.inputs, let first = inputs.first else { return policy.computeType }
        if inputs.allSatisfy({ $0.dtype == first.dtype }) { return first.dtype }
        return inputs.contains { $0.dtype == .float64 } ? .float64 : .float32
    }

    // MARK: Weights

    override var expectedWeightNames: [String] { rule.weights.map(\.name) }
    override var expectedTrainableCount: Int { rule.weights.count { $0.isTrainable } }

    override func build(inputShape: [Int]) throws {
        try makeWeights([inputShape.map { $0 }])
        try super.build(inputShape: inputShape)
    }

    override func build(inputShapes: [[Int]]) throws {
        if inputShapes.count != 1 { try makeWeights(inputShapes.map { shape in shape.map { $0 } }) }
        try super.build(inputShapes: inputShapes)
    }

    override func buildSymbolically(_ shapes: [[Int?]]) throws {
        try makeWeights(shapes)
        try super.build(inputShapes: shapes.map { try knownShape($0) })
    }

    private func makeWeights(_ shapes: [[Int?]]) throws {
        if isBuilt { throw LayerError.alreadyBuilt(layer: name) }
        // Those of a copy exist, and those that were made for a shape with unknown extents.
        if ownVariables.count == rule.weights.count { return }
        let extents = try placed { () throws(KerasConfigError) in try rule.weightShapes(shapes) }
        try makeWeights(extents) { settings[$0.name]?.initializer }
    }

    private func makeWeights(_ shapes: [[Int]], _ initializer: (WeightRule) -> (any Initializer)?) throws {
        do {
            for (weight, shape) in zip(rule.weights, shapes) {
                try addWeight(
                    name: weight.name, shape: shape, initializer: initializer(weight), regularizer: settings[weight.name]?.regularizer,
                    trainable: weight.isTrainable, constraint: settings[weight.name]?.constraint)
            }
        } catch {
            ownVariables = []
            throw error
        }
    }

    /// Takes the weights of a file; of a layer that is not built they say what they are for, and a call says whether its inputs fit them.
    override func takeWeights(_ values: [Tensor]) throws {
        if isBuilt { return try setWeights(values) }
        if values.count != rule.weights.count { throw LayerError.weightCount(layer: name, received: values.count, expected: rule.weights.count) }
        try makeWeights(values.map(\.shape)) { _ in Zeros() }
        _ = usedScope()
        isBuilt = true
        try setWeights(values)
    }

    // MARK: Calls

    private func placed<Result>(_ body: () throws(KerasConfigError) -> Result) throws -> Result {
        do { return try body() } catch { throw KerasConfigError.inLayer(name, error) }
    }

    override func call(_ xs: [Tensor], threads: Int) throws -> [Tensor] { [try computation()(xs, threads)] }

    override func call(_ x: Tensor, threads: Int) throws -> Tensor { try computation()([x], threads) }

    override func preparedCall(inputShapes: [[Int]]) throws -> PreparedCall {
        if !isBuilt { try build(inputShapes: inputShapes) }
        let compute = try computation()
        return { xs, threads in [try compute(xs, threads)] }
    }

    /// The rule with the numbers that it computes with, and its present weights.
    private func ruleAndWeights() throws -> (rule: any ComputedRule, weights: [Tensor]) {
        let weights = try zip(rule.weights, ownVariables).map { weight, variable in
            // Rounded where Keras rounds them, then in the type that is computed with.
            try weight.isRounded ? variable.value.cast(to: policy.computeType).cast(to: policy.elementType) : variable.value
        }
        return (rule.rounded(to: computeType), weights)
    }

    /// What computes the layer, where nothing of the user's own follows.
    func plainRule() throws -> (rule: any ComputedRule, weights: [Tensor])? { tensorActivation == nil ? try ruleAndWeights() : nil }

    /// What a batch normalization does to each channel; nil for another layer.
    /// - Throws: `KerasConfigError` for an input that the weights do not fit: those of a file may be there before any shape is.
    func channelAffine(inputShape: [Int]) throws -> (scales: [Double], shifts: [Double])? {
        guard let rule = rule as? BatchNormalizationRule else { return nil }
        let weights = ownVariables.map(\.value)
        _ = try placed { () throws(KerasConfigError) in try Self.outputShape(rule, [inputShape], weights) }
        return rule.affine(weights: weights)
    }

    /// The layer with its present weights as a function that any task may call.
    private func computation() throws -> @Sendable ([Tensor], Int) throws -> Tensor {
        let type = computeType
        let (name, tensorActivation) = (name, tensorActivation)
        let (rule, weights) = try ruleAndWeights()
        return { xs, threads in
            let shape: [Int]
            do throws(KerasConfigError) {
                shape = try Self.outputShape(rule, xs.map(\.shape), weights)
            } catch {
                throw KerasConfigError.inLayer(name, error)
            }
            if shape.contains(0) { return try Tensor(zeros: shape, type) }
            // Numbers that loops are given are computed under the default arithmetic too.
            let y = try DefaultArithmetic.run { () throws -> Tensor in
                let inputs = try xs.map { try $0.cast(to: type.arithmetic) }
                return try rule.compute(inputs, weights: weights, to: shape, threads: threads).cast(to: type)
            }
            return try tensorActivation.map { try $0(y).cast(to: type) } ?? y
        }
    }

    /// The shape of the result for inputs that the weights fit.
    static func outputShape(_ rule: any ComputedRule, _ inputs: [[Int]], _ weights: [Tensor]) throws(KerasConfigError) -> [Int] {
        let shapes = inputs.map { shape in shape.map { Int?.some($0) } }
        let result = try rule.outputShape(shapes)
        for (index, needed) in try rule.weightShapes(shapes).enumerated() where weights.indices.contains(index) && weights[index].shape != needed {
            throw .layerInputs(shapes, expected: "one that its weight \(rule.weights[index].name) of shape \(weights[index].shape) is for")
        }
        return result.map { $0 ?? 0 }
    }

    override func computeOutputShapes(_ inputShapes: [[Int?]]) throws -> [[Int?]] {
        var shape = try placed { () throws(KerasConfigError) in try rule.outputShape(inputShapes) }
        let known = shape.compactMap(\.self)
        if let tensorActivation, known.count == shape.count { shape = try tensorActivation.outputShape(known).map { $0 } }
        return [shape]
    }

    override func computeOutputShape(_ inputShape: [Int?]) throws -> [Int?] { try computeOutputShapes([inputShape])[0] }

    override func computeOutputShape(_ inputShape: [Int]) throws -> [Int] {
        try computeOutputShapes([inputShape.map { $0 }])[0].map { $0 ?? 0 }
    }

    // MARK: Configs

    /// Members that Keras 3 does not know.
    private static let ofEarlierKeras: Set<String> = [
        "batch_input_shape", "input_shape", "autocast", "dynamic", "batch_size", "input_dtype", "fused", "virtual_batch_size", "adjustment",
        "robust_masking",
    ]

    /// As Keras 3 writes it.
    override func getConfig() throws -> JSONObject {
        var result: JSONObject = ["name": .string(name)]
        if operation == nil {
            result["trainable"] = .bool(trainable)
            result["dtype"] = policy.json
        }
        for (key, value) in rule.arguments { result[key] = value }
        if operation != nil { return result }
        for (key, value) in config where result[key] == nil && !Self.ofEarlierKeras.contains(key) { result[key] = value }
        if let tensorActivation { result["activation"] = tensorActivation.serialized() }
        return result
    }

    override func callArguments(_ tensors: [JSONValue]) -> [JSONValue] {
        guard let operation else { return super.callArguments(rule is SoftmaxRule ? Array(tensors.prefix(1)) : tensors) }
        let operands = operation.operands.map { operand in
            switch operand {
            case .tensor(let index): tensors.indices.contains(index) ? tensors[index] : .null
            case .numbers(let numbers): numbers.json
            }
        }
        switch operation.function {
        case .concatenation, .stack: return [.array(operands)]
        case .movement(.slices(let key)): return operands + [key.json]
        default: return operands
        }
    }

    override func callKeywords(_ tensors: [JSONValue]) -> JSONObject { rule is SoftmaxRule && tensors.count > 1 ? ["mask": tensors[1]] : [:] }

    /// The module of Keras 3 that has the class.
    var kerasModule: String { operation?.module ?? "keras.layers" }
    /// Operations are registered under their class; layers of Keras are not.
    var registeredName: JSONValue { operation.map { .string($0.className) } ?? .null }

    override func makeCopy() throws -> Layer { DefinedLayer(rule, kerasClass, config, policy, settings, tensorActivation) }
}
