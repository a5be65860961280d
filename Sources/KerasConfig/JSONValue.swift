#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A JSON document as a value.
///
/// Decoded through Codable, which, unlike JSONSerialization on Linux, keeps `true` and `1` apart. A number without fraction is
/// an `integer`, also when it was written `1.0`.
public enum JSONValue: Hashable, Sendable, Codable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// Large models have some ten thousand values. Each costs tens of microseconds, wrong guesses included.
    private static let maximumValueCount = 100_000

    /// - Throws: `KerasConfigError.malformedJSON`.
    public init(parsing bytes: some Sequence<UInt8>) throws(KerasConfigError) {
        // Each value has a comma, a bracket or a brace of its own, those in texts not told apart.
        let count = bytes.reduce(0) { $0 + ($1 == UInt8(ascii: ",") || $1 == UInt8(ascii: "[") || $1 == UInt8(ascii: "{") ? 1 : 0) }
        guard count <= Self.maximumValueCount else {
            throw .malformedJSON("received some \(count) values; expected at most \(Self.maximumValueCount)")
        }
        do {
            self = try JSONDecoder().decode(JSONValue.self, from: Data(bytes))
        } catch DecodingError.dataCorrupted(let context) {
            let cause = context.underlyingError.map { "\($0)" } ?? context.debugDescription
            throw .malformedJSON(String(cause.prefix(200)))
        } catch {
            throw .malformedJSON(String("\(error)".prefix(200)))
        }
    }

    public init(from decoder: any Decoder) throws {
        struct Key: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }
        // A wrong guess costs a thrown error, so the commonest types of layer configs come first.
        let single = try decoder.singleValueContainer()
        if single.decodeNil() {
            self = .null
        } else if let container = try? decoder.container(keyedBy: Key.self) {
            var members: [String: JSONValue] = [:]
            for key in container.allKeys { members[key.stringValue] = try container.decode(JSONValue.self, forKey: key) }
            self = .object(JSONObject(members))
        } else if let value = try? single.decode(String.self) {
            self = .string(value)
        } else if let value = try? single.decode(Int.self) {
            self = .integer(value)
        } else if var container = try? decoder.unkeyedContainer() {
            var values: [JSONValue] = []
            while !container.isAtEnd { values.append(try container.decode(JSONValue.self)) }
            self = .array(values)
        } else if let value = try? single.decode(Bool.self) {
            self = .bool(value)
        } else {
            self = .number(try single.decode(Double.self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var single = encoder.singleValueContainer()
        switch self {
        case .null: try single.encodeNil()
        case .bool(let value): try single.encode(value)
        case .integer(let value): try single.encode(value)
        case .number(let value): try single.encode(value)
        case .string(let value): try single.encode(value)
        case .array(let values): try single.encode(values)
        case .object(let object):
            try single.encode(Dictionary(uniqueKeysWithValues: object.keys.map { ($0, object[$0] ?? .null) }))
        }
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

    /// The document on one line as Python's `json.dumps` writes it, keys in the order of each object. Numbers JSON cannot
    /// express (NaN, infinities) become null.
    public var text: String {
        switch self {
        case .null: return "null"
        case .bool(let value): return value ? "true" : "false"
        case .integer(let value): return String(value)
        case .number(let value): return value.isFinite ? "\(value)" : "null"
        case .string(let value): return Self.quoted(value)
        case .array(let values): return "[" + values.map(\.text).joined(separator: ", ") + "]"
        case .object(let object):
            return "{" + object.keys.map { "\(Self.quoted($0)): \((object[$0] ?? .null).text)" }.joined(separator: ", ") + "}"
        }
    }

    /// The beginning of `text`, for error sentences.
    package var excerpt: String {
        let text = text
        return text.utf8.count <= 80 ? text : text.prefix(77) + "..."
    }

    private static func quoted(_ string: String) -> String {
        var result = "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

/// The members of a JSON object. Keys keep the order in which they were set; a decoded object has them sorted. Equality
/// ignores the order.
public struct JSONObject: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    /// The names of the members, in the order described above.
    public private(set) var keys: [String] = []
    private var values: [String: JSONValue] = [:]

    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        for (key, value) in elements { self[key] = value }
    }

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
