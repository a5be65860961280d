import VoxLayerSpec

/// Keras's names of the activations, both ways. Names and default parameters of Keras 3 are those of `Activation.samples`; what differs is here.
public enum ActivationNames {
    /// Names that Keras has besides `Activation.name`. Those of an activation that has a name already are read only.
    private static let further: [(name: String, activation: Activation)] = [
        ("swish", .silu), ("hard_swish", .hardSilu), ("relu6", .relu6), ("sparse_sigmoid", .sparseSigmoid), ("glu", .glu()),
    ]

    /// A name that Keras asks arguments for.
    private static let withoutDefaults = "threshold"

    /// What each name means in Keras 3, with the default parameters of `keras.activations`. The first name of an activation is
    /// the one Keras 3 writes.
    private static let table: [(name: String, activation: Activation)] = {
        var names: Set<String> = [withoutDefaults]
        return Activation.samples.filter { names.insert($0.name).inserted }.map { ($0.name, $0) } + further
    }()

    private static let byName = Dictionary(uniqueKeysWithValues: table.map { ($0.name, $0.activation) })

    /// The names Keras 2 writes; for all other activations it has none. The list is complete: Keras 2 gets no more.
    private static let keras2Names: Set<String> = [
        "linear", "relu", "elu", "selu", "softplus", "softsign", "tanh", "sigmoid", "hard_sigmoid", "exponential", "softmax",
        "leaky_relu", "gelu", "relu6", "mish", "log_softmax",
    ]

    /// The names that Keras 3 writes and Keras 2 does not.
    static let keras3Only = Set(
        Dictionary(table.map { ($0.activation, $0.name) }, uniquingKeysWith: { first, _ in first }).values
    ).subtracting(keras2Names)

    /// Layer classes whose name alone Keras 2 takes for an activation.
    private static let layerClasses: Set<String> = ["ReLU", "LeakyReLU", "ELU", "Softmax"]

    /// Names of activations that `json(_:generation:)` writes as layers where a parameter is not the default.
    private static let namesOfLayers: Set<String> = ["relu", "leaky_relu", "elu"]

    /// The module, and the prefix of registered names, of activations that Keras has no way to write.
    private static let ownPackage = "voxelsmith"

    /// Every name that is understood, aliases included.
    public static let all = table.map(\.name)

    /// The names of activations that change each element by itself.
    static let elementwise = table.filter(\.activation.isPointwise).map(\.name)

    /// The activation of a name, with the default parameters of `keras.activations`.
    /// - Throws: `KerasConfigError.activation`; `.activationArguments` for `threshold`, which has no defaults. Names are
    ///   case-sensitive, as in Keras.
    public static func activation(named name: String, generation: KerasGeneration = .keras3) throws(KerasConfigError) -> Activation {
        if name == "hard_sigmoid", generation == .keras2 { return .hardSigmoid(slope: 0.2) }
        if name == withoutDefaults, let activation = Activation.parameterized(named: name) {
            throw .activationArguments(name, activation.parameters.map(\.name))
        }
        if generation == .keras2, layerClasses.contains(name) { return try layer(name, [:], .string(name), generation) }
        guard let activation = byName[name] else { throw .activation("\"\(name)\"") }
        return activation
    }

    /// The activation of a config's `activation`: null, a name, a serialised function, a serialised activation layer (ReLU,
    /// LeakyReLU, ELU, Softmax, Activation), or what `json(_:generation:)` wrote.
    /// - Throws: `KerasConfigError.activation`.
    public static func activation(_ json: JSONValue?, generation: KerasGeneration = .keras3) throws(KerasConfigError) -> Activation {
        switch json {
        case nil, .null?: return .linear
        case .string(let name)?: return try activation(named: name, generation: generation)
        case .object(let object)?:
            guard let className = object["class_name"]?.string else { break }
            if className == "function", let name = object["config"]?.string {
                return try activation(named: name, generation: generation)
            }
            let config = object["config"]?.object ?? [:]
            if object["module"]?.string == ownPackage { return try own(className, config, .object(object)) }
            return try layer(className, config, .object(object), generation)
        default: break
        }
        throw .activation(json?.excerpt ?? "null")
    }

    /// The names under which a config's `activation` may be registered: the name itself, or those of a serialised object (Keras
    /// writes functions as {"class_name": "function", "config": name}).
    package static func identifiers(of json: JSONValue?) -> [String] {
        switch json {
        case .string(let name)?: [name]
        case .object(let object)?:
            [object["registered_name"], object["class_name"], object["config"]].compactMap { $0?.string }
        default: []
        }
    }

    /// A numeric parameter under any of its names: the default for null and absence, NaN for another type.
    private static func parameter(_ config: JSONObject, _ names: String..., default standard: Double?) -> Double? {
        for name in names {
            guard let value = config[name], !value.isNull else { continue }
            return value.number ?? .nan
        }
        return standard
    }

