import VoxKerasConfig
import VoxLayerSpec
import VoxelsmithModelIO

/// A file with layers (JSON, `.keras`, a whole-model `.h5`), and the shapes that are stated beside it.
public struct LayersFile: Sendable {
    /// The file.
    public let path: String
    /// The shape of a model's only input, or of the input of each layer that belongs to no model; nil for what the file states.
    public let inputShape: [Int?]?
    /// Shapes by name: of a layer's input by the layer's path, of a model's input by its own name.
    public let inputShapes: [String: [Int?]]

    /// - Parameters:
    ///   - path: the file.
    ///   - inputShape: the shape of a model's only input, or of the input of each layer that belongs to no model, batch included; nil for what
    ///     the file states.
    ///   - inputShapes: shapes by name: of a layer's input by the layer's path, of a model's input by its own name.
    public init(path: String, inputShape: [Int?]? = nil, inputShapes: [String: [Int?]] = [:]) {
        self.path = path
        self.inputShape = inputShape
        self.inputShapes = inputShapes
    }

    /// All layers of the file: also those of unknown shapes and of classes that are not computed.
    /// - Parameters:
    ///   - file: what is at the path, where that was read already.
    ///   - onEvent: told of what is doubtful.
    /// - Throws: what reading throws.
    package func layers(of file: ModelFile, onEvent: ForgeObserver = { _ in }) throws -> LayerSet {
        let set = try file.layers()
        for warning in set.warnings { onEvent(.doubt(warning)) }
        return try set.with(inputShape: inputShape, inputShapes: inputShapes)
    }

    /// The layers whose shapes are known.
    /// - Parameters:
    ///   - policy: of their kernels.
    ///   - isFused: whether the convolutions of a model are there a second time, as its plan computes them together with the layers beside them,
    ///     where that takes another kernel.
    ///   - onEvent: told of layers that are passed over, and of what is doubtful.
    /// - Throws: `TensorIOError`, `ModelIOError`, `KerasConfigError`, `SpecError` for a file that cannot be read; `ForgeError.unknownShape` for a
    ///   layer of unknown shape that belongs to no model, and when no layer of a model has a shape.
    public func resolved(policy: Policy = .fast, isFused: Bool = false, onEvent: ForgeObserver = { _ in }) throws -> [ResolvedLayer] {
        try ResolvedLayer.list(layers(of: ModelFile(path: path), onEvent: onEvent), policy: policy, isFused: isFused, onEvent: onEvent)
    }
}
