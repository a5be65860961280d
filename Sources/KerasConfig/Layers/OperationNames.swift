import VoxLayerSpec

/// What the generations of Keras call operations.
enum OperationNames {
    /// Other names of Keras 3's classes.
    static let aliases = ["TrueDivide": "Divide", "Abs": "Absolute", "Concat": "Concatenate"]

    /// The functions of TensorFlow that tf.keras 2 writes, as classes of Keras 3.
    static let tensorFlow: [String: String] = [
        "__operators__.add": "Add", "math.add": "Add", "math.subtract": "Subtract", "math.multiply": "Multiply", "math.divide": "Divide",
        "math.truediv": "Divide", "math.maximum": "Maximum", "math.minimum": "Minimum", "math.pow": "Power", "math.negative": "Negative",
        "math.abs": "Absolute", "math.square": "Square", "math.sqrt": "Sqrt", "math.rsqrt": "Rsqrt", "math.reciprocal": "Reciprocal", "math.exp": "Exp",
        "math.log": "Log", "concat": "Concatenate", "nn.relu": "Relu", "nn.relu6": "Relu6", "nn.leaky_relu": "LeakyRelu", "nn.elu": "Elu",
        "nn.selu": "Selu", "nn.gelu": "Gelu", "nn.silu": "Silu", "nn.softplus": "Softplus", "math.softplus": "Softplus", "nn.softsign": "Softsign",
        "nn.sigmoid": "Sigmoid", "math.sigmoid": "Sigmoid", "nn.tanh": "Tanh", "math.tanh": "Tanh", "nn.softmax": "Softmax",
        "nn.log_softmax": "LogSoftmax", "clip_by_value": "Clip", "math.reduce_mean": "Mean", "math.reduce_sum": "Sum", "math.reduce_max": "Max",
        "math.reduce_min": "Min", "reshape": "Reshape", "transpose": "Transpose", "compat.v1.transpose": "Transpose", "squeeze": "Squeeze",
        "compat.v1.squeeze": "Squeeze", "expand_dims": "ExpandDims", "stack": "Stack", "__operators__.getitem": "GetItem",
    ]

    /// TensorFlow's names of parameters as Keras 3's, where they differ.
    private static let parameters = [
        "alpha": "negative_slope", "clip_value_min": "x_min", "clip_value_max": "x_max", "shape": "newshape", "perm": "axes", "slice_spec": key,
    ]

    /// What stands between the brackets of `x[...]`: an argument of the call, of which Keras 3 has nothing in the config.
    static let key = "key"

    /// TensorFlow's name of a parameter as Keras 3's.
    static func parameter(_ key: String) -> String { parameters[key] ?? key }

    /// Arguments that are followed in one meaning alone: beta is the factor of swish.
    static let defaults: JSONObject = ["beta": 1, "conjugate": false]

    /// What configs and calls have whatever they compute.
    static let ofEveryLayer: Set<String> = ["name", "dtype", "trainable", "training"]

    /// Classes of Keras 3 that are an activation without arguments: by their class, its name. Keras writes `relu6` and `Relu6` as it writes
    /// all of them, the class being the name of the function with capitals for the underscores.
    private static let plain: [String: String] = {
        var result: [String: String] = [:]
        for name in ActivationNames.elementwise {
            let className = name.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
            if withNumber[className] == nil, !withArguments.contains(className) { result[className] = name }
        }
        return result
    }()

    /// Classes of Keras 3 that are an activation with one number: its name in the config, and its default.
    private static let withNumber: [String: (key: String, standard: Double, activation: @Sendable (Double) -> Activation)] = [
        "LeakyRelu": ("negative_slope", 0.2, { .leakyRelu(slope: $0) }), "Elu": ("alpha", 1, { .elu(alpha: $0) }),
        "Celu": ("alpha", 1, { .celu(alpha: $0) }), "Squareplus": ("b", 4, { .squareplus(b: $0) }),
        "HardShrink": ("threshold", 0.5, { .hardShrink(threshold: $0) }), "SoftShrink": ("threshold", 0.5, { .softShrink(threshold: $0) }),
    ]

    private static let withArguments: Set<String> = [
        "Concatenate", "Softmax", "LogSoftmax", "Gelu", "Glu", "Threshold", "Clip", "Stack",
    ]

    /// Whether a class is one of operations, whatever its module.
    static func isWrapper(_ className: String) -> Bool { OperationRule.wrapperClasses.contains(className) || className == TensorFlowNode.className }

    /// Whether a class is computed here.
    /// - Parameter config: which names the function of TensorFlow, where the class is one of tf.keras 2's for all of them.
    static func isKnown(_ className: String, _ config: JSONObject) -> Bool {
        if OperationRule.wrapperClasses.contains(className) { return tensorFlow[config["function"]?.string ?? ""] != nil }
        if className == TensorFlowNode.className { return TensorFlowNode.isKnown(config) }
        let name = aliases[className] ?? className
        return ElementFunction(rawValue: name) != nil || ReductionFunction(rawValue: name) != nil || plain[name] != nil || withNumber[name] != nil
            || withArguments.contains(name) || ElementMovement.classNames.contains(name)
    }

