import KerasConfig
import TensorIO

/// A file that describes layers: JSON, a `.keras` archive, or a whole-model `.h5`. The kind is told by the first bytes, not by
/// the name.
public struct ModelFile: Sendable {
    /// Where the file was read.
    public let path: String
    /// The layers, and the model they form where the file is one.
    public let layers: LayerSet
    /// The weights where the file has them; JSON has none.
    public let weights: KerasWeights?

    /// - Throws: `TensorIOError` for what cannot be read, `KerasConfigError` for what cannot be understood,
    ///   `ModelIOError.noConfig` for a weights-only file, `.forwardConvolution` for models of the oldest tf.keras.
    public init(path: String) throws {
        self.path = path
        let start = try InputFile.firstBytes(of: path, count: 4)
        if start == [0x50, 0x4b, 0x03, 0x04] {  // zip: "PK"
            let archive = try KerasArchive(path: path)
            let version = try archive.metadata.flatMap { try JSONValue(parsing: $0).object?["keras_version"]?.string }
            layers = try Self.read(archive.config, path: path, version: version)
            weights = archive.weights
        } else if start == [0x89, 0x48, 0x44, 0x46] {  // HDF5: "\x89HDF"
            let file = try KerasWeights(path: path)
            guard let config = file.config else { throw ModelIOError.noConfig(path: path) }
            layers = try Self.read(config, path: path, version: file.kerasVersion)
            weights = file
        } else {
            layers = try Self.read(InputFile.bytes(of: path, limit: KerasArchive.textLimit), path: path, version: nil)
            weights = nil
        }
    }

    private static func read(_ json: [UInt8], path: String, version: String?) throws -> LayerSet {
        let layers = try LayerSet(json: json, generation: version.map { KerasGeneration(kerasVersion: $0) })
        if let version = version ?? layers.model?.kerasVersion, computesForwardConvolution(version) {
            throw ModelIOError.forwardConvolution(path: path, version: version)
        }
        return layers
    }

    /// Up to 2.1.2-tf (TensorFlow 1.5), tf.keras's Conv3DTranspose inherited an ordinary convolution by mistake.
    static func computesForwardConvolution(_ version: String) -> Bool {
        guard version.hasSuffix("-tf") else { return false }
        let numbers = version.dropLast(3).split(separator: ".").map { Int($0) ?? 0 }
        return numbers.lexicographicallyPrecedes([2, 1, 3])
    }
}
