import VoxLayerSpec
import VoxTensors

/// What can go wrong when tensor files are read or written. `path` is the file's path or the name its bytes were given, with
/// the member of an archive after a colon. `description` is the one sentence.
public enum TensorIOError: Error, Hashable, Sendable, CustomStringConvertible {
    case cannotOpen(path: String, reason: String)
    case cannotRead(path: String, reason: String)
    /// More bytes in a file or pipe than anything of its kind has.
    case fileTooLarge(path: String, limit: Int)
    case cannotWrite(path: String, reason: String)
    /// The contents asked for a tensor that cannot exist.
    case tensor(path: String, TensorError)
    /// A library opened at run time is absent or too old; `packages` are the Debian packages that hold it.
    case missingLibrary(name: String, packages: String, reason: String)

    case notNPY(path: String, firstBytes: [UInt8])
    case npyVersion(path: String, major: UInt8, minor: UInt8)
    case npyHeaderLength(path: String, received: Int, expected: Int)
    case npyHeaderTooLong(path: String, received: Int, limit: Int)
    case npyHeader(path: String, reason: String)
    case npyElementType(path: String, received: String)
    case npyDataLength(path: String, received: Int, expected: Int)

    case notZip(path: String, reason: String)
    case zipMember(path: String, member: String, reason: String)
    case duplicateMember(path: String, member: String)
    /// The name of a member that would be unpacked outside the folder of the others.
    case escapingMember(path: String, member: String)
    case missingMember(path: String, member: String, present: [String])
    /// `size` bytes were declared for a member or dataset, beyond the limit given or beyond what its file can hold.
    case tooLarge(path: String, object: String, size: UInt64, limit: Int)
    case invalidName(path: String, name: String)

    case notHDF5(path: String)
    case missingObject(path: String, object: String, expected: String)
    case hdf5Type(path: String, object: String, received: String, expected: String)
    case hdf5Structure(path: String, object: String, reason: String)
    case notKerasWeights(path: String)
    /// What cannot stand in an HDF5 file that is to be written.
    case unwritableObject(path: String, object: String, reason: String)

    case safetensorsHeader(path: String, reason: String)
    case safetensorsTensor(path: String, tensor: String, reason: String)

    public var description: String {
        let sentence: Sentence = switch self {
        case .cannotOpen(let path, let reason): "Cannot open \(path): \(reason); expected a readable file."
        case .cannotRead(let path, let reason): "Cannot read \(path): \(reason)."
        case .fileTooLarge(let path, let limit): "Received more than \(limit) bytes from \(path); expected at most that."
        case .cannotWrite(let path, let reason): "Cannot write \(path): \(reason); expected a writable place."
        case .tensor(let path, let error): "\(path): \(error)"
        case .missingLibrary(let name, let packages, let reason):
            "Received no usable \(name) (\(reason)); expected one of the Debian packages \(packages) to be installed."
        case .notNPY(let path, let bytes):
            "Received \(Self.hex(bytes)) at the start of \(path); expected the 93 4e 55 4d 50 59 of an .npy file."
        case .npyVersion(let path, let major, let minor):
            "Received .npy version \(major).\(minor) in \(path); expected 1.0, 2.0 or 3.0."
        case .npyHeaderLength(let path, let received, let expected):
            "Received \(received) bytes of .npy header in \(path); expected \(expected)."
        case .npyHeaderTooLong(let path, let received, let limit):
            "Received an .npy header of \(received) bytes in \(path); expected at most \(limit)."
        case .npyHeader(let path, let reason): "Received a malformed .npy header in \(path): \(reason)."
        case .npyElementType(let path, let received):
            "Received elements of type \(received) in \(path); expected f2, f4, f8, i1 to i8, u1 to u8 or b1."
        case .npyDataLength(let path, let received, let expected):
            "Received \(received) bytes of data in \(path); expected \(expected)."
        case .notZip(let path, let reason): "Received no readable zip archive in \(path) (\(reason)); expected one."
        case .zipMember(let path, let member, let reason): "Cannot use the member \(member) of \(path): \(reason)."
        case .duplicateMember(let path, let member): "Received the member \(member) twice in \(path); expected it once."
        case .escapingMember(let path, let member):
            "Received the member name \"\(member)\" in \(path); expected a path below the archive, without \"..\" and backslashes."
        case .missingMember(let path, let member, let present):
            "Received no member \(member) in \(path); expected it among \(Self.list(present))."
        case .tooLarge(let path, let object, let size, let limit):
            "Received \(size) declared bytes for \(object) of \(path); expected at most \(limit)."
        case .invalidName(let path, let name):
            "Received the array name \"\(name)\" for \(path); expected a name of 1 to 1024 bytes without NUL."
        case .notHDF5(let path): "Received no HDF5 file in \(path); expected one."
        case .missingObject(let path, let object, let expected): "Received no \(object) in \(path); expected \(expected)."
        case .hdf5Type(let path, let object, let received, let expected):
            "Received \(received) as \(object) of \(path); expected \(expected)."
        case .hdf5Structure(let path, let object, let reason): "Cannot read \(object) of \(path): \(reason)."
        case .notKerasWeights(let path):
            "Received neither layer groups nor layer_names in \(path); expected a Keras weights or model file."
        case .unwritableObject(let path, let object, let reason): "Cannot write \(object) of \(path): \(reason)."
        case .safetensorsHeader(let path, let reason): "Received a malformed safetensors header in \(path): \(reason)."
        case .safetensorsTensor(let path, let tensor, let reason): "Cannot use the tensor \"\(tensor)\" of \(path): \(reason)."
        }
        return sentence.text
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        if bytes.isEmpty { return "nothing" }
        return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    }

    private static func list(_ names: [String]) -> String {
        if names.isEmpty { return "its members (it has none)" }
        return names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", ... (\(names.count) members)" : "")
    }
}

extension Tensor {
    /// A tensor for the contents of `path`; what cannot exist is reported with that path.
    init(for path: String, _ shape: [Int], _ type: ElementType) throws(TensorIOError) {
        do { try self.init(uninitialized: shape, type) } catch { throw .tensor(path: path, error) }
    }
}
