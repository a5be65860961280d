import VoxLayerSpec

/// Typed access to the members of one layer's `config`; errors name the key and the value.
package struct ConfigReader {
    package let config: JSONObject
    package let className: String

    package init(config: JSONObject, className: String) { (self.config, self.className) = (config, className) }

    /// - Throws: `KerasConfigError.unknownKeys`.
    package func allow(_ keys: Set<String>) throws(KerasConfigError) {
        let unknown = config.keys.filter { !keys.contains($0) }
        if !unknown.isEmpty { throw .unknownKeys(unknown, className: className) }
    }

    /// The member, nil when it is absent or null.
    package func value(_ key: String) -> JSONValue? {
        guard let value = config[key], !value.isNull else { return nil }
        return value
    }

    package func required(_ key: String) throws(KerasConfigError) -> JSONValue {
        guard let value = value(key) else { throw .missingKey(key, className: className) }
        return value
    }

    package func integer(_ key: String) throws(KerasConfigError) -> Int? {
        guard let value = value(key) else { return nil }
        guard let integer = value.integer else { throw wrongType(key, value, "an integer") }
        return integer
    }

    /// Which values besides finite numbers a number of a config may have: none, infinities, or any, NaN included.
    package enum Special {
        case none, infinity, any
    }

    /// - Throws: `KerasConfigError.wrongType` for what is no number, and for NaN and infinities where they make no sense for this key.
    package func number(_ key: String, special: Special = .none) throws(KerasConfigError) -> Double? {
        switch value(key) {
        case nil: return nil
        case .integer(let integer)?: return Double(integer)
        case .number(let number)? where number.isFinite: return number
        case .number(.infinity)? where special != .none: return .infinity
        case .number(let number)? where special == .any: return number
        case .number(let number)?: throw wrongType(key, .number(number), special == .none ? "a finite number" : "a number that makes sense there")
        case .some(let other): throw wrongType(key, other, "a number")
        }
    }

    package func bool(_ key: String) throws(KerasConfigError) -> Bool? {
        guard let value = value(key) else { return nil }
        guard case .bool(let bool) = value else { throw wrongType(key, value, "true or false") }
        return bool
    }

    package func string(_ key: String) throws(KerasConfigError) -> String? {
        guard let value = value(key) else { return nil }
        guard case .string(let string) = value else { throw wrongType(key, value, "a string") }
        return string
    }

    /// A list of integers of any length.
    package func integers(_ key: String) throws(KerasConfigError) -> [Int]? {
        guard let value = value(key) else { return nil }
        guard let list = Self.integers(value) else { throw wrongType(key, value, "a list of integers") }
        return list
    }

    /// Three integers, or one that stands for all three (Keras's `standardize_tuple`).
    package func triple(_ key: String) throws(KerasConfigError) -> [Int]? {
        guard let value = value(key) else { return nil }
        if let integer = value.integer { return [integer, integer, integer] }
        guard let list = Self.integers(value), list.count == 3 else {
            throw .threeIntegers(argument: key, received: value.excerpt)
        }
        return list
    }

    package func wrongType(_ key: String, _ value: JSONValue, _ expected: String) -> KerasConfigError {
        .wrongType(key: key, received: value.excerpt, expected: expected)
    }

    private static func integers(_ value: JSONValue) -> [Int]? {
        guard let array = value.array else { return nil }
        var result: [Int] = []
        for element in array {
            guard let integer = element.integer else { return nil }
            result.append(integer)
        }
        return result
    }

    /// A (batch, ...) shape of five extents, nil where the JSON has null.
    /// - Throws: `KerasConfigError.inputShape` for another rank, extents below 1 (batch: below 0), or unknown channels.
    package static func shape(_ json: JSONValue, layout: Layout) throws(KerasConfigError) -> [Int?] {
        guard let array = json.array, array.count == 5 else { throw .inputShape(json.excerpt) }
        var shape: [Int?] = []
        for (axis, extent) in array.enumerated() {
            if extent.isNull, axis != layout.channelAxis(rank: 5) {
                shape.append(nil)
            } else if let value = extent.integer, value >= (axis == 0 ? 0 : 1) {
                shape.append(value)
            } else {
                throw .inputShape(json.excerpt)
            }
        }
        return shape
    }
}
