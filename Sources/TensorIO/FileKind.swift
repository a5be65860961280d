import Glibc

/// What a file is, told by its contents: the kinds that are read here, and those people bring instead.
public enum FileKind: String, CaseIterable, Hashable, Sendable {
    // Read.
    case json, keras, hdf5, npz, npy, safetensors
    // Models of others.
    case onnx, tflite, savedModel, savedModelFolder, tensorflowGraph, torch, pickle, gguf
    // Around or instead of a file.
    case gzip, bzip2, xz, zstandard, tar, elf, nifti, gitLFSPointer, html, xml, yaml, utf16, empty, folder, binary

    /// In words, with an article.
    public var name: String {
        switch self {
        case .json: "JSON or other text"
        case .keras: "a zip archive"
        case .hdf5: "an HDF5 file"
        case .npz: "an .npz archive of arrays"
        case .npy: "an .npy array"
        case .onnx: "an ONNX model"
        case .tflite: "a TensorFlow Lite model"
        case .savedModel: "the saved_model.pb of a TensorFlow SavedModel"
        case .savedModelFolder: "the folder of a TensorFlow SavedModel"
        case .tensorflowGraph: "a TensorFlow graph"
        case .torch: "a PyTorch file"
        case .pickle: "a Python pickle, as PyTorch and others write"
        case .safetensors: "a safetensors file"
        case .gguf: "a GGUF file"
        case .gzip: "packed with gzip"
        case .bzip2: "packed with bzip2"
        case .xz: "packed with xz"
        case .zstandard: "packed with zstd"
        case .tar: "a tar archive"
        case .elf: "a program or library (ELF), such as a plugin"
        case .nifti: "a NIfTI volume"
        case .gitLFSPointer: "a pointer of Git LFS, not the file itself"
        case .html: "an HTML page, such as a download page"
        case .xml: "XML"
        case .yaml: "YAML"
        case .utf16: "text in UTF-16"
        case .empty: "empty"
        case .folder: "a folder"
        case .binary: "binary, of a kind unknown here"
        }
    }

    /// What to do about it, where there is something to say.
    private var hint: String? {
        switch self {
        case .onnx: "write its ConvTranspose nodes as JSON and their weights as .npz, as Documentation/files.md shows"
        case .tflite, .tensorflowGraph: "take the Keras model it was made from"
        case .savedModel, .savedModelFolder: "load it with tf.keras and save it as .keras or .h5"
        case .torch, .pickle, .gguf: "write its layers as JSON and weight.permute(2, 3, 4, 1, 0) as kernel of an .npz"
        case .gzip, .bzip2, .xz, .zstandard, .tar: "unpack it first"
        case .npz, .npy, .safetensors: "arrays belong to the option or function for weights"
        case .elf: "plugins belong to --plugin"
        case .nifti: "convert it with nibabel and numpy.save"
        case .gitLFSPointer: "fetch it with git lfs pull"
        case .yaml: "write it with to_json instead of to_yaml"
        case .utf16: "save it as UTF-8"
        case .json: "it has no arrays"
        case .keras, .hdf5, .html, .xml, .empty, .folder, .binary: nil
        }
    }

    /// What is read instead.
    public func advice(_ expected: ExpectedFile) -> String { expected.text + (hint.map { " (\($0))" } ?? "") }

    /// Bytes from the start that suffice to tell any kind.
    package static let startCount = 4096

