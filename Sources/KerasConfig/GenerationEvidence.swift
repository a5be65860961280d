import VoxLayerSpec

/// What a serialised layer or model says about the line of Keras that wrote it: marks that only one line leaves.
///
/// Both lines write `groups` and `dilation_rate` of a Conv3D, `module` and `registered_name`, `build_config` and plain dtypes; these
/// are no marks.
public struct GenerationEvidence: Hashable, Sendable {
    /// Marks that only Keras 3 leaves, each kind once.
    public private(set) var keras3: [String] = []
    /// Marks that only the lines before Keras 3 leave, each kind once.
    public private(set) var keras2: [String] = []
    /// What the file itself states.
    private let stated: KerasGeneration?
    private var mentionsHardSigmoid = false
    private var dilatesTransposed = false

    /// - Parameters:
    ///   - document: a serialised layer or model.
    ///   - kerasVersion: the `keras_version` of the file around the document; nil for the document's own, or that of the layer in an entry
    ///     of a suite.
    public init(in document: JSONValue, kerasVersion: String? = nil) {
        let version = kerasVersion ?? document.object?["keras_version"]?.string ?? document.object?["layer"]?.object?["keras_version"]?.string
        stated = version.map { KerasGeneration(kerasVersion: $0) }
        if let version { note(stated == .keras3, "keras_version \(JSONValue.string(version).excerpt)") }
        scan(document)
    }

    /// The line that is stated; else the one that more marks speak for; else Keras 3, since a bare `{"class_name", "config"}` means what
    /// the current Keras would make of it.
    public var generation: KerasGeneration { stated ?? (keras2.count > keras3.count ? .keras2 : .keras3) }

    /// What a reader of the document should know: nil when the marks agree, or when no result depends on them.
    public var warning: String? {
        if keras2.isEmpty != keras3.isEmpty { return nil }
        var consequences: [String] = []
        if mentionsHardSigmoid {
            consequences.append("hard_sigmoid is read as \(generation == .keras3 ? "Keras 3's relu6(x + 3) / 6" : "Keras 2's clip(0.2 x + 0.5, 0, 1)")")
        }
        // Keras 2 never wrote this argument, and ignored it.
        if dilatesTransposed, !keras2.isEmpty {
            consequences.append("dilation_rate of a transposed convolution is computed as Keras 3 does, where Keras 2 ignored it")
        }
        if consequences.isEmpty { return nil }
        let evidence: Sentence =
            keras3.isEmpty
            ? "Nothing in the file tells which line of Keras wrote it"
            : "The file has marks of Keras 3 (\(keras3.joined(separator: ", "))) and of earlier Keras (\(keras2.joined(separator: ", ")))"
        let sentence: Sentence = "\(evidence): \(consequences.joined(separator: "; ")); expected a keras_version that says which is meant."
        return sentence.text
    }

    private mutating func note(_ isKeras3: Bool, _ mark: String) {
        if isKeras3, !keras3.contains(mark) { keras3.append(mark) }
        if !isKeras3, !keras2.contains(mark) { keras2.append(mark) }
    }

    private static let keras3Policies: Set<String> = ["DTypePolicy", "FloatDTypePolicy", "QuantizedDTypePolicy"]
    private static let keras3Modules = ["keras.src.models", "keras.src.ops", "keras.src.backend"]
    private static let keras2Modules = ["tf_keras", "tensorflow", "keras.src.engine", "keras.engine"]
    private static let keras2Classes: Set<String> = ["TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer"]
    private static let transposed: Set<String> = [
        "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "Convolution1DTranspose", "Convolution2DTranspose", "Convolution3DTranspose",
    ]

    private mutating func scan(_ value: JSONValue) {
        switch value {
        case .array(let values): for value in values { scan(value) }
        case .object(let object):
            noteClass(object)
            noteMembers(object)
            for key in object.keys {
                let member = object[key] ?? .null
                if member == "hard_sigmoid", key != "name" { mentionsHardSigmoid = true }
                scan(member)
            }
        default: break
        }
    }

    /// Marks of a serialised object of some class.
    private mutating func noteClass(_ object: JSONObject) {
        guard let className = object["class_name"]?.string else { return }
        let module = object["module"]?.string ?? ""
        let config = object["config"]?.object ?? [:]
        if Self.keras3Policies.contains(className) { note(true, "a \(className)") }
        if className == "Policy", module.hasSuffix("mixed_precision") { note(false, "a mixed-precision Policy") }
        if Self.keras2Classes.contains(className) { note(false, "a \(className)") }
        if className == "Sequential", object["config"]?.array != nil { note(false, "a Sequential that is a list") }
        if let prefix = Self.keras3Modules.first(where: { module.hasPrefix($0) }) { note(true, "module \(prefix)") }
        if let prefix = Self.keras2Modules.first(where: { module.hasPrefix($0) }) { note(false, "module \(prefix)") }
        if className == "InputLayer", config["batch_shape"] != nil { note(true, "batch_shape") }
        if className == "LeakyReLU", config["alpha"] != nil { note(false, "alpha of a LeakyReLU") }
        if className == "LeakyReLU", config["negative_slope"] != nil { note(true, "negative_slope of a LeakyReLU") }
        guard Self.transposed.contains(className) else { return }
        if config["groups"] != nil { note(false, "groups of a \(className)") }
        // Keras 2 wrote this one for fewer than three axes.
        guard className.hasSuffix("3DTranspose"), let dilation = config["dilation_rate"] else { return }
        note(true, "dilation_rate of a \(className)")
        let values = dilation.array ?? [dilation]
        if values.contains(where: { ($0.integer ?? 0) > 1 }) { dilatesTransposed = true }
    }

    /// Marks of the members themselves.
    private mutating func noteMembers(_ object: JSONObject) {
        if object["batch_input_shape"] != nil { note(false, "batch_input_shape") }
        if object["input_axes"] != nil, object["output_axes"] != nil { note(true, "input_axes of an initializer") }
        if case .string? = object["input_layers"]?.array?.first { note(true, "input_layers of one name") }
        if let node = object["inbound_nodes"]?.array?.first {
            if node.object?["args"] != nil { note(true, "inbound_nodes with args") }
            if node.array != nil { note(false, "inbound_nodes that are lists") }
        }
        if let activation = object["activation"]?.string {
            if ActivationNames.keras3Only.contains(activation) { note(true, "activation \(activation)") }
            if activation == "swish" { note(false, "activation swish") }
        }
        for key in object.keys where ["_initializer", "_regularizer", "_constraint"].contains(where: key.hasSuffix) {
            if let part = object[key]?.object, part["class_name"] != nil, part["module"] == nil { note(false, "objects without module") }
        }
    }
}
