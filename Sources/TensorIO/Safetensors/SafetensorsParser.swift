/// Reads the header of a safetensors file: JSON of one fixed form, so nothing here depends on how deep its brackets are.
struct SafetensorsParser {
    private let bytes: [UInt8]
    private let path: String
    private var position = 0
    private var memberCount = 0

    /// Large models have some ten thousand tensors. A few bytes of a member become some hundred in memory.
    private static let mostMembers = 400_000
    /// Of a shape.
    private static let mostAxes = 64

    init(_ bytes: [UInt8], path: String) { (self.bytes, self.path) = (bytes, path) }

    /// The whole header.
    /// - Throws: `TensorIOError.safetensorsHeader`, `.duplicateMember` for a name that occurs twice.
    mutating func header() throws(TensorIOError) -> SafetensorsHeader {
        var header = SafetensorsHeader()
        var seen: Set<String> = []
        try members { parser, name throws(TensorIOError) in
            if !seen.insert(name).inserted { throw .duplicateMember(path: parser.path, member: name) }
            if name == SafetensorsFile.metadataName {
                header.metadata = try parser.metadata()
            } else {
                header.entries.append(try parser.entry(name))
            }
        }
        skipBlanks()
        if position < bytes.count { throw malformed("the end") }
        return header
    }

    private mutating func metadata() throws(TensorIOError) -> [String: String] {
        var metadata: [String: String] = [:]
        try members { parser, name throws(TensorIOError) in
            let text = try parser.string()
            if metadata.updateValue(text, forKey: name) != nil {
                throw .duplicateMember(path: parser.path, member: "\(SafetensorsFile.metadataName)/\(name)")
            }
        }
        return metadata
    }

    private mutating func entry(_ name: String) throws(TensorIOError) -> SafetensorsHeader.Entry {
        var (type, shape, offsets) = (String?.none, [Int]?.none, [Int]?.none)
        try members { parser, key throws(TensorIOError) in
            switch key {
            case "dtype" where type == nil: type = try parser.string()
            case "shape" where shape == nil: shape = try parser.integers()
            case "data_offsets" where offsets == nil: offsets = try parser.integers()
            default: throw .safetensorsTensor(path: parser.path, tensor: name, reason: "received \"\(key)\"; expected dtype, shape and data_offsets, once each")
            }
        }
        guard let type, let shape, let offsets else {
            throw .safetensorsTensor(path: path, tensor: name, reason: "expected dtype, shape and data_offsets")
        }
        guard offsets.count == 2, offsets[0] <= offsets[1] else {
            throw .safetensorsTensor(path: path, tensor: name, reason: "its data_offsets are \(offsets); expected the beginning and the end")
        }
        // The header's own length is added to them.
        guard offsets[1] < 1 << 62 else { throw .safetensorsTensor(path: path, tensor: name, reason: "its bytes end at \(offsets[1])") }
        return SafetensorsHeader.Entry(name: name, type: type, shape: shape, range: offsets[0]..<offsets[1])
    }

    // MARK: JSON

    private func malformed(_ expected: String) -> TensorIOError {
        guard position < bytes.count else { return .safetensorsHeader(path: path, reason: "it ends after \(bytes.count) bytes; expected \(expected)") }
        let rest = String(decoding: bytes[position...].prefix(20), as: UTF8.self)
        return .safetensorsHeader(path: path, reason: "received \"\(rest)\" at byte \(position); expected \(expected)")
    }

    /// A header may be a hundred megabytes of these.
    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    private mutating func skipBlanks() {
        while position < bytes.count, Self.isBlank(bytes[position]) { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar, _ name: String) throws(TensorIOError) {
        if !take(character) { throw malformed(name) }
    }

    /// The members of an object.
    /// - Parameter body: reads the value of the name that it is given.
    private mutating func members(_ body: (inout SafetensorsParser, String) throws(TensorIOError) -> Void) throws(TensorIOError) {
        try expect("{", "an object")
        if take("}") { return }
        repeat {
            memberCount += 1
            if memberCount > Self.mostMembers { throw malformed("at most \(Self.mostMembers) members") }
            let name = try string()
            try expect(":", "a colon")
            try body(&self, name)
        } while take(",")
        try expect("}", "a comma or the end of the object")
    }

    /// A list of integers, each 0 or more.
    private mutating func integers() throws(TensorIOError) -> [Int] {
        try expect("[", "a list")
        var values: [Int] = []
        if take("]") { return values }
        repeat {
            skipBlanks()
            let digits = bytes[position...].prefix { (0x30...0x39).contains($0) }
            guard !digits.isEmpty, digits.count == 1 || digits.first != 0x30, let value = Int(String(decoding: digits, as: UTF8.self)) else {
                throw malformed("an integer of 0 or more, below 2^63")
            }
            if values.count == Self.mostAxes { throw malformed("at most \(Self.mostAxes) integers") }
            position += digits.count
            values.append(value)
        } while take(",")
        try expect("]", "a comma or the end of the list")
        return values
    }

    private mutating func string() throws(TensorIOError) -> String {
        try expect("\"", "a text")
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw malformed("UTF-8 in the text before") }
                position += 1
                return string
            case UInt8(ascii: "\\"): text += Array(String(Character(try escape())).utf8)
            case 0..<0x20: throw malformed("no control character in a text")
            default:
                text.append(byte)
                position += 1
            }
        }
        throw malformed("the end of the text")
    }

    private static let escapes: [UInt8: Unicode.Scalar] = [
        UInt8(ascii: "\""): "\"", UInt8(ascii: "\\"): "\\", UInt8(ascii: "/"): "/", UInt8(ascii: "b"): "\u{8}", UInt8(ascii: "f"): "\u{c}",
        UInt8(ascii: "n"): "\n", UInt8(ascii: "r"): "\r", UInt8(ascii: "t"): "\t",
    ]

    private mutating func escape() throws(TensorIOError) -> Unicode.Scalar {
        if position + 1 < bytes.count, let scalar = Self.escapes[bytes[position + 1]] {
            position += 2
            return scalar
        }
        let first = try codeUnit()
        guard (0xD800..<0xDC00).contains(first) else {
            guard let scalar = Unicode.Scalar(first) else { throw malformed("the first half of a surrogate pair before") }
            return scalar
        }
        // Two escapes stand for one character beyond the basic plane.
        let second = try codeUnit()
        guard (0xDC00..<0xE000).contains(second), let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) else {
            throw malformed("the second half of a surrogate pair before")
        }
        return scalar
    }

    /// `\uXXXX`
    private mutating func codeUnit() throws(TensorIOError) -> UInt32 {
        guard position + 6 <= bytes.count, bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u") else {
            throw malformed("an escape")
        }
        var code: UInt32 = 0
        for byte in bytes[position + 2..<position + 6] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw malformed("four hexadecimal digits") }
            code = code << 4 | UInt32(digit)
        }
        position += 6
        return code
    }
}
