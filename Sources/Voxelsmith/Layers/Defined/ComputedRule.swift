import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

/// A rule whose layer is computed here; every rule of `LayerTable` is one.
protocol ComputedRule: LayerRule {
    /// The result of the layer.
    /// - Parameters:
    ///   - xs: float32 or float64, all of one type, of shapes that `outputShape` takes.
    ///   - weights: of the shapes and in the order of the rule, those that Keras rounds having the type of the inputs.
    ///   - shape: what `outputShape` gives.
    ///   - threads: threads to use; the result is bitwise the same for any number.
    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor
    /// The same rule with the numbers of its config as the type has them in which the layer computes.
    func rounded(to type: ElementType) -> Self
}

extension ComputedRule {
    func rounded(to type: ElementType) -> Self { self }
}

extension LayerRule {
    /// The numbers of the weight of a name; nil where the layer has none.
    func numbers(_ name: String, among values: [Tensor]) -> [Double]? { zip(weights, values).first { $0.0.name == name }?.1.doubles }
}

extension ConfigNumbers {
    func rounded(to type: ElementType) -> ConfigNumbers { mapped(type.nearest) }

    func tensor(_ type: ElementType) throws -> Tensor { try Tensor(shape: shape, values).cast(to: type) }
}