    /// The kind of a folder; nil when the path is none.
    package init?(folder path: String) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
        self = access("\(path)/saved_model.pb", F_OK) == 0 ? .savedModelFolder : .folder
    }

    /// - Parameter start: the first `startCount` bytes, or all of a shorter file.
    package init(start: [UInt8]) {
        func begins(_ bytes: [UInt8], at offset: Int = 0) -> Bool { start.dropFirst(offset).starts(with: bytes) }
        func begins(_ text: String, at offset: Int = 0) -> Bool { begins(Array(text.utf8), at: offset) }
        if start.isEmpty { self = .empty; return }
        // First, as the length of a header may look like the signature of another kind; what follows it looks like none.
        if Self.isSafetensors(start) { self = .safetensors; return }
        if begins([0x50, 0x4b, 0x03, 0x04]) { self = Self.archive(start); return }
        let signatures: [([UInt8], FileKind)] = [
            ([0x50, 0x4b, 0x05, 0x06], .keras), ([0x89, 0x48, 0x44, 0x46], .hdf5), ([0x93] + Array("NUMPY".utf8), .npy),
            (Array("GGUF".utf8), .gguf), ([0x1f, 0x8b], .gzip), (Array("BZh".utf8), .bzip2), ([0xfd] + Array("7zXZ".utf8), .xz),
            ([0x28, 0xb5, 0x2f, 0xfd], .zstandard), ([0x7f] + Array("ELF".utf8), .elf), ([0xff, 0xfe], .utf16), ([0xfe, 0xff], .utf16),
        ]
        if let kind = signatures.first(where: { begins($0.0) })?.1 { self = kind; return }
        if begins("TFL3", at: 4) { self = .tflite; return }
        if begins("ustar", at: 257) { self = .tar; return }
        if begins("n+1\0", at: 344) || begins("ni1\0", at: 344) || begins("n+2\0", at: 4) { self = .nifti; return }
        if (2...5).contains(start.dropFirst().first ?? 0), start[0] == 0x80 { self = Self.pickle(start); return }
        if let kind = ProtobufStart(start).kind { self = kind; return }
        self = Self.text(start)
    }

    /// By the name of the first member.
    private static func archive(_ start: [UInt8]) -> FileKind {
        guard start.count >= 30 else { return .keras }
        let count = Int(start[26]) | Int(start[27]) << 8
        let name = String(decoding: start.dropFirst(30).prefix(count), as: UTF8.self)
        if name.hasSuffix(".npy") { return .npz }
        return isTorchMember(name) ? .torch : .keras
    }

    /// Whether PyTorch begins its archives with such a member: what `torch.save`, `torch.jit.save` and `torch.export.save` write first
    /// depends on their versions. All but the oldest exports have everything in one folder, whose name is the file's.
    private static func isTorchMember(_ name: String) -> Bool {
        if ["serialized_exported_program.json", "serialized_state_dict.pt", "serialized_state_dict.json"].contains(name) { return true }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard let first = parts.first, let last = parts.last else { return false }
        if parts.count == 1 {
            let files: Set<Substring> = [
                "data.pkl", "constants.pkl", "bytecode.pkl", ".format_version", ".storage_alignment", "byteorder", "version", "archive_format",
                "archive_version",
            ]
            return files.contains(first)
        }
        switch first {
        case "data", "constants": return parts.count == 2 && !last.isEmpty && last.allSatisfy { $0.isASCII && $0.isNumber }
        case "code": return parts.dropFirst().first?.hasPrefix("__torch__") == true
        case ".data", "extra": return true
        default: return false
        }
    }

    /// PyTorch before 1.6 began its pickles with a number of its own.
    private static func pickle(_ start: [UInt8]) -> FileKind {
        start.dropFirst(2).starts(with: [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]) ? .torch : .pickle
    }

    /// The length of a header of at most 100 MB, then the header, which is JSON.
    private static func isSafetensors(_ start: [UInt8]) -> Bool {
        guard start.count >= 10, start[8] == UInt8(ascii: "{"), start[4...7].allSatisfy({ $0 == 0 }) else { return false }
        let next = start[9...].first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }
        return next == UInt8(ascii: "\"") || next == UInt8(ascii: "}")
    }

    /// Anything that could be text is JSON here: its reader says what is wrong with it.
    private static func text(_ start: [UInt8]) -> FileKind {
        // The last bytes may be half a character.
        let cuts = start.count < startCount ? 0...0 : 0...3
        guard !start.contains(0), cuts.contains(where: { String(validating: start.dropLast($0), as: UTF8.self) != nil }) else { return .binary }
        let text = String(decoding: start, as: UTF8.self).drop { $0.isWhitespace || $0 == "\u{FEFF}" }
        let isControl = { (byte: UInt8) in byte < 0x20 && !(0x09...0x0d).contains(byte) || byte == 0x7f }
        if text.first != "{", text.first != "[", start.contains(where: isControl) { return .binary }
        if text.hasPrefix("version https://git-lfs") { return .gitLFSPointer }
        if text.hasPrefix("<") {
            let beginning = text.prefix(15).lowercased()
            return beginning.hasPrefix("<!doctype html") || beginning.hasPrefix("<html") ? .html : .xml
        }
        let line = text.prefix { !$0.isNewline }
        let isYAML = ["backend:", "class_name:", "config:", "keras_version:", "---"].contains { line.hasPrefix($0) }
        return isYAML ? .yaml : .json
    }
}

