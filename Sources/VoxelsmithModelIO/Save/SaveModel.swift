import VoxKerasConfig
import VoxTensorIO
import VoxTensors
import Voxelsmith

/// Which config a saved model has.
public enum SavedConfig: Hashable, Sendable {
    /// That of the file or text the model was made of, in the form of the Keras that wrote it, which reads it again; Keras 3's of a model
    /// that was made in code.
    case asRead
    /// Keras 3's, whatever the model was made of.
    case keras3
}

extension Model {
    /// Saves the model with its weights. The ending of the path decides, as in Keras: `.keras`, or a whole-model file for `.h5` and `.hdf5`.
    /// The file appears whole or not at all, and an equal model gives equal bytes.
    /// - Parameters:
    ///   - path: where the file is put; what stands there is replaced.
    ///   - config: what the file says of the layers.
    /// - Throws: `ModelIOError.unknownEnding`, `.noWeightsYet` for a layer that is not built, what `getConfig()` of the layers throws, and
    ///   `TensorIOError` for what cannot be written; the path is then as it was.
    public func save(to path: String, config: SavedConfig = .asRead) throws {
        let form = try SavedForm(modelAt: path)
        try checkSaving(to: path)
        let document = try SavedDocument(of: self, config)
        switch form {
        case .archive:
            try put(
                KerasArchive.encode(
                    config: document.archiveConfig(of: self), metadata: document.metadata, weights: KerasWeights(variablesOf: self), name: path),
                at: path)
        case .wholeModel: try put(KerasWeights(listedOf: self, document, isWholeModel: true).encode(name: path), at: path)
        }
    }

    /// Saves the weights alone. The ending of the path decides: `.weights.h5` as Keras 3 and tf-keras write it, an older Keras's file for any other
    /// `.h5` and `.hdf5`, `.safetensors`, `.npz`. The last two name a weight by the names of the models around its layer, that of the layer, and its
    /// own: `encoder/up/kernel`. NumPy has no bfloat16, which an `.npz` holds as float32.
    /// - Parameter path: where the file is put; what stands there is replaced.
    /// - Throws: as `save(to:config:)`.
    public func saveWeights(to path: String) throws {
        let form = try SavedForm.Weights(weightsAt: path)
        try checkSaving(to: path)
        switch form {
        case .variables: try put(KerasWeights(variablesOf: self).encode(name: path), at: path)
        case .listed: try put(KerasWeights(listedOf: self, SavedDocument(of: self, .asRead), isWholeModel: false).encode(name: path), at: path)
        case .safetensors: try SafetensorsFile.write(namedWeights, to: path)
        case .npz: try NPZFile.write(namedWeights, to: path)
        }
    }

    /// What is wrong without a look at the weights is said before anything is computed.
    private func checkSaving(to path: String) throws {
        if let obstacle = StagedFile.obstacle(at: path) { throw TensorIOError.cannotWrite(path: path, reason: obstacle) }
        for leaf in Leaf.all(in: layers) where !leaf.layer.isBuilt { throw ModelIOError.noWeightsYet(layer: leaf.path) }
    }

    private func put(_ bytes: [UInt8], at path: String) throws { try bytes.withUnsafeBytes { try StagedFile.write([$0], to: path) } }
}
