import VoxLayerSpec
import VoxTensors

/// A safetensors file: a header that names tensors with their types, shapes and places, then their bytes, which fill the rest exactly.
///
/// Source: https://github.com/huggingface/safetensors, "Format". Every claim of the header is checked when a file is opened.
public struct SafetensorsFile: Sendable {
    /// What errors call the file.
    public let path: String
    /// The names of the tensors, in the order of their bytes.
    public let names: [String]
    /// What the file says of itself.
    public let metadata: [String: String]
    private let entries: [String: SafetensorsHeader.Entry]
    private let bytes: [UInt8]

    /// Bytes before the header: its length.
    static let prefixByteCount = 8
    /// What the format allows.
    static let mostHeaderBytes = 100_000_000
    /// The name of what is no tensor in a header.
    static let metadataName = "__metadata__"

    /// - Throws: `TensorIOError.cannotOpen`, `.cannotRead`, `.safetensorsHeader`, `.safetensorsTensor`, `.duplicateMember`.
    public init(path: String) throws { try self.init(bytes: InputFile.bytes(of: path), name: path) }

    /// - Parameters:
    ///   - bytes: the contents of a whole file.
    ///   - name: what errors call these bytes.
    /// - Throws: as `init(path:)`.
    public init(bytes: [UInt8], name: String) throws {
        guard bytes.count >= Self.prefixByteCount else {
            throw TensorIOError.safetensorsHeader(path: name, reason: "received \(bytes.count) bytes; expected the 8 of its length first")
        }
        let length = bytes.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
        let room = min(Self.mostHeaderBytes, bytes.count - Self.prefixByteCount)
        guard length <= UInt64(room) else {
            throw TensorIOError.safetensorsHeader(path: name, reason: "its length is \(length); expected at most \(room)")
        }
        let start = Self.prefixByteCount + Int(length)
        var parser = SafetensorsParser(Array(bytes[Self.prefixByteCount..<start]), path: name)
        let header = try parser.header()
        let ordered = try header.laidOut(byteCount: bytes.count - start, path: name)
        path = name
        names = ordered.map(\.name)
        metadata = header.metadata
        entries = Dictionary(uniqueKeysWithValues: ordered.map { ($0.name, $0.moved(by: start)) })
        self.bytes = bytes
    }

    /// Which types are read, by their names in the format.
    private static let elementTypes = Dictionary(uniqueKeysWithValues: ElementType.allCases.map { (typeName($0), $0) })

    /// What the format calls a type.
    static func typeName(_ type: ElementType) -> String {
        switch type {
        case .float16: "F16"
        case .bfloat16: "BF16"
        case .float32: "F32"
        case .float64: "F64"
        }
    }

    /// The tensor of a name.
    /// - Throws: `TensorIOError.missingMember` where there is none, `.safetensorsTensor` for elements that are no floats of 16 to 64 bits,
    ///   `.tensor` for shapes that no tensor has, and for lack of memory.
    public func tensor(_ name: String) throws -> Tensor {
        guard let entry = entries[name] else { throw TensorIOError.missingMember(path: path, member: name, present: names) }
        guard let type = Self.elementTypes[entry.type] else {
            throw TensorIOError.safetensorsTensor(
                path: path, tensor: name, reason: "its elements are of type \(entry.type); expected F16, BF16, F32 or F64")
        }
        var tensor = try Tensor(for: "\(path):\(name)", entry.shape, type)
        try tensor.withUnsafeMutableBytes { target in bytes.withUnsafeBytes { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[entry.range])) } }
        return tensor
    }

    /// All tensors, in the order of their bytes.
    /// - Throws: as `tensor(_:)`.
    public func tensors() throws -> [(name: String, tensor: Tensor)] { try names.map { ($0, try tensor($0)) } }

    /// The shape of the tensor of a name; nil where there is none.
    package func shape(of name: String) -> [Int]? { entries[name]?.shape }
}
