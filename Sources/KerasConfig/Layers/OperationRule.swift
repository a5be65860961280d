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

/// What numbers of a tensor become that share their place along the other axes.
package enum ReductionFunction: String, CaseIterable, Hashable, Sendable {
    case mean = "Mean", sum = "Sum", maximum = "Max", minimum = "Min"
}

/// An operation that stands in a functional model as a layer does: `x + y`, `x * 2`, `x[:, 0]`, `keras.ops.maximum(x, 0)`. Numbers among its
/// operands are arguments of its call.
package struct OperationRule: LayerRule {
    package enum Function: Hashable, Sendable {
        case elements(ElementFunction)
        case activation(Activation)
        /// No less than `low` and no more than `high`, which are infinite where there is no limit.
        case clip(low: Double, high: Double)
        case concatenation(axis: Int)
        /// Tensors of one shape side by side along an axis that the result has more.
        case stack(axis: Int)
        /// Over some axes, nil for all; these have an extent of 1 afterwards, or are gone.
        case reduction(ReductionFunction, axes: [Int]?, keepsAxes: Bool)
        case movement(ElementMovement)
    }

    package enum Operand: Hashable, Sendable {
        /// The number of an input.
        case tensor(Int)
        case numbers(ConfigNumbers)
    }

    package private(set) var function: Function
    /// The activation that the operation is of its only input.
    package var plainActivation: Activation? {
        if case .activation(let activation) = function, operands == [.tensor(0)] { return activation }
        return nil
    }
    package private(set) var operands: [Operand]
    /// Keras 3's class, and the module that has it.
    package let className: String
    package let module: String
    private let parameters: JSONObject

    /// The classes of tf.keras 2 for all operations; the second is for those with a key.
    static let wrapperClasses: Set<String> = ["TFOpLambda", "SlicingOpLambda"]

    package init(_ reader: ConfigReader, _ origin: LayerOrigin) throws(KerasConfigError) {
        let call = origin.call
        var config = reader.config
        let isWrapped = Self.wrapperClasses.contains(reader.className)
        let node = reader.className == TensorFlowNode.className ? try TensorFlowNode(reader) : nil
        let title = isWrapped ? try reader.string("function") ?? "" : node?.operation ?? reader.className
        let name: String
        if isWrapped {
            guard let known = OperationNames.tensorFlow[title] else { throw .unsupportedClass("\(reader.className) of \(title)") }
            name = known
            // TensorFlow's default, which is not that of Keras 3's operation.
            config = known == "Gelu" ? ["approximate": false] : [:]
            for (key, value) in try Self.literals(call, of: title) { config[OperationNames.parameter(key)] = value }
        } else if let node {
            (name, config) = (node.name, node.config)
        } else {
            name = OperationNames.aliases[reader.className] ?? reader.className
        }
        let isTensorFlow = isWrapped || node != nil
        className = isTensorFlow ? name : reader.className
        let usual: String
        (function, parameters, usual) = try OperationNames.function(name, ConfigReader(config: config, className: name), key: Self.key(of: call))
        var known = Set(parameters.keys)
        if case .movement(.slices) = function { known.insert(OperationNames.key) }
        // Keras 3 has what is no operand in the config, TensorFlow in the call.
        if !isWrapped { try Self.check(config, of: name, known) }
        try Self.check(try Self.literals(call, of: title), of: title, known, isTensorFlow: isTensorFlow)
        module = isTensorFlow ? usual : origin.object["module"]?.string ?? usual
        if let node {
            operands = try node.operands(tensors: call?.inputs.count ?? 0)
        } else {
            operands = try Self.operands(call, isKeyed: known.contains(OperationNames.key))
        }
        try checkOperands(name)
    }

    /// Names of operands in the two generations, in their order; each function has those of one line at most.
    private static let operandNames = ["x", "x1", "a", "y", "x2", "b"]

    /// What is told by name besides operands.
    /// - Throws: `KerasConfigError.wrongType` for a tensor.
    private static func literals(_ call: ModelGraph.Call?, of function: String) throws(KerasConfigError) -> [(key: String, value: JSONValue)] {
        var result: [(key: String, value: JSONValue)] = []
        for (key, argument) in (call?.keywords ?? [:]).sorted(by: { $0.key < $1.key }) where !operandNames.contains(key) {
            guard let json = argument.json else { throw .wrongType(key: "\(key) of \(function)", received: "a tensor", expected: "no tensor there") }
            result.append((key, json))
        }
        return result
    }

    /// Refuses arguments besides `known` ones, which would change what is computed.
    private static func check(
        _ given: some Sequence<(key: String, value: JSONValue)>, of function: String, _ known: Set<String>, isTensorFlow: Bool = false
    ) throws(KerasConfigError) {
        for (key, json) in given {
            if json.isNull || OperationNames.defaults[key] == json || OperationNames.ofEveryLayer.contains(key) { continue }
            if known.contains(isTensorFlow ? OperationNames.parameter(key) : key) { continue }
            throw .wrongType(key: "\(key) of \(function)", received: json.excerpt, expected: "no such argument, or its default")
        }
    }

    /// What stands between the brackets of `x[...]`.
    private static func key(of call: ModelGraph.Call?) -> CallArgument? {
        guard let call else { return nil }
        if call.arguments.count > 1 { return call.arguments[1] }
        return call.keywords.first { OperationNames.parameter($0.key) == OperationNames.key }?.value
    }

    /// Tensors and numbers, in the order of the parameters.
    /// - Parameter isKeyed: whether the second argument is a key.
    private static func operands(_ call: ModelGraph.Call?, isKeyed: Bool) throws(KerasConfigError) -> [Operand] {
        guard let call else { return [] }
        var given = isKeyed ? Array(call.arguments.prefix(1)) : call.arguments
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

    private func checkOperands(_ name: String) throws(KerasConfigError) {
        let expected: Int? = switch function {
        case .elements(let function): function.operandCount
        case .activation, .clip, .reduction, .movement: 1
        case .concatenation, .stack: nil
        }
        if operands.isEmpty || expected.map({ $0 != operands.count }) ?? false {
            throw .wrongType(key: "operands of \(name)", received: "\(operands.count)", expected: "\(expected.map { "\($0)" } ?? "at least 1")")
        }
        switch function {
        // They read their input as a whole.
        case .reduction, .movement: if operands != [.tensor(0)] { throw .wrongType(key: "operand of \(name)", received: "numbers", expected: "a tensor") }
        default: break
        }
    }

    package var arguments: JSONObject { parameters }

    /// The same with other numbers in place of those of its call and its config, such as rounded ones.
    package func mapped(_ change: (Double) -> Double) -> OperationRule {
        var result = self
        if case .clip(let low, let high) = function { result.function = .clip(low: change(low), high: change(high)) }
        result.operands = operands.map { operand in
            if case .numbers(let numbers) = operand { return .numbers(numbers.mapped(change)) }
            return operand
        }
        return result
    }

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
        case .stack(let axis): return try ConcatenateRule(axis: axis).outputShape(try Self.stacked(shapes, axis: axis))
        case .activation(let activation):
            return try wrappingSpecError { () throws(SpecError) in try activation.shape(of: shapes[0]) }
        case .clip: return shapes[0]
        case .reduction(_, _, let keepsAxes):
            let shape = try InputShapes.only([shapes[0]])
            let places = try reducedPlaces(of: shape)
            let left = shape.enumerated().filter { keepsAxes || !places.contains($0.offset) }
            return left.map { places.contains($0.offset) ? 1 : $0.element }
        case .movement(let movement):
            let shape = try movement.outputShape(try InputShapes.only([shapes[0]]))
            try InputShapes.checkRanks([shape])
            return shape
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

    /// The axes of the input that are reduced.
    /// - Throws: `KerasConfigError.layerInputs` for axes that it does not have, and for the batch, whose samples are apart.
    package func reducedPlaces(of shape: [Int?]) throws(KerasConfigError) -> [Int] {
        guard case .reduction(_, let axes, _) = function else { return [] }
        var places = Array(shape.indices)
        if let axes { places = try InputShapes.places(axes, in: shape) }
        try InputShapes.checkBatch(places, [shape])
        return places
    }

    /// The operands of a stack with the axis along which they are concatenated then.
    /// - Throws: `KerasConfigError.layerInputs` for shapes that differ, and for the batch.
    package static func stacked(_ shapes: [[Int?]], axis: Int) throws(KerasConfigError) -> [[Int?]] {
        let rank = shapes.first?.count ?? 0
        let place = try InputShapes.place(axis, in: Array(repeating: nil, count: rank + 1))
        try InputShapes.checkBatch([place], shapes)
        for shape in shapes where shape.count != rank || ShapeFlow.differ(shape, shapes[0]) { throw .layerInputs(shapes, expected: "equal shapes") }
        return shapes.map { Array($0[..<place]) + [1] + $0[place...] }
    }
}
