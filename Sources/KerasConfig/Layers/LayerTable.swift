import VoxLayerSpec

/// The classes of Keras's layers that are computed here, besides convolutions, activations, what does nothing at inference, and the wrapper
/// `TimeDistributed`: under every name that a generation of Keras has for them.
package enum LayerTable {
    private static let rules: [(rule: any LayerRule.Type, names: [String])] = [
        (PReLURule.self, ["PReLU"]),
        (BatchNormalizationRule.self, ["BatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2", "SyncBatchNormalization"]),
        (LayerNormalizationRule.self, ["LayerNormalization"]),
        (GroupNormalizationRule.self, ["GroupNormalization"]),
        (UnitNormalizationRule.self, ["UnitNormalization"]),
        (RescalingRule.self, ["Rescaling"]),
        (NormalizationRule.self, ["Normalization"]),
        (MergeRule.self, MergeRule.Function.allCases.map(\.rawValue)),
        (ConcatenateRule.self, ["Concatenate"]),
        (DotRule.self, ["Dot"]),
        (PoolingRule.self, ["MaxPooling3D", "MaxPool3D", "AveragePooling3D", "AvgPool3D"]),
        (
            GlobalPoolingRule.self,
            ["GlobalMaxPooling3D", "GlobalMaxPool3D", "GlobalAveragePooling3D", "GlobalAvgPool3D"]
        ),
        (UpSamplingRule.self, ["UpSampling3D"]),
        (EndsRule.self, ["ZeroPadding3D", "Cropping3D"]),
        (ReshapeRule.self, ["Reshape"]),
        (FlattenRule.self, ["Flatten"]),
        (PermuteRule.self, ["Permute"]),
        (RepeatVectorRule.self, ["RepeatVector"]),
        (DenseRule.self, ["Dense"]),
    ]

    private static let byName = Dictionary(uniqueKeysWithValues: rules.flatMap { rule, names in names.map { ($0, rule) } })

    /// What Keras 3 calls a class that TensorFlow 1 numbered; any other class keeps its name.
    package static func presentName(of className: String) -> String {
        ["BatchNormalizationV1", "BatchNormalizationV2"].contains(className) ? "BatchNormalization" : className
    }

    /// Every class that there is a rule for, whatever the config; operations left out.
    package static let classNames = Set(byName.keys)
    /// Classes that compute something else from the values of a batch when they are called with `training=True`.
    private static let ofTheBatch: Set<String> = ["BatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2", "SyncBatchNormalization"]

    /// The rule that an entry of a model's config follows.
    /// - Returns: nil for another class.
    /// - Throws: as the initializer of the rule.
    package static func rule(_ origin: LayerOrigin) throws(KerasConfigError) -> (any LayerRule)? {
        guard let type = ruleType(of: origin.object, isMasked: isMasked(origin.call)), let className = origin.object["class_name"]?.string else {
            return nil
        }
        return try make(type, ConfigReader(config: origin.object["config"]?.object ?? [:], className: className), origin)
    }

    private static func make<Rule: LayerRule>(_ type: Rule.Type, _ reader: ConfigReader, _ origin: LayerOrigin) throws(KerasConfigError) -> any LayerRule {
        try type.init(reader, origin)
    }

    /// Whether an entry is an operation of Keras, whose class is looked for among operations alone: layers have the same names.
    package static func isOperation(_ object: JSONObject) -> Bool {
        if ElementwiseLayer.isCustom(object) { return false }
        if OperationNames.isWrapper(object["class_name"]?.string ?? "") { return true }
        guard let module = object["module"]?.string else { return false }
        return module.hasPrefix("keras") && module.contains(".ops")
    }

    /// Whether a call of a layer of one input has a mask besides.
    private static func isMasked(_ call: ModelGraph.Call?) -> Bool { call.map { $0.inputs.count > 1 } ?? false }

    /// The activation that a call of a layer without weights is at inference; nil for another class, and where there is a mask.
    package static func activation(of object: JSONObject, generation: KerasGeneration, call: ModelGraph.Call?) -> Activation? {
        isOperation(object) || isMasked(call) ? nil : ElementwiseLayer.activation(of: object, generation: generation)
    }

    private static let maskArgument = "mask"

    /// Refuses tensors among the arguments by name of a layer, which would change its result or be taken for further inputs: all but the mask of
    /// Softmax. Operations have operands there.
    package static func checkTensorsByName(_ layer: ModelLayer) throws(KerasConfigError) {
        if isOperation(layer.object) { return }
        for call in layer.calls {
            for (key, argument) in call.keywords.sorted(by: { $0.key < $1.key }) where argument.json == nil {
                if layer.className == softmax, key == maskArgument, case .tensor = argument { continue }
                throw .wrongType(key: "\(key) of \(layer.className)", received: "a tensor", expected: "no tensor there")
            }
        }
    }

    private static let softmax = "Softmax"

    private static func ruleType(of object: JSONObject, isMasked: Bool = false) -> (any LayerRule.Type)? {
        guard let className = object["class_name"]?.string else { return nil }
        if ElementwiseLayer.isCustom(object) { return nil }
        if isOperation(object) { return OperationRule.self }
        // Along one axis it is an activation, and has no rule.
        if className == softmax, isMasked || object["config"]?.object?["axis"]?.array != nil { return SoftmaxRule.self }
        return byName[className]
    }

    /// Whether there is a rule for the class of an entry, whatever its config. Of operations, those that are known.
    package static func hasRule(_ object: JSONObject) -> Bool {
        guard let className = object["class_name"]?.string, let type = ruleType(of: object) else { return false }
        return type is OperationRule.Type ? OperationNames.isKnown(className, object["config"]?.object ?? [:]) : true
    }

    /// Whether a layer computes something else when it is called with `training=True`: a frozen normalization does not.
    package static func differsInTraining(_ object: JSONObject) -> Bool {
        guard let className = object["class_name"]?.string else { return false }
        if ElementwiseLayer.isTrainingOnly(className) { return true }
        return ofTheBatch.contains(className) && object["config"]?.object?["trainable"] != false
    }
}
