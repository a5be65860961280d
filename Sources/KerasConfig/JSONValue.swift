import VoxLayerSpec

/// A JSON document as a value. Numbers are equal when their values are: `.integer(3)` and `.number(3)`, which is what 3.0 reads as. NaN
/// equals itself.
public enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// - Throws: `KerasConfigError.malformedJSON`.
    public init(parsing bytes: some Sequence<UInt8>) throws(KerasConfigError) {
        var parser = JSONParser(Array(bytes))
        self = try parser.document()
    }

    /// Parses a JSON text, such as `toJSON()` gives.
    /// - Throws: `KerasConfigError.malformedJSON`.
    public init(parsing text: String) throws(KerasConfigError) { try self.init(parsing: text.utf8) }

    /// The text of a string; nil for other kinds.
    public var string: String? {
        if case .string(let value) = self { return value }
        return nil
    }

    /// The number, with or without a fraction; nil for other kinds.
    public var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// The number, where it has no fraction and fits into 64 bits, also when it was written `3.0`; nil for all else.
    public var integer: Int? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int(exactly: value)
        default: nil
        }
    }

    /// The truth value; nil for other kinds.
    public var bool: Bool? {
        if case .bool(let value) = self { return value }
        return nil
    }

    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.integer(let left), .integer(let right)): left == right
        case (.number(let left), .number(let right)): left == right || left.isNaN && right.isNaN
        case (.integer(let integer), .number(let number)), (.number(let number), .integer(let integer)): Int(exactly: number) == integer
        case (.string(let left), .string(let right)): left == right
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }

    public func hash(into hasher: inout Hasher) {
        if let integer {
            hasher.combine(integer)
            return
        }
        switch self {
        case .null, .integer: hasher.combine(0)
        case .bool(let value): hasher.combine(value)
        case .number(let value): hasher.combine(value.isNaN ? .infinity : value)
        case .string(let value): hasher.combine(value)
        case .array(let values): hasher.combine(values)
        case .object(let object): hasher.combine(object)
        }
    }

    /// The elements of a list; nil for other kinds.
    public var array: [JSONValue]? {
        if case .array(let value) = self { return value }
        return nil
    }

    /// The members of an object; nil for other kinds.
    public var object: JSONObject? {
        if case .object(let value) = self { return value }
        return nil
    }

    /// Whether this is JSON's `null`.
    public var isNull: Bool { self == .null }

    /// The document on one line as Python's `json.dumps` writes it, with the keys of each object in their order. Numbers that JSON cannot
    /// express are written NaN, Infinity and -Infinity, as in Python; `init(parsing:)` reads them.
    public var text: String {
        switch self {
        case .null: return "null"
        case .bool(let value): return value ? "true" : "false"
        case .integer(let value): return String(value)
        case .number(let value): return Self.text(value)
        case .string(let value): return jsonString(value)
        case .array(let values): return "[" + values.map(\.text).joined(separator: ", ") + "]"
        case .object(let object):
            return "{" + object.keys.map { "\(jsonString($0)): \((object[$0] ?? .null).text)" }.joined(separator: ", ") + "}"
        }
    }

    /// The same as `text`.
    public func toJSON() -> String { text }

    /// The beginning of `text`, for error sentences.
    package var excerpt: String {
        let text = text
        return text.utf8.count <= 80 ? text : text.prefix(77) + "..."
    }

    private static func text(_ number: Double) -> String {
        if number.isNaN { return "NaN" }
        return number.isFinite ? "\(number)" : number < 0 ? "-Infinity" : "Infinity"
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int) { self = .integer(value) }
    /// A `number`, also without a fraction.
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(nilLiteral: ()) { self = .null }
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        var object = JSONObject()
        for (key, value) in elements { object[key] = value }
        self = .object(object)
    }

    /// A list of integers.
    public init(_ integers: [Int]) { self = .array(integers.map { .integer($0) }) }

    /// A shape: a list of integers, null where an extent is unknown.
    public init(shape: [Int?]) { self = .array(shape.map { extent in extent.map { .integer($0) } ?? .null }) }
}

extension JSONValue: CustomStringConvertible {
    /// Its `text`.
    public var description: String { text }
}
