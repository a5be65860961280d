import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors

/// Keras's `TimeDistributed`: a layer that is applied to every step of axis 1. Every layer here computes each sample by itself, so that steps
/// can be samples.
final class TimeDistributedLayer: Layer {
    let layer: Layer
    private let config: JSONObject
    private let policy: DTypePolicy

    /// - Parameters:
    ///   - config: of the wrapper.
    ///   - layer: what is wrapped.
    /// - Throws: `KerasConfigError.elementType`.
    init(_ config: JSONObject, wrapping layer: Layer) throws {
        (self.config, self.layer) = (config, layer)
        policy = try DTypePolicy(json: config["dtype"]) ?? .float32
        super.init(
            name: config["name"]?.string ?? UniqueNames.shared.next(forClass: TimeAxis.wrapperClass), dtype: policy.variableType,
            trainable: config["trainable"] != false)
        if !trainable { layer.trainable = false }
        isBuilt = layer.isBuilt
    }

    override var className: String { TimeAxis.wrapperClass }
    override var wrapped: Layer? { layer }
    override var sublayers: [Layer] { [layer] }
    override var computeType: ElementType { layer.computeType }
    /// The wrapped layer casts.
    override var castsInputs: Bool { false }
    override func resultType(_ index: Int) -> ElementType { layer.resultType(index) }

    override var weights: [Variable] { layer.weights }
    override var trainableWeights: [Variable] { trainable ? layer.trainableWeights : [] }
    override var nonTrainableWeights: [Variable] { trainable ? layer.nonTrainableWeights : layer.weights }
    override var expectedWeightNames: [String] { layer.expectedWeightNames }
    override var expectedTrainableCount: Int { layer.expectedTrainableCount }
    override var losses: [Loss] { get throws { try layer.losses + ownLosses() } }

    override func setWeights(_ weights: [Tensor]) throws { try layer.setWeights(weights) }

    override func takeWeights(_ values: [Tensor]) throws {
        try layer.takeWeights(values)
        isBuilt = layer.isBuilt
    }

    // MARK: Shapes

    private func step(_ shape: [Int?]) throws(LayerError) -> [Int?] {
        guard let step = TimeAxis.removed(from: shape) else { throw .inputRank(layer: name, received: shape, expected: 3) }
        return step
    }

    /// The shape of all steps of all samples as samples.
    func step(_ shape: [Int]) throws(LayerError) -> [Int] {
        if shape.count < 3 { throw .inputRank(layer: name, received: shape.map { $0 }, expected: 3) }
        return [Checked.clampedProduct(shape[0], shape[1])] + shape.dropFirst(2)
    }

    override func build(inputShape: [Int]) throws {
        if !layer.isBuilt { try layer.build(inputShape: step(inputShape)) }
        try super.build(inputShape: inputShape)
    }

    override func buildSymbolically(_ shapes: [[Int?]]) throws {
        guard let shape = shapes.first, shapes.count == 1 else { throw LayerError.inputCount(layer: name, received: shapes.count, expected: 1) }
        if !layer.isBuilt { try layer.buildSymbolically([step(shape)]) }
        try super.build(inputShape: knownShape(shape))
    }

    override func computeOutputShape(_ inputShape: [Int?]) throws -> [Int?] {
        let result: [Int?] = try layer.computeOutputShape(step(inputShape) as [Int?])
        guard let whole = TimeAxis.restored(to: result, like: inputShape) else {
            throw LayerError.inputRank(layer: name, received: inputShape, expected: 3)
        }
        return whole
    }

    override func computeOutputShape(_ inputShape: [Int]) throws -> [Int] {
        let shape: [Int?] = try computeOutputShape(inputShape.map { Int?.some($0) })
        return shape.map { $0 ?? 0 }
    }

    override func prepare(inputShape: [Int]) throws {
        if !isBuilt { try build(inputShape: inputShape) }
        try layer.prepare(inputShape: step(inputShape))
    }

    // MARK: Calls

    /// Steps as samples, and the result as steps again.
    private static func apply(_ x: Tensor, name: String, _ body: (Tensor) throws -> Tensor) throws -> Tensor {
        if x.shape.count < 3 { throw LayerError.inputRank(layer: name, received: x.shape.map { $0 }, expected: 3) }
        let steps = Checked.clampedProduct(x.shape[0], x.shape[1])
        let y = try body(x.reshaped(to: [steps] + x.shape.dropFirst(2)))
        return try y.reshaped(to: [x.shape[0], x.shape[1]] + y.shape.dropFirst())
    }

    override func call(_ x: Tensor, threads: Int) throws -> Tensor {
        try Self.apply(x, name: name) { try layer.computed($0, threads: threads) }
    }

    override func preparedCall(inputShapes: [[Int]]) throws -> PreparedCall {
        guard let shape = inputShapes.first, inputShapes.count == 1 else {
            throw LayerError.inputCount(layer: name, received: inputShapes.count, expected: 1)
        }
        if !isBuilt { try build(inputShape: shape) }
        let call = try layer.preparedStep(inputShapes: [step(shape)])
        let name = name
        return { xs, threads in
            try xs.map { x in
                try Self.apply(x, name: name) { steps in
                    let ys = try call([steps], threads)
                    guard let y = ys.first, ys.count == 1 else { throw LayerError.severalTensors(layer: name, member: "output", count: ys.count) }
                    return y
                }
            }
        }
    }

    // MARK: Configs

    override func getConfig() throws -> JSONObject {
        ["name": .string(name), "trainable": .bool(trainable), "dtype": policy.json, "layer": .object(try Model.entry(layer))]
    }

    override func makeCopy() throws -> Layer { try TimeDistributedLayer(config, wrapping: layer.copy()) }
}
