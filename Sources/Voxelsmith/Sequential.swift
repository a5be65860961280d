import KernelRuntime
import LayerSpec
import Tensors

/// Layers one after another.
public final class Sequential: Layer {
    /// In the order of computation; at least one.
    public let layers: [Layer]

    /// - Throws: `LayerError.duplicateName` when two layers have the same name, `.noLayers` for none.
    public init(_ layers: [Layer], name: String? = nil) throws {
        var names: Set<String> = []
        for layer in layers where !names.insert(layer.name).inserted { throw LayerError.duplicateName(layer.name) }
        self.layers = layers
        super.init(name: name, dtype: layers.first?.dtype ?? .float32)
        isBuilt = layers.allSatisfy(\.isBuilt)
        if layers.isEmpty { throw LayerError.noLayers(model: self.name) }
    }

    /// Builds every layer that is not built, each for the shape it will receive.
    public override func build(inputShape: [Int]) throws {
        if isBuilt { throw LayerError.alreadyBuilt(layer: name) }
        try forEach(inputShape: inputShape) { layer, shape in
            if !layer.isBuilt { try layer.build(inputShape: shape) }
        }
        try super.build(inputShape: inputShape)
    }

    /// Prepares every layer for the shape it will receive.
    public override func prepare(inputShape: [Int]) throws {
        try super.prepare(inputShape: inputShape)
        try forEach(inputShape: inputShape) { layer, shape in try layer.prepare(inputShape: shape) }
    }

    /// Each layer with the shape of its input.
    private func forEach(inputShape: [Int], _ body: (Layer, [Int]) throws -> Void) throws {
        var shape = inputShape
        for layer in layers {
            try body(layer, shape)
            shape = try layer.computeOutputShape(shape)
        }
    }

    public override func call(_ x: Tensor, threads: Int) throws -> Tensor {
        try layers.reduce(x) { try $1($0, threads: threads) }
    }

    public override func computeOutputShape(_ inputShape: [Int]) throws -> [Int] {
        try layers.reduce(inputShape) { try $1.computeOutputShape($0) }
    }

    /// The variables of all layers, in their order.
    public override var weights: [Variable] { layers.flatMap(\.weights) }
    public override var trainableWeights: [Variable] { trainable ? layers.flatMap(\.trainableWeights) : [] }
    public override var nonTrainableWeights: [Variable] { trainable ? layers.flatMap(\.nonTrainableWeights) : weights }

    /// The losses of all layers, in their order.
    public override var losses: [Loss] { get throws { try layers.flatMap { try $0.losses } } }

    /// A model of copies of the layers.
    public override func copy() throws -> Layer {
        let result = try Sequential(layers.map { try $0.copy() }, name: name)
        try copyState(to: result)
        return result
    }

    /// Replaces all weights.
    /// - Parameter weights: in the order, shapes and element types of `getWeights()`.
    /// - Throws: `LayerError` when count, a shape or an element type differs; then nothing has changed.
    public override func setWeights(_ weights: [Tensor]) throws {
        try checkWeights(weights)
        var start = 0
        for layer in layers {
            let count = layer.weights.count
            try layer.setWeights(Array(weights[start..<start + count]))
            start += count
        }
    }
}
