import VoxKerasConfig
import VoxTensors

/// A term of the objective that a layer adds: a number, or something to be computed from tensors of a graph.
///
///     try up.addLoss(0.5)
///     try up.addLoss(Loss(of: y) { try L2(0.1)($0) }, inputs: x)
public struct Loss: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
    /// Where it comes from: "kernel", "bias" or another variable's name for a penalty on it, "activity" for one on a result.
    public let name: String
    /// The number; nil for a loss of symbolic tensors that no call of a model has computed yet.
    public let value: Double?
    /// What a penalty on a result is computed with.
    public let regularizer: (any Regularizer)?
    /// The symbolic tensors it depends on.
    public let tensors: [SymbolicTensor]
    let body: (([Tensor]) throws -> Double)?

    private init(
        name: String, value: Double?, regularizer: (any Regularizer)?, tensors: [SymbolicTensor], body: (([Tensor]) throws -> Double)?
    ) {
        (self.name, self.value, self.regularizer, self.tensors, self.body) = (name, value, regularizer, tensors, body)
    }

    /// A number.
    public init(_ value: Double, name: String = "loss") {
        self.init(name: name, value: value, regularizer: nil, tensors: [], body: nil)
    }

    /// A number.
    public init(floatLiteral value: Double) { self.init(value) }
    public init(integerLiteral value: Int) { self.init(Double(value)) }

    /// What a closure makes of tensors of a graph. Each call of a model that computes the tensors gives it a number.
    /// - Parameters:
    ///   - tensors: results of layers, or inputs.
    ///   - name: for the reader.
    ///   - body: from the values of the tensors, in their order.
    public init(of tensors: [SymbolicTensor], name: String = "loss", _ body: @escaping ([Tensor]) throws -> Double) {
        self.init(name: name, value: nil, regularizer: nil, tensors: tensors, body: body)
    }

    /// What a closure makes of a tensor of a graph.
    /// - Parameters:
    ///   - tensor: the result of a layer, or an input.
    ///   - name: for the reader.
    ///   - body: from the value of the tensor.
    public init(of tensor: SymbolicTensor, name: String = "loss", _ body: @escaping (Tensor) throws -> Double) {
        self.init(of: [tensor], name: name) { try body($0[0]) }
    }

    /// The penalty on a result that is not known yet.
    init(activity regularizer: any Regularizer, of tensors: [SymbolicTensor]) {
        self.init(name: "activity", value: nil, regularizer: regularizer, tensors: tensors) {
            try Loss.activity(regularizer, $0[0])
        }
    }

    /// The symbolic tensor it is a penalty on; nil where there is none, or several.
    public var tensor: SymbolicTensor? { tensors.count == 1 ? tensors[0] : nil }

    /// The number for given values of `tensors`; of a loss that is a number, that number.
    /// - Parameter values: one for each of `tensors`.
    /// - Throws: `ArgumentError.value` for another count, and what the closure or the regularizer throws.
    public func value(for values: [Tensor]) throws -> Double {
        guard let body else { return value ?? 0 }
        if values.count != tensors.count {
            throw ArgumentError.value(argument: "\(values.count) tensors", received: "for a loss", expected: "\(tensors.count)")
        }
        return try body(values)
    }

    /// The same of other tensors.
    func with(tensors: [SymbolicTensor], value: Double? = nil) -> Loss {
        Loss(name: name, value: value ?? self.value, regularizer: regularizer, tensors: tensors, body: body)
    }

    /// The penalty on a result, per sample of the batch as in Keras 3; 0 for an empty batch.
    static func activity(_ regularizer: any Regularizer, _ result: Tensor) throws -> Double {
        let batch = result.shape.first ?? 1
        return batch == 0 ? 0 : try regularizer(result) / Double(batch)
    }
}

/// Something to be done after a step of training, such as moving an average; recorded by layers, run by whoever trains.
public final class Update {
    /// For the reader.
    public let name: String
    private let body: () throws -> Void

    /// - Parameters:
    ///   - name: for the reader.
    ///   - body: what is to be done.
    public init(name: String, _ body: @escaping () throws -> Void) { (self.name, self.body) = (name, body) }

    /// Does it.
    public func run() throws { try body() }
}

/// A loss as its layer keeps it. What refers to the layer's own results does so by number, because a tensor holds its layer.
struct KeptLoss {
    private enum Source {
        case own(node: Int, tensor: Int)
        case other(SymbolicTensor)
    }

    private let loss: Loss
    private let sources: [Source]
    /// The inputs it belongs to; none for an unconditional one.
    let inputs: [SymbolicTensor]
    /// Whether `addLoss` was given it, rather than a call making it.
    let isAdded: Bool
    /// The numbers that the latest call of a model gave it: one for each time that the call computed its tensors.
    var values: [Double] = []

    init(_ loss: Loss, inputs: [SymbolicTensor], isAdded: Bool, of layer: Layer) {
        sources = loss.tensors.map { $0.layer === layer ? .own(node: $0.nodeIndex, tensor: $0.tensorIndex) : .other($0) }
        self.loss = loss.with(tensors: [])
        (self.inputs, self.isAdded) = (inputs, isAdded)
    }

    /// Whether it is a penalty on a result.
    var isActivity: Bool { loss.regularizer != nil }

    /// What it depends on that other layers make.
    var others: [SymbolicTensor] {
        sources.compactMap { source in
            if case .other(let tensor) = source { return tensor }
            return nil
        }
    }

    /// What it depends on, in the layer it belongs to.
    func tensors(in layer: Layer) -> [SymbolicTensor] {
        sources.map { source in
            switch source {
            case .own(let node, let tensor): layer.output(node: node, tensor: tensor)
            case .other(let tensor): tensor
            }
        }
    }

    /// As the layer shows it: with the numbers of the latest call, or without any.
    func losses(in layer: Layer) -> [Loss] {
        let whole = loss.with(tensors: tensors(in: layer))
        return values.isEmpty ? [whole] : values.map { whole.with(tensors: whole.tensors, value: $0) }
    }

    /// The same loss in a copy of its layer: where it depends on results of the original, it then depends on those of the copy.
    /// - Parameter tensors: what it depends on there instead, where that is something else.
    func moved(from layer: Layer, to copy: Layer, tensors others: [SymbolicTensor: SymbolicTensor] = [:]) -> KeptLoss {
        KeptLoss(
            loss.with(tensors: tensors(in: layer).map { others[$0] ?? $0 }), inputs: inputs.map { others[$0] ?? $0 }, isAdded: isAdded, of: copy)
    }

    /// Adds the number for these values of its tensors.
    mutating func compute(_ tensors: [Tensor]) throws {
        if let body = loss.body { values.append(try body(tensors)) }
    }
}
