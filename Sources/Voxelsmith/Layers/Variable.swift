import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

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

    init(
        name: String, scope: String, value: Tensor, regularizer: (any Regularizer)?, trainable: Bool, constraint: (any Constraint)?
    ) {
        self.name = name
        path = "\(scope)/\(name)"
        shape = value.shape
        dtype = value.elementType
        self.value = value
        self.regularizer = regularizer
        self.trainable = trainable
        self.constraint = constraint
    }

    /// Replaces the value, cast to the variable's type. The layer packs it again at its next call; a `PreparedLayer` handed out before
    /// keeps the old one.
    /// - Throws: `LayerError.weightShape` for a value of another shape.
    public func assign(_ new: Tensor) throws {
        try check(new, layer: path.split(separator: "/").first.map(String.init) ?? path)
        value = try new.cast(to: dtype)
        version += 1
    }

    func check(_ new: Tensor, layer: String) throws(LayerError) {
        if new.shape != shape { throw .weightShape(layer: layer, weight: name, received: new.shape, expected: shape) }
    }

    /// Another variable of the same value.
    func copy(scope: String) -> Variable {
        Variable(name: name, scope: scope, value: value, regularizer: regularizer, trainable: trainable, constraint: constraint)
    }
}
