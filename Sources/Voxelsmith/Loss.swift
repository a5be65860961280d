import KerasConfig

/// A term of the objective that a layer adds.
public struct Loss: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
    /// Where it comes from: "kernel", "bias" or another variable's name for a penalty on it, "activity" for one on a result.
    public let name: String
    /// The number; nil for a penalty on a symbolic tensor, which has no values.
    public let value: Double?
    /// What a penalty without a number is computed with.
    public let regularizer: (any Regularizer)?
    /// The symbolic tensor it is a penalty on.
    public let tensor: SymbolicTensor?

    /// A number.
    public init(_ value: Double, name: String = "loss") {
        (self.name, self.value, regularizer, tensor) = (name, value, nil, nil)
    }

    /// A number.
    public init(floatLiteral value: Double) { self.init(value) }
    public init(integerLiteral value: Int) { self.init(Double(value)) }

    /// The penalty on a result that is not known yet.
    init(activity regularizer: any Regularizer, of tensor: SymbolicTensor) {
        (name, value, self.regularizer, self.tensor) = ("activity", nil, regularizer, tensor)
    }

    /// The penalty on a result, per sample of the batch as in Keras 3; 0 for an empty batch.
    static func activity(_ regularizer: any Regularizer, _ result: Tensor) throws -> Loss {
        let batch = result.shape.first ?? 1
        return Loss(batch == 0 ? 0 : try regularizer(result) / Double(batch), name: "activity")
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
