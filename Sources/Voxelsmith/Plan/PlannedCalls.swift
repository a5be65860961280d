import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec

/// The calls of a model's layers for inputs of given shapes, models inside of it walked through.
struct PlannedCalls {
    /// A layer and what it is called on.
    struct Call {
        let layer: Layer
        let inputShapes: [[Int]]
        let outputShapes: [[Int]]
        /// With nil for the batch where that is passed on.
        let symbolicShapes: [[Int?]]
    }

    private typealias Value = (tensor: Int, shape: [Int], symbolic: [Int?])

    private(set) var outline = NetworkOutline()
    /// One for each of the outline.
    private(set) var calls: [Call] = []

    /// - Parameter isWalked: whether the calls are those of the model's layers, not the one of the model.
    /// - Throws: what building and shapes throw.
    init(_ model: Model, inputShapes: [[Int]], isWalked: Bool) throws {
        let inputs: [Value] = inputShapes.map { (outline.addInput(), $0, [nil] + $0.dropFirst().map { $0 }) }
        guard isWalked else {
            outline.outputs = try add(model, inputs).map(\.tensor)
            return
        }
        outline.outputs = try model.trace(inputs, entering: \.isPlainModel) { layer, values in try add(layer, values) }.map(\.tensor)
    }

    private mutating func add(_ layer: Layer, _ values: [Value]) throws -> [Value] {
        if !layer.isBuilt { try layer.build(inputShapes: values.map(\.shape)) }
        let shapes = try layer.knownOutputShapes(values.map(\.shape))
        // The batch is what a call may change; other extents are as they are.
        let symbolic = zip(try layer.computeOutputShapes(values.map(\.symbolic)), shapes).map { unknown, known -> [Int?] in
            known.enumerated().map { axis, extent in axis == 0 && unknown.first == .some(nil) ? nil : extent }
        }
        calls.append(Call(layer: layer, inputShapes: values.map(\.shape), outputShapes: shapes, symbolicShapes: symbolic))
        let tensors = outline.add(
            layer.outlineKind(inputShapes: values.map(\.shape)), type: layer.resultType(0), inputs: values.map(\.tensor), resultCount: shapes.count)
        return zip(tensors, zip(shapes, symbolic)).map { ($0, $1.0, $1.1) }
    }
}

extension Model {
    /// Whether a call of the model is its layers' calls and nothing else.
    var isPlainModel: Bool { type(of: self) == Model.self || type(of: self) == Sequential.self }
}

extension Layer {
    /// The shapes of the results for shapes that are known, with numbers for what stays unknown.
    func knownOutputShapes(_ inputShapes: [[Int]]) throws -> [[Int]] { try computeOutputShapes(inputShapes).map { try knownShape($0) } }

    /// What the plan of a network may do with a call of the layer. Classes of the user's own are left alone, as their calls may do anything.
    func outlineKind(inputShapes: [[Int]]) -> NetworkOutline.Kind {
        switch self {
        case let layer as Conv3D:
            let isOwn = type(of: layer) != Conv3D.self && type(of: layer) != Conv3DTranspose.self
            guard !isOwn, layer.isOnlyItsKernel, layer.activityRegularizer == nil, let shape = inputShapes.first else { return .other }
            return .convolution(layer.config, inputShape: shape.map { $0 })
        case let layer as ActivationLayer: return layer.plainActivation.map { .activation($0) } ?? .other
        case let layer as DefinedLayer: return NetworkOutline.Kind(layer.rule)
        default: return .other
        }
    }
}
