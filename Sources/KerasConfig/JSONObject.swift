/// The members of a JSON object. Keys keep the order in which they were set; a parsed object has them sorted. Equality
/// ignores the order.
public struct JSONObject: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    /// The names of the members, in the order described above.
    public private(set) var keys: [String] = []
    private var values: [String: JSONValue] = [:]

    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        for (key, value) in elements { self[key] = value }
    }

    /// Parses a text that is one JSON object.
    /// - Throws: `KerasConfigError.malformedJSON`, and `.unknownDocument` for JSON that is no object.
    public init(parsing text: String) throws(KerasConfigError) {
        let value = try JSONValue(parsing: text)
        guard let object = value.object else { throw .unknownDocument(received: value.excerpt) }
        self = object
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

    /// Removes a member.
    /// - Returns: what it was; nil when there was none.
    @discardableResult
    public mutating func removeValue(forKey key: String) -> JSONValue? {
        let value = values[key]
        self[key] = nil
        return value
    }

    /// The object as Python's `json.dumps` writes it.
    public func toJSON() -> String { JSONValue.object(self).toJSON() }

    public static func == (left: JSONObject, right: JSONObject) -> Bool { left.values == right.values }
    public func hash(into hasher: inout Hasher) { hasher.combine(values) }
}

/// The members in the order of `keys`: `for (key, value) in config`.
extension JSONObject: RandomAccessCollection {
    /// The place of the first member.
    public var startIndex: Int { 0 }
    /// The place after the last member.
    public var endIndex: Int { keys.count }

    /// The member at a place in `keys`, which must exist.
    public subscript(position: Int) -> (key: String, value: JSONValue) { (keys[position], values[keys[position]] ?? .null) }
}

extension JSONObject: CustomStringConvertible {
    /// The object as a text, with its members in their order.
    public var description: String { JSONValue.object(self).text }
}
