import VoxTensors

/// NumPy's .npz files: a zip archive with one .npy member per array. An array's name is its member's without `.npy`; members
/// of other kinds are passed over, as NumPy does. Belongs to one task.
public final class NPZFile {
    private let archive: ZipArchive
    /// The names of the arrays, in the order of the archive.
    public let names: [String]
    /// Bytes of the tensors that were read, by name: those who asked for them may still hold them.
    private var given: [String: Int] = [:]

    /// - Throws: `TensorIOError.missingLibrary`, `.cannotOpen`, `.notZip`, `.duplicateMember`.
    public convenience init(path: String) throws { try self.init(ZipArchive(path: path)) }

    /// - Parameters:
    ///   - bytes: the contents of a whole file.
    ///   - name: what errors call these bytes.
    /// - Throws: as `init(path:)`.
    public convenience init(bytes: [UInt8], name: String = "the archive") throws { try self.init(ZipArchive(bytes: bytes, name: name)) }

    private init(_ archive: ZipArchive) {
        self.archive = archive
        names = archive.members.compactMap { $0.name.hasSuffix(Self.suffix) ? String($0.name.dropLast(Self.suffix.count)) : nil }
    }

    private static let suffix = ".npy"

    /// The array of a name. All arrays of an archive together may become some eight times as long as the archive, beyond 48 MiB.
    /// - Throws: `TensorIOError`; `.missingMember` when there is no such array.
    public func tensor(_ name: String) throws -> Tensor {
        if !names.contains(name) { throw TensorIOError.missingMember(path: archive.path, member: name, present: names) }
        // A few kilobytes can hold many members that each become megabytes.
        let others = given.reduce(0) { $0 + ($1.key == name ? 0 : $1.value) }
        let tensor = try NPY.decode(archive.read(name + Self.suffix), name: "\(archive.path):\(name)", memoryLimit: archive.memoryLimit - others)
        given[name] = tensor.byteCount
        return tensor
    }

    /// All arrays, in the order of the archive.
    /// - Throws: `TensorIOError`.
    public func tensors() throws -> [(name: String, tensor: Tensor)] {
        try names.map { ($0, try tensor($0)) }
    }

    /// The bytes of an .npz file with these arrays, in this order, uncompressed; equal arrays give equal bytes.
    /// - Throws: `TensorIOError.missingLibrary`, `.duplicateMember`, `.invalidName`.
    public static func encode(_ arrays: [(name: String, tensor: Tensor)]) throws -> [UInt8] {
        try ZipArchive.encode(arrays.map { ($0.name + suffix, NPY.encode($0.tensor)) })
    }

    /// Writes `encode`'s bytes to `path`. The file appears whole or not at all.
    /// - Throws: those of `encode`, `TensorIOError.cannotWrite`.
    public static func write(_ arrays: [(name: String, tensor: Tensor)], to path: String) throws {
        let bytes = try ZipArchive.encode(arrays.map { ($0.name + suffix, NPY.encode($0.tensor)) }, name: path)
        try bytes.withUnsafeBytes { try StagedFile.write([$0], to: path) }
    }
}
