import VoxKerasConfig
import VoxLayerSpec
import VoxelsmithModelIO

/// A file with layers (JSON, `.keras`, a whole-model `.h5`), and the shapes that are stated beside it.
public struct LayersFile: Sendable {
    /// The file.
    public let path: String
    /// Of the only input of a model, or of each independent layer; nil for what the file states.
    public let inputShape: [Int?]?
    /// Of layers by their paths, and of inputs of a model by their names.
    public let inputShapes: [String: [Int?]]

    /// - Parameters:
    ///   - path: the file.
    ///   - inputShape: of the only input of a model, or of each independent layer, batch included; nil for what the file states.
    ///   - inputShapes: of layers by their paths, and of inputs of a model by their names.
    public init(path: String, inputShape: [Int?]? = nil, inputShapes: [String: [Int?]] = [:]) {
        self.path = path
        self.inputShape = inputShape
        self.inputShapes = inputShapes
    }

    /// The layers, those of unknown shapes and of other classes among them.
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
    ///   - onEvent: told of layers that are passed over, and of what is doubtful.
    /// - Throws: `TensorIOError`, `ModelIOError`, `KerasConfigError`, `SpecError` for a file that cannot be read; `ForgeError.unknownShape` for a
    ///   layer that is no model's, and when no layer of a model has a shape.
    public func resolved(policy: Policy = .fast, onEvent: ForgeObserver = { _ in }) throws -> [ResolvedLayer] {
        try ResolvedLayer.list(layers(of: ModelFile(path: path), onEvent: onEvent), policy: policy, onEvent: onEvent)
    }
}
