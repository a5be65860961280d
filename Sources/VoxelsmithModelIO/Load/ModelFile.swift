import VoxKerasConfig
import VoxTensorIO
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

    /// - Throws: `TensorIOError` for what cannot be read, `KerasConfigError` for what is no JSON, `ModelIOError.foreignFile` for files of
    ///   other kinds, `.noConfig` for a weights-only file.
    public init(path: String) throws { try self.init(path: path, expected: .layers) }

    /// - Parameter expected: what a file of another kind is told to be instead.
    /// - Throws: as `init(path:)`.
    package init(path: String, expected: ExpectedFile) throws {
        self.path = path
        let file = try RecognizedFile(path: path)
        switch file.kind {
        case .keras:
            let archive = try file.archive()
            kerasVersion = try archive.metadata.flatMap { try JSONValue(parsing: $0).object?["keras_version"]?.string }
            document = try JSONValue(parsing: archive.config)
            weights = archive.weights
        case .hdf5:
            let file = try file.hdf5()
            guard let config = file.config else { throw ModelIOError.noConfig(path: path) }
            kerasVersion = file.kerasVersion
            document = try JSONValue(parsing: config)
            weights = file
        case .json:
            kerasVersion = nil
            document = try JSONValue(parsing: file.text())
            weights = nil
        default: throw ModelIOError.foreignFile(path: path, file.kind, expected: expected)
        }
    }

    /// The convolutions, with the shapes that reach them where the file is a model.
    /// - Parameter objects: the user's own activations; layers that have one read as linear.
    /// - Throws: `KerasConfigError` for what cannot be understood.
    public func layers(objects: CustomObjects = .shared) throws -> LayerSet {
        try LayerSet(
            document, generation: kerasVersion.map { KerasGeneration(kerasVersion: $0) }, kerasVersion: kerasVersion,
            customActivations: objects.activationNames)
    }
}

/// A file whose kind is known before it is read. It is opened once, so that a pipe can be read.
struct RecognizedFile {
    let path: String
    let kind: FileKind
    /// nil for a folder.
    private let file: InputFile?

    /// - Throws: `TensorIOError.cannotOpen`, `.cannotRead`.
    init(path: String) throws {
        self.path = path
        if let folder = FileKind(folder: path) {
            (kind, file) = (folder, nil)
        } else {
            let file = try InputFile(path)
            kind = FileKind(start: try file.start(count: FileKind.startCount))
            self.file = file
        }
    }

    func bytes(limit: Int? = nil) throws -> [UInt8] { try file?.readAll(limit: limit) ?? [] }
    func text() throws -> [UInt8] { try bytes(limit: KerasArchive.textLimit) }
    func hdf5() throws -> KerasWeights { try KerasWeights(image: bytes(), name: path) }
    /// A regular file is left to the zip library, which reads no more of it than it needs.
    func archive() throws -> KerasArchive { try file?.size == nil ? KerasArchive(bytes: bytes(), name: path) : KerasArchive(path: path) }
    func arrays() throws -> NPZFile { try file?.size == nil ? NPZFile(bytes: bytes(), name: path) : NPZFile(path: path) }
}
