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
    /// What the layer computes, where that is one loop; nil where it is something else.
    /// - Parameters:
    ///   - inputs: shapes that `outputShape` takes.
    ///   - type: of the inputs and the result, float32 or float64.
    ///   - weights: as of `compute`.
    ///   - shape: what `outputShape` gives; no extent is 0.
    func loop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall?
    /// The same rule with the numbers of its config as the type has them in which the layer computes.
    func rounded(to type: ElementType) -> Self
}

extension ComputedRule {
    func loop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall? { nil }
    func rounded(to type: ElementType) -> Self { self }
}

/// A rule whose layers are one loop.
protocol LoopRule: ComputedRule {
    /// As `loop`, always there.
    func onlyLoop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall
}

extension LoopRule {
    func loop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall? {
        try onlyLoop(inputs, type, weights: weights, to: shape)
    }

    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        try onlyLoop(xs.map(\.shape), xs.first?.elementType ?? .float32, weights: weights, to: shape).run(xs, to: shape, threads: threads)
    }
}

extension LayerRule {
    /// The numbers of the weight of a name; nil where the layer has none.
    func numbers(_ name: String, among values: [Tensor]) -> [Double]? { zip(weights, values).first { $0.0.name == name }?.1.doubles }
}

extension ConfigNumbers {
    func rounded(to type: ElementType) -> ConfigNumbers { mapped(type.nearest) }

    func tensor(_ type: ElementType) throws -> Tensor { try Tensor(shape: shape, values).cast(to: type) }
}
