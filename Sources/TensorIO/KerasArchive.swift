import VoxTensors

/// A model saved by Keras as `.keras`: a zip of config.json, metadata.json and model.weights.h5.
public struct KerasArchive: Sendable {
    /// The JSON of the model.
    public let config: [UInt8]
    /// The JSON with `keras_version` and `date_saved`, nil when absent.
    public let metadata: [UInt8]?
    /// All weights of the model.
    public let weights: KerasWeights

    /// - Throws: `TensorIOError.missingLibrary`, `.cannotOpen`, `.notZip`, `.missingMember`, and what reading the members throws.
    public init(path: String) throws { try self.init(ZipArchive(path: path)) }

    /// - Throws: as `init(path:)`.
    package init(_ file: InputFile) throws { try self.init(ZipArchive(file)) }

    /// - Parameters:
    ///   - bytes: the contents of a whole file.
    ///   - name: what errors call these bytes.
    /// - Throws: as `init(path:)`.
    public init(bytes: [UInt8], name: String) throws { try self.init(ZipArchive(bytes: bytes, name: name)) }

    /// A model's JSON beyond this is no JSON of a model: the largest published ones have some hundred kilobytes. A parsed value
    /// takes more than ten times its text.
    package static let textLimit = 4 << 20

    private init(_ archive: ZipArchive) throws {
        config = try archive.read("config.json", limit: Self.textLimit)
        let metadata = "metadata.json"
        self.metadata = archive.members.contains { $0.name == metadata } ? try archive.read(metadata, limit: Self.textLimit) : nil
        let weights = "model.weights.h5"
        // The bytes, two copies inside HDF5, the tensors, and one of them converted.
        let limit = archive.memoryLimit / 6
        self.weights = try KerasWeights(image: archive.read(weights, limit: limit), name: "\(archive.path):\(weights)")
    }
}