    private static func layer(
        _ className: String, _ config: JSONObject, _ json: JSONValue, _ generation: KerasGeneration
    ) throws(KerasConfigError) -> Activation {
        switch className {
        case "Activation":
            if let name = config["activation"]?.string { return try activation(named: name, generation: generation) }
        case "ReLU":
            // No maximum at all, in other words.
            let stated = parameter(config, "max_value", default: nil)
            let maximum = stated == .infinity ? nil : stated
            if let slope = parameter(config, "negative_slope", default: 0), let threshold = parameter(config, "threshold", default: 0),
                slope.isFinite, threshold.isFinite, maximum?.isFinite ?? true
            {
                return rectified(slope, maximum, threshold)
            }
        case "LeakyReLU":
            if let slope = parameter(config, "negative_slope", "alpha", default: 0.3), slope.isFinite { return .leakyRelu(slope: slope) }
        case "ELU":
            if let alpha = parameter(config, "alpha", default: 1), alpha.isFinite { return .elu(alpha: alpha) }
        case "Softmax":
            let axis = config["axis"] ?? -1
            if axis.isNull || axis == -1 { return .softmax }
            if let axis = axis.integer { return .alongAxis(.softmax, axis: axis) }
        default: break
        }
        throw .activation(json.excerpt)
    }

    /// relu with arguments, as the plainest activation that computes it.
    private static func rectified(_ slope: Double, _ maximum: Double?, _ threshold: Double) -> Activation {
        if maximum == nil && threshold == 0 { return slope == 0 ? .relu : .leakyRelu(slope: slope) }
        return .rectified(negativeSlope: slope, maximum: maximum, threshold: threshold)
    }

    /// What `own(_:)` below has written.
    private static func own(_ name: String, _ config: JSONObject, _ json: JSONValue) throws(KerasConfigError) -> Activation {
        if let function = Activation.AxisFunction(rawValue: name), let axis = config["axis"]?.integer {
            return .alongAxis(function, axis: axis)
        }
        if name == "gelu", case .bool(let approximate)? = config["approximate"] { return .gelu(approximate: approximate) }
        guard let sample = Activation.parameterized(named: name), !namesOfLayers.contains(name) else { return try activation(named: name) }
        let activation = sample.mapParameters { key, _ in parameter(config, key, default: nil).flatMap { $0.isFinite ? $0 : nil } }
        guard let activation else { throw .activation(json.excerpt) }
        return activation
    }

    /// The `activation` value of a config: a name; a serialised Keras layer where a parameter differs from the default and
    /// Keras has a layer with that parameter; otherwise an object with the registered name `voxelsmith>...`, to which a Keras
    /// user can register a function of their own.
    public static func json(_ activation: Activation, generation: KerasGeneration = .keras3) -> JSONValue {
        switch activation {
        case .silu where generation == .keras2: return "swish"
        case .hardSigmoid(slope: 0.2) where generation == .keras2: return "hard_sigmoid"
        case .hardSigmoid where generation == .keras2: return own(activation)
        default: break
        }
        if let name = table.first(where: { $0.activation == activation })?.name, generation == .keras3 || keras2Names.contains(name) {
            return .string(name)
        }
        func layer(_ className: String, name: String, _ arguments: JSONObject) -> JSONValue {
            // Keras 3 writes what every layer has, too; the name is the automatic one.
            var config: JSONObject = generation == .keras3 ? ["name": .string(name), "trainable": true, "dtype": DTypePolicy(.float32).json] : [:]
            for key in arguments.keys { config[key] = arguments[key] }
            return ["module": "keras.layers", "class_name": .string(className), "config": .object(config), "registered_name": nil]
        }
        switch activation {
        case .elu(let alpha): return layer("ELU", name: "elu", ["alpha": .number(alpha)])
        case .leakyRelu(let slope):
            return layer("LeakyReLU", name: "leaky_re_lu", generation == .keras3 ? ["negative_slope": .number(slope)] : ["alpha": .number(slope)])
        case .rectified(let slope, let maximum, let threshold):
            return layer(
                "ReLU", name: "re_lu",
                [
                    "max_value": maximum.map { .number($0) } ?? .null, "negative_slope": .number(slope),
                    "threshold": .number(threshold),
                ])
        case .alongAxis(.softmax, let axis): return layer("Softmax", name: "softmax", ["axis": .integer(axis)])
        default: return own(activation)
        }
    }

    private static func own(_ activation: Activation) -> JSONValue {
        var config: JSONObject = [:]
        for (name, value) in activation.parameters { config[name] = value.map { .number($0) } ?? .null }
        if case .gelu(let approximate) = activation { config["approximate"] = .bool(approximate) }
        if case .alongAxis(_, let axis) = activation { config["axis"] = .integer(axis) }
        return [
            "module": .string(ownPackage), "class_name": .string(activation.name), "config": .object(config),
            "registered_name": .string("\(ownPackage)>\(activation.name)"),
        ]
    }
}
