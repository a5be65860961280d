/// Reads JSON (RFC 8259) from UTF-8, and the words NaN, Infinity and -Infinity as numbers, which Python's json writes and reads.
struct JSONParser {
    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0
    private var count = 0

    /// Deeper nesting is refused, because each level takes a piece of the stack.
    private static let maximumDepth = 256

    /// Large models have some ten thousand values.
    private static let maximumCount = 100_000

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The only value of the text.
    /// - Throws: `KerasConfigError.malformedJSON`.
    mutating func document() throws(KerasConfigError) -> JSONValue {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        let value = try value()
        skipBlanks()
        if position < bytes.count { throw malformed("the end") }
        return value
    }

    private func malformed(_ expected: String) -> KerasConfigError {
        guard position < bytes.count else { return .malformedJSON("it ends after \(bytes.count) bytes; expected \(expected)") }
        let rest = bytes[position...].prefix(20)
        return .malformedJSON("received \"\(String(decoding: rest, as: UTF8.self))\" at byte \(position); expected \(expected)")
    }

    private mutating func skipBlanks() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }

    /// The next byte that is no blank; 0 at the end.
    private mutating func next() -> UInt8 {
        skipBlanks()
        return position < bytes.count ? bytes[position] : 0
    }

    private mutating func take(_ character: Character) -> Bool {
        guard let byte = character.asciiValue, next() == byte else { return false }
        position += 1
        return true
    }

    private mutating func value() throws(KerasConfigError) -> JSONValue {
        count += 1
        if count > Self.maximumCount { throw .malformedJSON("received more values; expected at most \(Self.maximumCount)") }
        switch next() {
        case UInt8(ascii: "{"): return .object(try object())
        case UInt8(ascii: "["): return .array(try array())
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "N"): return try word("NaN", .number(.nan))
        case UInt8(ascii: "I"): return try word("Infinity", .number(.infinity))
        case UInt8(ascii: "-") where position + 1 < bytes.count && bytes[position + 1] == UInt8(ascii: "I"):
            return try word("-Infinity", .number(-.infinity))
        default: return try number()
        }
    }

    private mutating func word(_ text: StaticString, _ value: JSONValue) throws(KerasConfigError) -> JSONValue {
        let word = Array("\(text)".utf8)
        if !bytes[position...].starts(with: word) { throw malformed("a value") }
        position += word.count
        return value
    }

    private mutating func enter() throws(KerasConfigError) {
        position += 1
        depth += 1
        if depth > Self.maximumDepth { throw malformed("at most \(Self.maximumDepth) levels") }
    }

    private mutating func object() throws(KerasConfigError) -> JSONObject {
        try enter()
        defer { depth -= 1 }
        var members: [String: JSONValue] = [:]
        if take("}") { return JSONObject(members) }
        repeat {
            if next() != UInt8(ascii: "\"") { throw malformed("a name in quotes") }
            let key = try string()
            if !take(":") { throw malformed("a colon") }
            members[key] = try value()
        } while take(",")
        if !take("}") { throw malformed("a comma or the end of the object") }
        return JSONObject(members)
    }

    private mutating func array() throws(KerasConfigError) -> [JSONValue] {
        try enter()
        defer { depth -= 1 }
        var values: [JSONValue] = []
        if take("]") { return values }
        repeat { values.append(try value()) } while take(",")
        if !take("]") { throw malformed("a comma or the end of the list") }
        return values
    }

    private mutating func number() throws(KerasConfigError) -> JSONValue {
        let start = position
        func digits() -> Bool {
            let first = position
            while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
            return position > first
        }
        func accept(_ characters: String) -> Bool {
            guard position < bytes.count, characters.utf8.contains(bytes[position]) else { return false }
            position += 1
            return true
        }
        _ = accept("-")
        if !accept("0"), !digits() {
            position = start
            throw malformed("a value")
        }
        var isInteger = true
        if accept(".") {
            isInteger = false
            if !digits() { throw malformed("a digit") }
        }
        if accept("eE") {
            isInteger = false
            _ = accept("+-")
            if !digits() { throw malformed("a digit") }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger, let value = Int(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else {
            position = start
            throw malformed("a number within the range of float64")
        }
        return .number(value)
    }

    private mutating func string() throws(KerasConfigError) -> String {
        position += 1
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                guard let string = String(validating: text, as: UTF8.self) else { throw malformed("UTF-8 in the text before") }
                return string
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw malformed("no control character in a text")
            default:
                text.append(byte)
                position += 1
            }
        }
        throw malformed("the end of the text")
    }

    private mutating func escape(into text: inout [UInt8]) throws(KerasConfigError) {
        let plain: [UInt8: UInt8] = [
            UInt8(ascii: "\""): 0x22, UInt8(ascii: "\\"): 0x5C, UInt8(ascii: "/"): 0x2F, UInt8(ascii: "b"): 0x08,
            UInt8(ascii: "f"): 0x0C, UInt8(ascii: "n"): 0x0A, UInt8(ascii: "r"): 0x0D, UInt8(ascii: "t"): 0x09,
        ]
        if position + 1 < bytes.count, let byte = plain[bytes[position + 1]] {
            text.append(byte)
            position += 2
            return
        }
        var code = try codeUnit()
        // Two escapes may stand for one character beyond the basic plane.
        if (0xD800..<0xDC00).contains(code) {
            let low = try codeUnit()
            guard (0xDC00..<0xE000).contains(low) else { throw malformed("the second half of a surrogate pair before") }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw malformed("the first half of a surrogate pair before") }
        text += Array(String(Character(scalar)).utf8)
    }

    /// `\uXXXX`
    private mutating func codeUnit() throws(KerasConfigError) -> UInt32 {
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
