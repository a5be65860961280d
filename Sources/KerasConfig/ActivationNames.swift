import LayerSpec

/// Keras's names of the activations, both ways.
public enum ActivationNames {
    /// Every name that is understood, aliases included.
    public static let all = [
        "linear", "relu", "elu", "selu", "softplus", "softsign", "tanh", "sigmoid", "hard_sigmoid", "exponential", "softmax",
        "leaky_relu", "gelu", "silu", "swish",
    ]

    /// The activation of a name, with the default parameters of `keras.activations`.
    /// - Throws: `KerasConfigError.activation`. Names are case-sensitive, as in Keras.
    public static func activation(named name: String, generation: KerasGeneration = .keras3) throws(KerasConfigError) -> Activation {
        switch name {
        case "linear": .linear
        case "relu": .relu
        case "elu": .elu(alpha: 1)
        case "selu": .selu
        case "softplus": .softplus
        case "softsign": .softsign
        case "tanh": .tanh
        case "sigmoid": .sigmoid
        case "hard_sigmoid": .hardSigmoid(slope: generation == .keras3 ? 1.0 / 6 : 0.2)
        case "exponential": .exponential
        case "softmax": .softmax
        case "leaky_relu": .leakyRelu(slope: 0.2)
        case "gelu": .gelu(approximate: false)
        case "silu", "swish": .silu
        default: throw .activation("\"\(name)\"")
        }
    }

    /// The activation of a config's `activation`: null, a name, a serialised function, or a serialised activation layer
    /// (ReLU, LeakyReLU, ELU, Softmax, Activation) whose parameters `Activation` can express.
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
            /// A numeric parameter under any of its names; null and absence mean the default.
            func parameter(_ names: String..., default standard: Double?) -> Double? {
                for name in names {
                    switch config[name] {
                    case .integer(let value)?: return Double(value)
                    case .number(let value)?: return value
                    case .null?, nil: continue
                    default: return .nan
                    }
                }
                return standard
            }
            switch className {
            case "Activation":
                if let name = config["activation"]?.string { return try activation(named: name, generation: generation) }
            case "ReLU":
                let slope = parameter("negative_slope", default: 0)
                if parameter("max_value", default: nil) == nil, parameter("threshold", default: 0) == 0, let slope, slope.isFinite {
                    return slope == 0 ? .relu : .leakyRelu(slope: slope)
                }
            case "LeakyReLU":
                if let slope = parameter("negative_slope", "alpha", default: 0.3), slope.isFinite { return .leakyRelu(slope: slope) }
            case "ELU":
                if let alpha = parameter("alpha", default: 1), alpha.isFinite { return .elu(alpha: alpha) }
            case "Softmax":
                if parameter("axis", default: -1) == -1 { return .softmax }
            default: break
            }
        default: break
        }
        throw .activation(json?.excerpt ?? "null")
    }

    /// The `activation` value of a config: a name, or a serialised layer where a parameter differs from the default.
    /// - Throws: `KerasConfigError.notRepresentable` for what the generation has no name for.
    public static func json(_ activation: Activation, generation: KerasGeneration = .keras3) throws(KerasConfigError) -> JSONValue {
        func layer(_ className: String, _ parameter: String, _ value: Double) -> JSONValue {
            [
                "module": "keras.layers", "class_name": .string(className), "config": [parameter: .number(value)],
                "registered_name": nil,
            ]
        }
        let dialect = generation == .keras3 ? "Keras 3" : "Keras 2"
        switch activation {
        case .linear: return "linear"
        case .relu: return "relu"
        case .elu(alpha: 1): return "elu"
        case .elu(let alpha): return layer("ELU", "alpha", alpha)
        case .selu: return "selu"
        case .softplus: return "softplus"
        case .softsign: return "softsign"
        case .tanh: return "tanh"
        case .sigmoid: return "sigmoid"
        case .hardSigmoid(let slope):
            let name: JSONValue = "hard_sigmoid"
            if try Self.activation(name, generation: generation) == activation { return name }
            throw .notRepresentable(what: "hard_sigmoid with slope \(slope)", dialect: dialect)
        case .exponential: return "exponential"
        case .leakyRelu(slope: 0.2): return "leaky_relu"
        case .leakyRelu(let slope): return layer("LeakyReLU", generation == .keras3 ? "negative_slope" : "alpha", slope)
        case .gelu(approximate: false): return "gelu"
        case .gelu(approximate: true): throw .notRepresentable(what: "gelu in its tanh form", dialect: dialect)
        case .silu: return generation == .keras3 ? "silu" : "swish"
        case .softmax: return "softmax"
        }
    }
}
