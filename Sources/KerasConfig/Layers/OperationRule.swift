import VoxLayerSpec

/// A function of one number, or of two.
package enum ElementFunction: String, CaseIterable, Hashable, Sendable {
    case add = "Add", subtract = "Subtract", multiply = "Multiply", divide = "Divide", maximum = "Maximum", minimum = "Minimum", power = "Power"
    case negative = "Negative", absolute = "Absolute", square = "Square", squareRoot = "Sqrt", reciprocalRoot = "Rsqrt", reciprocal = "Reciprocal"
    case exponential = "Exp", logarithm = "Log"

    package var operandCount: Int {
        switch self {
        case .add, .subtract, .multiply, .divide, .maximum, .minimum, .power: 2
        default: 1
        }
    }
}

/// An operation that stands in a functional model as a layer does: `x + y`, `x * 2`, `keras.ops.maximum(x, 0)`. Numbers among its operands
/// are arguments of its call.
package struct OperationRule: LayerRule {
    package enum Function: Hashable, Sendable {
        case elements(ElementFunction)
        case activation(Activation)
        case concatenation(axis: Int)
    }

    package enum Operand: Hashable, Sendable {
        /// The number of an input.
        case tensor(Int)
        case numbers(ConfigNumbers)
    }

    package let function: Function
    /// The activation that the operation is of its only input.
    package var plainActivation: Activation? {
        if case .activation(let activation) = function, operands == [.tensor(0)] { return activation }
        return nil
    }
    package var operands: [Operand]
    /// Keras 3's class, and the module that has it.
    package let className: String
    package let module: String
    private let parameters: JSONObject

    /// The class of tf.keras 2 for all operations.
    static let wrapperClass = "TFOpLambda"

    package init(_ reader: ConfigReader, _ origin: LayerOrigin) throws(KerasConfigError) {
        let call = origin.call
        var config = reader.config
        let name: String
        if reader.className == Self.wrapperClass {
            let function = try reader.string("function") ?? ""
            guard let known = OperationNames.tensorFlow[function] else { throw .unsupportedClass("\(Self.wrapperClass) of \(function)") }
            name = known
            // TensorFlow's default, which is not that of Keras 3's operation.
            config = known == "Gelu" ? ["approximate": false] : [:]
            for (key, value) in call?.keywords ?? [:] { if case .literal(let json) = value { config[OperationNames.parameter(key)] = json } }
        } else {
            name = OperationNames.aliases[reader.className] ?? reader.className
        }
        let isWrapped = reader.className == Self.wrapperClass
        className = isWrapped ? name : reader.className
        let arguments = ConfigReader(config: config, className: name)
        let usual: String
        (function, parameters, usual) = try OperationNames.function(name, arguments)
        if isWrapped { try Self.checkKeywords(call, ofFunction: try reader.string("function") ?? "", parameters) }
        module = isWrapped ? usual : origin.object["module"]?.string ?? usual
        operands = try Self.operands(call)
        let expected: Int? = switch function {
        case .elements(let function): function.operandCount
        case .activation: 1
        case .concatenation: nil
        }
        if operands.isEmpty || expected.map({ $0 != operands.count }) ?? false {
            throw .wrongType(key: "operands of \(name)", received: "\(operands.count)", expected: "\(expected.map { "\($0)" } ?? "at least 1")")
        }
    }

    /// Names of operands in the two generations, in their order; each function has those of one line at most.
    private static let operandNames = ["x", "x1", "a", "y", "x2", "b"]

    /// Refuses what a function of TensorFlow is told besides its operands and `parameters`, which would change what it computes.
    private static func checkKeywords(
        _ call: ModelGraph.Call?, ofFunction function: String, _ parameters: JSONObject
    ) throws(KerasConfigError) {
        for (key, argument) in (call?.keywords ?? [:]).sorted(by: { $0.key < $1.key }) where key != "name" && !operandNames.contains(key) {
            let title = "\(key) of \(function)"
            guard case .literal(let json) = argument else { throw .wrongType(key: title, received: "a tensor", expected: "no tensor there") }
            // beta is the factor of swish.
            let isDefault = json.isNull || (key == "beta" && json == 1)
            if isDefault || parameters.keys.contains(OperationNames.parameter(key)) { continue }
            throw .wrongType(key: title, received: json.excerpt, expected: "no such argument, or its default")
        }
    }

    /// Tensors and numbers, in the order of the parameters.
    private static func operands(_ call: ModelGraph.Call?) throws(KerasConfigError) -> [Operand] {
        guard let call else { return [] }
        var given = call.arguments
        for key in operandNames { if let value = call.keywords[key] { given.append(value) } }
        var result: [Operand] = []
        func collect(_ argument: CallArgument) throws(KerasConfigError) {
            switch argument {
            case .tensor(let index): result.append(.tensor(index))
            case .list(let list): for element in list { try collect(element) }
            case .literal(let json):
                guard let numbers = ConfigNumbers(json) else { throw .wrongType(key: "operand", received: json.excerpt, expected: "a tensor or numbers") }
                result.append(.numbers(numbers))
            }
        }
        for argument in given { try collect(argument) }
        return result
    }

    package var arguments: JSONObject { parameters }

    package func outputShape(_ inputs: [[Int?]]) throws(KerasConfigError) -> [Int?] {
        var shapes: [[Int?]] = []
        for operand in operands {
            switch operand {
            case .numbers(let numbers): shapes.append(numbers.shape)
            case .tensor(let index):
                guard inputs.indices.contains(index) else { throw .layerInputs(inputs, expected: "\(index + 1) inputs") }
                shapes.append(inputs[index])
            }
        }
        try InputShapes.checkRanks(shapes)
        switch function {
        case .concatenation(let axis): return try ConcatenateRule(axis: axis).outputShape(shapes)
        case .activation(let activation):
            return try wrappingSpecError { () throws(SpecError) in try activation.shape(of: shapes[0]) }
        case .elements:
            var result = shapes[0]
            for shape in shapes.dropFirst() {
                guard let merged = InputShapes.broadcast(result, shape) else {
                    throw .layerInputs(shapes, expected: "extents that are equal, or 1 to be repeated")
                }
                result = merged
            }
            return result
        }
    }
}

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
        "nn.log_softmax": "LogSoftmax",
    ]

    /// TensorFlow's name of a parameter as Keras 3's.
    static func parameter(_ key: String) -> String { key == "alpha" ? "negative_slope" : key }

    /// Classes of Keras 3 that are an activation without arguments.
    private static let plain: [String: String] = [
        "Relu": "relu", "Relu6": "relu6", "Sigmoid": "sigmoid", "SparseSigmoid": "sparse_sigmoid", "Softplus": "softplus", "Softsign": "softsign",
        "Silu": "silu", "LogSigmoid": "log_sigmoid", "HardSigmoid": "hard_sigmoid", "HardSilu": "hard_silu", "Selu": "selu", "HardTanh": "hard_tanh",
        "TanhShrink": "tanh_shrink", "Tanh": "tanh", "SparsePlus": "sparse_plus",
    ]

    /// Classes of Keras 3 that are an activation with one number: its name in the config, and its default.
    private static let withNumber: [String: (key: String, standard: Double, activation: @Sendable (Double) -> Activation)] = [
        "LeakyRelu": ("negative_slope", 0.2, { .leakyRelu(slope: $0) }), "Elu": ("alpha", 1, { .elu(alpha: $0) }),
        "Celu": ("alpha", 1, { .celu(alpha: $0) }), "Squareplus": ("b", 4, { .squareplus(b: $0) }),
        "HardShrink": ("threshold", 0.5, { .hardShrink(threshold: $0) }), "SoftShrink": ("threshold", 0.5, { .softShrink(threshold: $0) }),
    ]

    private static let withArguments: Set<String> = ["Concatenate", "Softmax", "LogSoftmax", "Gelu", "Glu"]

    /// Whether a class is computed here.
    /// - Parameter function: of TensorFlow, where the class is tf.keras 2's for all of them.
    static func isKnown(_ className: String, _ function: String?) -> Bool {
        if className == OperationRule.wrapperClass { return tensorFlow[function ?? ""] != nil }
        let name = aliases[className] ?? className
        return ElementFunction(rawValue: name) != nil || plain[name] != nil || withNumber[name] != nil || withArguments.contains(name)
    }

    /// What a class computes, the members of its config besides the name, and the module of Keras 3 that has it.
    /// - Throws: `KerasConfigError.unsupportedClass` for one that is not computed here, and errors about its arguments.
    static func function(
        _ name: String, _ reader: ConfigReader
    ) throws(KerasConfigError) -> (OperationRule.Function, arguments: JSONObject, module: String) {
        if let function = ElementFunction(rawValue: name) {
            return (.elements(function), [:], "keras.src.ops.\(function == .reciprocalRoot ? "math" : "numpy")")
        }
        let module = name == "Tanh" || name == "Concatenate" ? "keras.src.ops.numpy" : "keras.src.ops.nn"
        if let plain = plain[name] { return (.activation(try ActivationNames.activation(named: plain)), [:], module) }
        if let (key, standard, activation) = withNumber[name] {
            let number = try reader.number(key) ?? standard
            return (.activation(activation(number)), [key: .number(number)], module)
        }
        switch name {
        case "Concatenate":
            let axis = try reader.axis("axis", default: 0)
            return (.concatenation(axis: axis), ["axis": .integer(axis)], module)
        case "Softmax", "LogSoftmax":
            let axis = try reader.axis("axis", default: -1)
            let isLogarithm = name == "LogSoftmax"
            let last: Activation = isLogarithm ? .logSoftmax : .softmax
            let activation = axis == -1 ? last : .alongAxis(isLogarithm ? .logSoftmax : .softmax, axis: axis)
            return (.activation(activation), ["axis": .integer(axis)], module)
        case "Glu":
            let axis = try reader.axis("axis", default: -1)
            return (.activation(.glu(axis: axis)), ["axis": .integer(axis)], module)
        case "Gelu":
            let isApproximate = try reader.bool("approximate") ?? true
            return (.activation(.gelu(approximate: isApproximate)), ["approximate": .bool(isApproximate)], module)
        default: throw .unsupportedClass(name)
        }
    }
}
