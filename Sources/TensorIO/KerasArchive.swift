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

    /// The members.
    private enum Name {
        static let config = "config.json", metadata = "metadata.json", weights = "model.weights.h5"
    }

    private init(_ archive: ZipArchive) throws {
        config = try archive.read(Name.config, limit: Self.textLimit)
        metadata = archive.members.contains { $0.name == Name.metadata } ? try archive.read(Name.metadata, limit: Self.textLimit) : nil
        // The bytes, two copies inside HDF5, the tensors, and one of them converted.
        let limit = archive.memoryLimit / 6
        weights = try KerasWeights(image: archive.read(Name.weights, limit: limit), name: "\(archive.path):\(Name.weights)")
    }

    /// The bytes of an archive, whose members are stored and bear one date: equal contents give equal bytes.
    /// - Parameter path: what errors call the archive.
    /// - Throws: `TensorIOError.missingLibrary`, `.cannotWrite`, and as `KerasWeights.encode`.
    package static func encode(config: [UInt8], metadata: [UInt8], weights: KerasWeights, name path: String) throws -> [UInt8] {
        let image = try weights.encode(name: "\(path):\(Name.weights)")
        return try ZipArchive.encode([(Name.metadata, metadata), (Name.config, config), (Name.weights, image)], name: path)
    }
}
