import LayerSpec

/// A JSON document as a value. A number without fraction is an `integer`, also when it was written `1.0`.
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

    /// The text of a string; nil for other kinds.
    public var string: String? {
        if case .string(let value) = self { return value }
        return nil
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

    /// The document on one line as Python's `json.dumps` writes it, keys in the order of each object. Numbers JSON has no words for
    /// are NaN, Infinity and -Infinity, as there; `init(parsing:)` reads them.
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

/// The members of a JSON object. Keys keep the order in which they were set; a parsed object has them sorted. Equality
/// ignores the order.
public struct JSONObject: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    /// The names of the members, in the order described above.
    public private(set) var keys: [String] = []
    private var values: [String: JSONValue] = [:]

    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        for (key, value) in elements { self[key] = value }
    }

    /// Members of a parsed document.
    init(_ members: [String: JSONValue]) {
        keys = members.keys.sorted()
        values = members
    }

    /// The member of a name; setting nil removes it.
    public subscript(key: String) -> JSONValue? {
        get { values[key] }
        set {
            if newValue == nil {
                keys.removeAll { $0 == key }
            } else if values[key] == nil {
                keys.append(key)
            }
            values[key] = newValue
        }
    }

    public static func == (left: JSONObject, right: JSONObject) -> Bool { left.values == right.values }
    public func hash(into hasher: inout Hasher) { hasher.combine(values) }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int) { self = .integer(value) }
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
    public init(shape: [Int?]) { self = .array(shape.map { $0.map { .integer($0) } ?? .null }) }
}