    private static let numpy = "keras.src.ops.numpy"

    /// What a class computes, the members of its config besides the name, and the module of Keras 3 that has it.
    /// - Parameter key: the argument of that name, if the class has one.
    /// - Throws: `KerasConfigError.unsupportedClass` for one that is not computed here, and errors about its arguments.
    static func function(
        _ name: String, _ reader: ConfigReader, key: CallArgument?
    ) throws(KerasConfigError) -> (OperationRule.Function, arguments: JSONObject, module: String) {
        if let function = ElementFunction(rawValue: name) {
            return (.elements(function), [:], function == .reciprocalRoot ? "keras.src.ops.math" : numpy)
        }
        if let function = ReductionFunction(rawValue: name) {
            let (result, arguments) = try reduction(function, reader)
            return (result, arguments, numpy)
        }
        if let (movement, arguments) = try ElementMovement.read(name, reader, key: key) { return (.movement(movement), arguments, numpy) }
        let module = ["Tanh", "Concatenate", "Clip", "Stack"].contains(name) ? numpy : "keras.src.ops.nn"
        if let plain = plain[name] { return (.activation(try ActivationNames.activation(named: plain)), [:], module) }
        if let (key, standard, activation) = withNumber[name] {
            let number = try reader.number(key) ?? standard
            return (.activation(activation(number)), [key: .number(number)], module)
        }
        let (function, arguments) = try functionWithArguments(name, reader)
        return (function, arguments, module)
    }

    private static func functionWithArguments(
        _ name: String, _ reader: ConfigReader
    ) throws(KerasConfigError) -> (OperationRule.Function, arguments: JSONObject) {
        switch name {
        case "Concatenate", "Stack":
            let axis = try reader.axis("axis", default: 0)
            return (name == "Stack" ? .stack(axis: axis) : .concatenation(axis: axis), ["axis": .integer(axis)])
        case "Softmax", "LogSoftmax":
            let axis = try reader.axis("axis", default: -1)
            let isLogarithm = name == "LogSoftmax"
            let last: Activation = isLogarithm ? .logSoftmax : .softmax
            let activation = axis == -1 ? last : .alongAxis(isLogarithm ? .logSoftmax : .softmax, axis: axis)
            return (.activation(activation), ["axis": .integer(axis)])
        case "Glu":
            let axis = try reader.axis("axis", default: -1)
            return (.activation(.glu(axis: axis)), ["axis": .integer(axis)])
        case "Gelu":
            let isApproximate = try reader.bool("approximate") ?? true
            return (.activation(.gelu(approximate: isApproximate)), ["approximate": .bool(isApproximate)])
        case "Threshold":
            guard let threshold = try reader.number("threshold") else { throw .missingKey("threshold", className: name) }
            guard let value = try reader.number("default_value") else { throw .missingKey("default_value", className: name) }
            return (.activation(.threshold(threshold, value: value)), ["threshold": .number(threshold), "default_value": .number(value)])
        case "Clip":
            let (low, high) = (try limit("x_min", reader, -.infinity), try limit("x_max", reader, .infinity))
            // TensorFlow and Keras 3 disagree about it.
            if low > high { throw reader.wrongType("x_min", .number(low), "at most x_max, which is \(high)") }
            return (.clip(low: low, high: high), ["x_min": reader.value("x_min") ?? .null, "x_max": reader.value("x_max") ?? .null])
        default: throw .unsupportedClass(name)
        }
    }

    /// A limit of Clip; infinite where the config has none.
    private static func limit(_ key: String, _ reader: ConfigReader, _ standard: Double) throws(KerasConfigError) -> Double {
        guard let json = reader.value(key) else { return standard }
        guard let number = json.number, !number.isNaN else { throw reader.wrongType(key, json, "a number or null") }
        return number
    }

    private static func reduction(
        _ function: ReductionFunction, _ reader: ConfigReader
    ) throws(KerasConfigError) -> (OperationRule.Function, arguments: JSONObject) {
        let axes = reader.value("axis") == nil ? nil : try reader.axes("axis", default: [])
        let keepsAxes = try reader.bool("keepdims") ?? false
        var arguments: JSONObject = ["axis": reader.value("axis") ?? .null, "keepdims": .bool(keepsAxes)]
        if function == .maximum || function == .minimum {
            if let initial = reader.value("initial") { throw reader.wrongType("initial", initial, "null") }
            arguments["initial"] = .null
        }
        return (.reduction(function, axes: axes, keepsAxes: keepsAxes), arguments)
    }
}
