import KerasConfig
import TensorIO
import Voxelsmith

/// A file that describes layers: JSON, a `.keras` archive, or a whole-model `.h5`. The kind is told by the first bytes, not by
/// the name.
public struct ModelFile: Sendable {
    /// Where the file was read.
    public let path: String
    /// The JSON of the layers or of the model.
    public let document: JSONValue
    /// The `keras_version` of the file where it states one beside the JSON.
    public let kerasVersion: String?
    /// The weights where the file has them; JSON has none.
    public let weights: KerasWeights?

    /// - Throws: `TensorIOError` for what cannot be read, `KerasConfigError` for what is no JSON, `ModelIOError.noConfig` for a
    ///   weights-only file.
    public init(path: String) throws {
        self.path = path
        let start = try InputFile.firstBytes(of: path, count: 4)
        if start == [0x50, 0x4b, 0x03, 0x04] {  // zip: "PK"
            let archive = try KerasArchive(path: path)
            kerasVersion = try archive.metadata.flatMap { try JSONValue(parsing: $0).object?["keras_version"]?.string }
            document = try JSONValue(parsing: archive.config)
            weights = archive.weights
        } else if start == [0x89, 0x48, 0x44, 0x46] {  // HDF5: "\x89HDF"
            let file = try KerasWeights(path: path)
            guard let config = file.config else { throw ModelIOError.noConfig(path: path) }
            kerasVersion = file.kerasVersion
            document = try JSONValue(parsing: config)
            weights = file
        } else {
            kerasVersion = nil
            document = try JSONValue(parsing: InputFile.bytes(of: path, limit: KerasArchive.textLimit))
            weights = nil
        }
    }

    /// The layers, and the chain they form where the file is a model.
    /// - Parameter objects: the user's own activations; layers that have one read as linear.
    /// - Throws: `KerasConfigError` for what cannot be understood, branching models among it (`loadModel` takes those).
    public func layers(objects: CustomObjects = .shared) throws -> LayerSet {
        try LayerSet(
            document, generation: kerasVersion.map { KerasGeneration(kerasVersion: $0) }, kerasVersion: kerasVersion,
            customActivations: objects.activationNames)
    }
}
