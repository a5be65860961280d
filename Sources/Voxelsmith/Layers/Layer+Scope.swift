import VoxKerasConfig
import VoxLayerSpec

/// Variables by their other method, and the names they stand under.
extension Layer {
    /// As `addWeight`, but an eager layer refuses a regularizer, as Keras documents for this method.
    /// - Throws: as `addWeight`, and `LayerError.eagerMode`.
    @discardableResult
    public func addVariable(
        name: String, shape: [Int], dtype: (any DTypeArgument)? = nil, initializer: (any InitializerArgument)? = nil,
        regularizer: (any RegularizerArgument)? = nil, trainable: Bool = true, constraint: (any ConstraintArgument)? = nil
    ) throws -> Variable {
        if regularizer != nil, owner == nil { throw LayerError.eagerMode(layer: self.name, member: "addVariable with a regularizer") }
        return try addWeight(
            name: name, shape: shape, dtype: dtype, initializer: initializer, regularizer: regularizer, trainable: trainable,
            constraint: constraint)
    }

    /// The name the variables of the layer stand under. Differs from `name` for the second layer of a name in a graph.
    /// - Throws: `LayerError.noScope` before the layer is first used.
    public var scopeName: String {
        get throws(LayerError) {
            guard let scope else { throw .noScope(layer: name) }
            return scope
        }
    }

    /// The scope, chosen now if it was not.
    func usedScope() -> String {
        let result = scope ?? owner?.scope(for: name) ?? name
        scope = result
        return result
    }

    /// Notices that the layer that this one wraps has been given weights.
    package func noteWrappedLayer() { isBuilt = isBuilt || wrapped?.isBuilt ?? false }
}
