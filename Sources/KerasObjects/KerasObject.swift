import VoxKerasConfig

/// An initializer, regularizer, constraint or activation that a layer's config mentions.
public protocol KerasObject: Sendable {
    /// Name of the class in configs; the name of the type unless stated otherwise.
    var className: String { get }
    /// The Keras module of the class; nil for classes that are not Keras's.
    var kerasModule: String? { get }
    /// What stands before ">" in the registered name of a class that is not Keras's, as in Keras's
    /// `register_keras_serializable`.
    var package: String { get }
    /// The arguments that make an equal object.
    func getConfig() -> JSONObject
}

extension KerasObject {
    /// The name of the type.
    public var className: String { "\(Self.self)" }
    public var kerasModule: String? { nil }
    /// Keras's own default.
    public var package: String { "Custom" }
    public func getConfig() -> JSONObject { [:] }

    /// As Keras 3 serialises objects.
    public func serialized() -> JSONValue {
        [
            "module": kerasModule.map { .string($0) } ?? .null, "class_name": .string(className), "config": .object(getConfig()),
            "registered_name": kerasModule == nil ? .string("\(package)>\(className)") : .null,
        ]
    }
}

/// A kind of object that configs mention: its known names, and how to make one.
package struct ObjectTable<Object> {
    /// "initializer", "regularizer", "constraint".
    let kind: String
    /// Class name or function name to maker. A maker takes its arguments from the reader.
    let makers: [String: @Sendable (ConfigReader) throws -> Object]
    /// Other names of the same.
    let aliases: [String: String]
    /// The arguments of each maker, for the refusal of others.
    let arguments: [String: Set<String>]

    /// The object a name, a serialised object of any generation, or null stands for.
    /// - Parameter custom: the makers registered by the user, under registered and plain names.
    package func object(_ json: JSONValue?, custom: [String: @Sendable (JSONObject) throws -> Object]) throws -> Object? {
        switch json {
        case nil, .null?: return nil
        case .string(let name)?:
            if let make = custom[name] { return try make([:]) }
            return try make(name, [:], received: "\"\(name)\"")
        case .object(let object)?:
            let config = object["config"]?.object ?? [:]
            let text = JSONValue.object(object).text
            if let name = object["registered_name"]?.string, let make = custom[name] { return try make(config) }
            guard let name = object["class_name"]?.string else { throw unknown(text) }
            if let make = custom[name] { return try make(config) }
            return try make(name, config, received: text)
        case .some(let other): throw unknown(other.text)
        }
    }

    private func make(_ name: String, _ config: JSONObject, received: String) throws -> Object {
        let className = aliases[name] ?? name
        guard let make = makers[className] else { throw unknown(received) }
        let reader = ConfigReader(config: config, className: className)
        // Initializers of TensorFlow 1 had a dtype, which never differed from the variable's.
        try reader.allow(arguments[className, default: []].union(["dtype"]))
        return try make(reader)
    }

    private func unknown(_ received: String) -> ArgumentError {
        .unknownObject(kind: kind, received: received, expected: (Array(makers.keys) + aliases.keys).sorted())
    }
}