/// What a file was wanted for.
public enum ExpectedFile: String, Hashable, Sendable {
    case layers, weights, layersOrPlugin

    var text: String {
        switch self {
        case .layers: "layers as JSON, a .keras archive, or a whole-model .h5 of Keras"
        case .layersOrPlugin: "a plugin of voxelsmith build, or \(Self.layers.text)"
        case .weights: "weights as .npz, .safetensors, .weights.h5, .h5 or .keras"
        }
    }
}

/// The beginning of a protocol buffer, as far as it tells the models that are written as one.
struct ProtobufStart {
    /// A field: its number, and the number or the bytes it holds, as far as they are here.
    private enum Value {
        case number(UInt64)
        case bytes(ArraySlice<UInt8>, declared: Int)
    }

    private var fields: [(number: Int, value: Value)] = []

    init(_ start: [UInt8]) { fields = Self.fields(start[...]) }

    var kind: FileKind? {
        guard let first = fields.first else { return nil }
        if first.number == 1, case .number(let version) = first.value {
            // SavedModel: a version of 1, then messages that begin with one about themselves. ONNX: its version, then texts and a graph.
            if version == 1, fields.count > 1, fields[1].number == 2, case .bytes(let inner, _) = fields[1].value,
                case .bytes(_, let length)? = Self.fields(inner).first?.value, length > 0
            {
                return .savedModel
            }
            let known: Set<Int> = [2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26]
            return (1...64).contains(version) && fields.count > 1 && fields.dropFirst().allSatisfy { known.contains($0.number) } ? .onnx : nil
        }
        // A graph: nodes, each with its name and its operation.
        guard first.number == 1, case .bytes(let node, _) = first.value else { return nil }
        let parts = Self.fields(node)
        guard parts.count > 1, parts[0].number == 1, parts[1].number == 2, case .bytes(let name, _) = parts[0].value,
            case .bytes(let operation, _) = parts[1].value
        else { return nil }
        let isText = !name.isEmpty && !operation.isEmpty && (name + operation).allSatisfy { (0x21...0x7e).contains($0) }
        return isText ? .tensorflowGraph : nil
    }

    /// The fields up to the end of the bytes; none where they are no protocol buffer.
    private static func fields(_ bytes: ArraySlice<UInt8>) -> [(number: Int, value: Value)] {
        var rest = bytes
        var fields: [(number: Int, value: Value)] = []
        func number() -> UInt64? {
            var value: UInt64 = 0
            for shift in stride(from: 0 as UInt64, to: 63, by: 7) {
                guard let byte = rest.popFirst() else { return nil }
                value |= UInt64(byte & 0x7f) << shift
                if byte < 0x80 { return value }
            }
            return nil
        }
        while !rest.isEmpty, fields.count < 64 {
            guard let tag = number(), let field = Int(exactly: tag >> 3), (1...1 << 20).contains(field) else { return rest.isEmpty ? fields : [] }
            switch tag & 7 {
            case 0:
                guard let value = number() else { return rest.isEmpty ? fields : [] }
                fields.append((field, .number(value)))
            case 2:
                guard let length = number().flatMap({ Int(exactly: $0) }) else { return rest.isEmpty ? fields : [] }
                fields.append((field, .bytes(rest.prefix(length), declared: length)))
                rest = rest.dropFirst(length)
            case 1, 5: rest = rest.dropFirst(tag & 7 == 1 ? 8 : 4)
            default: return []
            }
        }
        return fields
    }
}
