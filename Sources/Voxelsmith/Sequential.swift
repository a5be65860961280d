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

    public override func callAsFunction(_ x: Tensor, threads: Int = ThreadPool.defaultThreadCount) throws -> Tensor {
        if !isBuilt { try build(inputShape: x.shape) }
        var y = x
        for layer in layers { y = try layer(y, threads: threads) }
        return y
    }

    public override func computeOutputShape(_ inputShape: [Int]) throws -> [Int] {
        try layers.reduce(inputShape) { try $1.computeOutputShape($0) }
    }

    /// The weights of all layers, in their order.
    public override func getWeights() -> [Tensor] { layers.flatMap { $0.getWeights() } }

    /// - Throws: `LayerError` for a wrong count, before anything has changed, or for a wrong shape or element type, after the
    ///   layers before it have theirs.
    public override func setWeights(_ weights: [Tensor]) throws {
        let counts = layers.map { $0.getWeights().count }
        let expected = counts.reduce(0, +)
        if weights.count != expected { throw LayerError.weightCount(layer: name, received: weights.count, expected: expected) }
        var start = 0
        for (layer, count) in zip(layers, counts) {
            try layer.setWeights(Array(weights[start..<start + count]))
            start += count
        }
    }
}
