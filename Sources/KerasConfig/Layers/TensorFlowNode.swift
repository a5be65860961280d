import VoxLayerSpec

/// A node of TensorFlow's graph that tf.keras of TensorFlow 2.0 to 2.3 writes as a layer: arithmetic, or an activation. Operands that are no tensors of
/// the model stand in its config.
struct TensorFlowNode {
    static let className = "TensorFlowOpLayer"

    /// TensorFlow's operations, as classes of Keras 3.
    private static let classes = [
        "Add": "Add", "AddV2": "Add", "Sub": "Subtract", "Mul": "Multiply", "Div": "Divide", "RealDiv": "Divide", "Maximum": "Maximum",
        "Minimum": "Minimum", "Pow": "Power", "Neg": "Negative", "Abs": "Absolute", "Square": "Square", "Sqrt": "Sqrt", "Rsqrt": "Rsqrt",
        "Reciprocal": "Reciprocal", "Exp": "Exp", "Log": "Log", "Relu": "Relu", "Relu6": "Relu6", "LeakyRelu": "LeakyRelu", "Elu": "Elu", "Selu": "Selu",
        "Softplus": "Softplus", "Softsign": "Softsign", "Sigmoid": "Sigmoid", "Tanh": "Tanh", "Softmax": "Softmax", "LogSoftmax": "LogSoftmax",
    ]

    /// TensorFlow's name of the operation.
    let operation: String
    /// Keras 3's class, and the members of its config.
    let name: String
    let config: JSONObject
    /// Operands that are numbers, by their places in ascending order.
    private let constants: [(place: Int, numbers: ConfigNumbers)]

    /// - Throws: `KerasConfigError.unsupportedClass` for another operation, `.wrongType` for attributes and constants that are not followed.
    init(_ reader: ConfigReader) throws(KerasConfigError) {
        let operation = Self.operation(reader.config) ?? ""
        guard let name = Self.classes[operation] else { throw .unsupportedClass("\(Self.className) of \(operation)") }
        (self.operation, self.name) = (operation, name)
        var config: JSONObject = [:]
        for (key, value) in reader.config["node_def"]?.object?["attr"]?.object ?? [:] where key != "T" && !key.hasPrefix("_") {
            guard key == "alpha", let number = value.object?["f"]?.number else {
                throw .wrongType(key: "\(key) of \(operation)", received: value.excerpt, expected: "no such argument, or its default")
            }
            config[OperationNames.parameter(key)] = .number(number)
        }
        self.config = config
        var constants: [(place: Int, numbers: ConfigNumbers)] = []
        for (key, value) in reader.value("constants")?.object ?? [:] {
            guard let place = Int(key), place >= 0, let numbers = ConfigNumbers(value) else {
                throw .wrongType(key: "constant \(key) of \(operation)", received: value.excerpt, expected: "numbers, by the place of an operand")
            }
            constants.append((place, numbers))
        }
        self.constants = constants.sorted { $0.place < $1.place }
    }

    private static func operation(_ config: JSONObject) -> String? { config["node_def"]?.object?["op"]?.string }

    /// Whether the config is of an operation that is computed here.
    static func isKnown(_ config: JSONObject) -> Bool { operation(config).map { classes[$0] != nil } ?? false }

    /// The tensors of a call, and the numbers between them.
    func operands(tensors count: Int) throws(KerasConfigError) -> [OperationRule.Operand] {
        var operands: [OperationRule.Operand] = (0..<count).map { .tensor($0) }
        for (place, numbers) in constants {
            guard place <= operands.count else {
                throw .wrongType(key: "constants of \(operation)", received: "one at place \(place)", expected: "places from 0 to \(operands.count)")
            }
            operands.insert(.numbers(numbers), at: place)
        }
        return operands
    }
}
