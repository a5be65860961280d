/// A strict reader of the one Python literal that .npy headers hold: a dict with the keys descr, fortran_order and shape.
struct PythonLiteral {
    private let bytes: [UInt8]
    private let path: String
    private var position = 0

    init(_ bytes: [UInt8], path: String) {
        self.bytes = bytes
        self.path = path
    }

    /// - Throws: `TensorIOError.npyHeader`, and `.npyElementType` for a structured type.
    mutating func header() throws(TensorIOError) -> (descriptor: String, fortranOrder: Bool, shape: [Int]) {
        var descriptor: String?
        var fortranOrder: Bool?
        var shape: [Int]?
        try expect("{")
        while !accept("}") {
            let key = try string()
            try expect(":")
            switch key {
            case "descr" where descriptor == nil: descriptor = try type()
            case "fortran_order" where fortranOrder == nil: fortranOrder = try boolean()
            case "shape" where shape == nil: shape = try extents()
            default: throw malformed("received the key '\(key)'; expected descr, fortran_order and shape once each")
            }
            if accept(",") { continue }
            try expect("}")
            break
        }
        skipBlanks()
        if position < bytes.count { throw malformed("received \(bytes.count - position) bytes after the dict; expected blanks") }
        guard let descriptor, let fortranOrder, let shape else {
            throw malformed("received too few keys; expected descr, fortran_order and shape")
        }
        return (descriptor, fortranOrder, shape)
    }

    private mutating func type() throws(TensorIOError) -> String {
        skipBlanks()
        if peek == UInt8(ascii: "[") { throw .npyElementType(path: path, received: String(decoding: bytes[position...].prefix(40), as: UTF8.self)) }
        return try string()
    }

    private mutating func string() throws(TensorIOError) -> String {
        skipBlanks()
        guard let quote = peek, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
            throw malformed("received \(found) at byte \(position) of the dict; expected a string")
        }
        guard let end = bytes[(position + 1)...].firstIndex(of: quote) else {
            throw malformed("received a string without end at byte \(position) of the dict")
        }
        defer { position = end + 1 }
        return String(decoding: bytes[(position + 1)..<end], as: UTF8.self)
    }

    private mutating func boolean() throws(TensorIOError) -> Bool {
        skipBlanks()
        for (text, value) in [("True", true), ("False", false)] where bytes[position...].starts(with: text.utf8) {
            position += text.utf8.count
            return value
        }
        throw malformed("received \(found) for fortran_order; expected True or False")
    }

    private mutating func extents() throws(TensorIOError) -> [Int] {
        var result: [Int] = []
        try expect("(")
        while !accept(")") {
            result.append(try extent())
            if result.count > NPYHeader.rankLimit {
                throw malformed("received a shape of more than \(NPYHeader.rankLimit) axes; expected at most that")
            }
            if accept(",") { continue }
            // Without a comma, parentheses around one number are that number, no tuple.
            if result.count == 1 { throw malformed("received a number in parentheses for shape; expected a tuple such as (3,)") }
            try expect(")")
            break
        }
        return result
    }

    private mutating func extent() throws(TensorIOError) -> Int {
        skipBlanks()
        if peek == UInt8(ascii: "-") { throw malformed("received a negative extent; expected 0 or more") }
        let start = position
        while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        let digits = String(decoding: bytes[start..<position], as: UTF8.self)
        if digits.isEmpty { throw malformed("received \(found) in shape; expected integers") }
        if peek == UInt8(ascii: "L") { position += 1 }  // Python 2 wrote its long integers so
        guard let value = Int(digits) else { throw malformed("received the extent \(digits.prefix(40)); expected less than 2^63") }
        return value
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private var found: String { peek.map { "'\(String(decoding: [$0], as: UTF8.self))'" } ?? "the end" }

    private mutating func skipBlanks() {
        while let byte = peek, byte == 0x20 || (0x09...0x0D).contains(byte) { position += 1 }
    }

    private mutating func accept(_ symbol: Unicode.Scalar) -> Bool {
        skipBlanks()
        if peek != UInt8(ascii: symbol) { return false }
        position += 1
        return true
    }

    private mutating func expect(_ symbol: Unicode.Scalar) throws(TensorIOError) {
        if !accept(symbol) { throw malformed("received \(found) at byte \(position) of the dict; expected '\(symbol)'") }
    }

    private func malformed(_ reason: String) -> TensorIOError { .npyHeader(path: path, reason: reason) }
}
