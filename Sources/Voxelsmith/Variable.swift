import KerasConfig
import LayerSpec
import Tensors

/// A weight of a layer. A reference: whoever holds it sees what the layer computes with.
public final class Variable {
    /// As given to `addWeight`: "kernel", "bias".
    public let name: String
    /// The scope of the layer and the name: "up/kernel".
    public let path: String
    /// Extents, outermost first.
    public let shape: [Int]
    /// Element type of the value.
    public let dtype: ElementType
    /// Whether an optimizer may change it, where the layer is trainable.
    public let trainable: Bool
    /// The penalty on its value, one of the layer's `losses`.
    public let regularizer: (any Regularizer)?
    /// What it is projected to after a step of an optimizer.
    public let constraint: (any Constraint)?
    /// The present value.
    public private(set) var value: Tensor
    /// Counts assignments.
    private(set) var version = 0
    /// What values are rounded to.
    private let half: DTypePolicy.Half?

    init(
        name: String, scope: String, value: Tensor, half: DTypePolicy.Half?, regularizer: (any Regularizer)?, trainable: Bool,
        constraint: (any Constraint)?
    ) throws {
        self.name = name
        path = "\(scope)/\(name)"
        shape = value.shape
        dtype = value.elementType
        self.value = try half?.rounded(value) ?? value
        self.half = half
        self.regularizer = regularizer
        self.trainable = trainable
        self.constraint = constraint
    }

    /// Replaces the value. The layer packs it again at its next call; a `PreparedLayer` handed out before keeps the old one.
    /// - Throws: `LayerError.weightShape` or `.weightType` for a value unlike the present one.
    public func assign(_ new: Tensor) throws {
        try check(new, layer: path.split(separator: "/").first.map(String.init) ?? path)
        value = try rounded(new)
        version += 1
    }

    /// A value in the format of the variable.
    func rounded(_ new: Tensor) throws -> Tensor { try half?.rounded(new) ?? new }

    func check(_ new: Tensor, layer: String) throws(LayerError) {
        if new.shape != shape { throw .weightShape(layer: layer, weight: name, received: new.shape, expected: shape) }
        if new.elementType != dtype { throw .weightType(layer: layer, weight: name, received: new.elementType, expected: dtype) }
    }

    /// Another variable of the same value.
    func copy(scope: String) throws -> Variable {
        try Variable(
            name: name, scope: scope, value: value, half: half, regularizer: regularizer, trainable: trainable, constraint: constraint)
    }
}
