import VoxLayerSpec

/// The header of an .npy file (versions 1.0, 2.0, 3.0 of NumPy's format): magic, version, length, and a Python dict literal.
struct NPYHeader: Hashable {
    enum Kind: Hashable {
        case float
        case signed
        case unsigned
        case boolean
    }

    /// Kind and size of one stored element: 1, 2, 4 or 8 bytes.
    var kind: Kind
    var itemByteCount: Int
    /// Whether the most significant byte comes first.
    var bigEndian: Bool
    /// Whether the first index varies fastest.
    var fortranOrder: Bool
    var shape: [Int]

    static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
    /// Bytes that suffice to find the length of the header in every version.
    static let prefixByteCount = 12
    /// NumPy itself refuses more than 10,000 bytes from untrusted files.
    static let byteCountLimit = 1 << 20
    /// NumPy's own limit.
    static let rankLimit = 64

    /// The element type of the tensor: floats stay what they are, everything else becomes float32.
    var elementType: ElementType {
        if kind != .float { return .float32 }
        return itemByteCount == 8 ? .float64 : itemByteCount == 2 ? .float16 : .float32
    }

    #if _endian(big)
    static let hostIsBigEndian = true
    #else
    static let hostIsBigEndian = false
    #endif

    /// Whether the bytes of the file are the bytes of the tensor.
    var isDirect: Bool {
        kind == .float && (bigEndian == Self.hostIsBigEndian) && (!fortranOrder || shape.count < 2)
    }

    /// Bytes that reading so much data takes beside the data themselves.
    func memory(for dataByteCount: Int) -> Int {
        let elements = Checked.clampedProduct(dataByteCount / itemByteCount, elementType.byteCount)
        if isDirect { return elements }
        return Checked.clampedSum(dataByteCount, Checked.clampedProduct(elements, fortranOrder && shape.count >= 2 ? 2 : 1))
    }

    /// Length of the whole header, text included, from its first bytes.
    /// - Throws: `TensorIOError.notNPY`, `.npyVersion`, `.npyHeaderLength`, `.npyHeaderTooLong`.
    static func byteCount(prefix: some RandomAccessCollection<UInt8>, path: String) throws(TensorIOError) -> Int {
        let bytes = Array(prefix.prefix(prefixByteCount))
        guard bytes.starts(with: magic) else { throw .notNPY(path: path, firstBytes: Array(bytes.prefix(magic.count))) }
        guard bytes.count >= 8 else { throw .npyHeaderLength(path: path, received: bytes.count, expected: 10) }
        guard (1...3).contains(bytes[6]), bytes[7] == 0 else { throw .npyVersion(path: path, major: bytes[6], minor: bytes[7]) }
        let start = bytes[6] == 1 ? 10 : 12
        guard bytes.count >= start else { throw .npyHeaderLength(path: path, received: bytes.count, expected: start) }
        let length = bytes[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
        if length > byteCountLimit { throw .npyHeaderTooLong(path: path, received: length, limit: byteCountLimit) }
        return start + length
    }

    /// - Parameter bytes: the whole header, as long as `byteCount(prefix:path:)` says.
    /// - Throws: the errors of `byteCount`, `TensorIOError.npyHeader`, `.npyElementType`.
    init(_ bytes: some RandomAccessCollection<UInt8>, path: String) throws(TensorIOError) {
        let bytes = Array(bytes)
        let expected = try Self.byteCount(prefix: bytes, path: path)
        if bytes.count != expected { throw .npyHeaderLength(path: path, received: bytes.count, expected: expected) }
        var literal = PythonLiteral(Array(bytes[(bytes[6] == 1 ? 10 : 12)...]), path: path)
        let (descriptor, fortranOrder, shape) = try literal.header()
        (kind, itemByteCount, bigEndian) = try Self.element(descriptor, path: path)
        self.fortranOrder = fortranOrder
        self.shape = shape
    }

    /// The type in which a tensor's elements are written: their own where NumPy has it, else the one they are computed in, in which their
    /// values are exact.
    static func storedType(_ type: ElementType) -> ElementType {
        switch type {
        case .float16, .float32, .float64: type
        case .bfloat16: type.arithmetic
        }
    }

    /// The header of a tensor written by this package: this machine's byte order, row-major.
    init(shape: [Int], _ type: ElementType) {
        self.shape = shape
        (kind, itemByteCount) = (.float, type.byteCount)
        (bigEndian, fortranOrder) = (Self.hostIsBigEndian, false)
    }

    /// Bytes of data that follow the header.
    /// - Throws: `TensorIOError.tensor` when that is beyond the supported size.
    func dataByteCount(path: String) throws(TensorIOError) -> Int {
        guard let count = Checked.product(shape + [itemByteCount]), count <= Geometry.maximumByteCount else {
            throw .tensor(path: path, .tooLarge(shape: shape))
        }
        return count
    }

    /// The bytes of this header, padded so that the data begins at a multiple of 64.
    func encoded() -> [UInt8] {
        let extents = shape.count == 1 ? "\(shape[0])," : shape.map(String.init).joined(separator: ", ")
        let order = fortranOrder ? "True" : "False"
        let text = "{'descr': '\(bigEndian ? ">" : "<")f\(itemByteCount)', 'fortran_order': \(order), 'shape': (\(extents)), }"
        var version: UInt8 = 1
        var start = 10
        if text.utf8.count + 64 > Int(UInt16.max) { (version, start) = (2, 12) }
        let length = (start + text.utf8.count + 1 + 63) / 64 * 64 - start
        var bytes = Self.magic + [version, 0]
        for shift in stride(from: 0, to: (start - 8) * 8, by: 8) { bytes.append(UInt8(truncatingIfNeeded: length >> shift)) }
        bytes += text.utf8
        bytes += [UInt8](repeating: UInt8(ascii: " "), count: length - text.utf8.count - 1)
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    private static func element(_ descriptor: String, path: String) throws(TensorIOError) -> (Kind, Int, Bool) {
        let kinds: [Character: (Kind, [Int])] = [
            "f": (.float, [2, 4, 8]), "i": (.signed, [1, 2, 4, 8]), "u": (.unsigned, [1, 2, 4, 8]), "b": (.boolean, [1]),
        ]
        let text = Array(descriptor)
        guard text.count == 3, let (kind, sizes) = kinds[text[1]], let size = text[2].wholeNumberValue, sizes.contains(size) else {
            throw .npyElementType(path: path, received: String(descriptor.prefix(80)))
        }
        switch text[0] {
        case "<": return (kind, size, false)
        case ">": return (kind, size, true)
        case "=": return (kind, size, hostIsBigEndian)
        case "|" where size == 1: return (kind, size, false)
        default: throw .npyElementType(path: path, received: descriptor)
        }
    }
}
