import Synchronization
import VoxKerasConfig

/// Classes of the user's own, by the names under which configs mention them (Keras's `register_keras_serializable`). May be used
/// from any thread.
///
///     CustomObjects.shared.register(initializer: "Ramp") { _ in Ramp() }
public final class CustomObjects: Sendable {
    /// The registry that is asked unless another is given.
    public static let shared = CustomObjects()

    private struct Makers {
        var initializers: [String: @Sendable (JSONObject) throws -> any Initializer] = [:]
        var regularizers: [String: @Sendable (JSONObject) throws -> any Regularizer] = [:]
        var constraints: [String: @Sendable (JSONObject) throws -> any Constraint] = [:]
        var activations: [String: @Sendable (JSONObject) throws -> any TensorActivation] = [:]
        var layers: [String: @Sendable (JSONObject) throws -> Layer] = [:]
    }

    private let makers = Mutex(Makers())

    /// A registry without the user's objects.
    public init() {}

    /// - Parameters:
    ///   - name: the `className` of the object; `package` likewise.
    ///   - package: what stands before ">" in registered names.
    ///   - make: from the object's `getConfig()`, or from nothing when a config has the bare name.
    public func register(
        initializer name: String, package: String = "Custom", _ make: @escaping @Sendable (JSONObject) throws -> any Initializer
    ) {
        makers.withLock { makers in for key in Self.keys(name, package) { makers.initializers[key] = make } }
    }

    /// As `register(initializer:package:_:)`.
    public func register(
        regularizer name: String, package: String = "Custom", _ make: @escaping @Sendable (JSONObject) throws -> any Regularizer
    ) {
        makers.withLock { makers in for key in Self.keys(name, package) { makers.regularizers[key] = make } }
    }

    /// As `register(initializer:package:_:)`.
    public func register(
        constraint name: String, package: String = "Custom", _ make: @escaping @Sendable (JSONObject) throws -> any Constraint
    ) {
        makers.withLock { makers in for key in Self.keys(name, package) { makers.constraints[key] = make } }
    }

    /// As `register(initializer:package:_:)`.
    public func register(
        activation name: String, package: String = "Custom", _ make: @escaping @Sendable (JSONObject) throws -> any TensorActivation
    ) {
        makers.withLock { makers in for key in Self.keys(name, package) { makers.activations[key] = make } }
    }

    /// A layer class of the user's own, for `Model(config:)`, `modelFromJSON` and the loading of models. A class registered under a
    /// name of Keras's takes its place.
    /// - Parameters:
    ///   - name: the `className` of the layer.
    ///   - package: what stands before ">" in registered names.
    ///   - make: from the layer's `getConfig()`; must give the layer the `name` that stands there.
    public func register(layer name: String, package: String = "Custom", _ make: @escaping @Sendable (JSONObject) throws -> Layer) {
        makers.withLock { makers in for key in Self.keys(name, package) { makers.layers[key] = make } }
    }

    /// A layer class of the user's own, under the name of its type.
    /// - Parameters:
    ///   - type: the class; its `init(config:)` makes the layers.
    ///   - package: what stands before ">" in registered names.
    public func register<Class: ConfigurableLayer>(layer type: Class.Type, package: String = "Custom") {
        register(layer: "\(type)", package: package) { try type.init(config: $0) }
    }

    /// The layer of a registered class that a config's entry stands for; nil for another class.
    func layer(_ entry: JSONObject) throws -> Layer? {
        let layers = makers.withLock { $0.layers }
        for key in [entry["registered_name"]?.string, entry["class_name"]?.string] {
            if let key, let make = layers[key] { return try make(entry["config"]?.object ?? [:]) }
        }
        return nil
    }

    /// Whether the class of a config's entry is registered.
    func makesLayer(_ entry: JSONObject) -> Bool {
        let layers = makers.withLock { $0.layers }
        return [entry["registered_name"]?.string, entry["class_name"]?.string].contains { name in name.map { layers[$0] != nil } ?? false }
    }

    /// The names activations are registered under.
    public var activationNames: Set<String> { makers.withLock { Set($0.activations.keys) } }

    private static func keys(_ name: String, _ package: String) -> [String] { [name, "\(package)>\(name)"] }

    /// The initializer a config's value stands for: null, a name, or a serialised object of any generation.
    /// - Returns: nil for null.
    /// - Throws: `ArgumentError`, `KerasConfigError`, and what a registered maker throws.
    public func initializer(_ json: JSONValue?) throws -> (any Initializer)? {
        try Initializers.table.object(json, custom: makers.withLock { $0.initializers })
    }

    /// As `initializer(_:)`.
    /// - Parameters:
    ///   - json: a value of a config.
    ///   - generation: Keras 2 knew `l1_l2` by name, with factors of 0.01.
    public func regularizer(_ json: JSONValue?, generation: KerasGeneration = .keras3) throws -> (any Regularizer)? {
        let table = generation == .keras3 ? Regularizers.keras3 : Regularizers.keras2
        return try table.object(json, custom: makers.withLock { $0.regularizers })
    }

    /// As `initializer(_:)`.
    /// - Parameters:
    ///   - json: a value of a config.
    ///   - generation: Keras 2 knew some more names.
    public func constraint(_ json: JSONValue?, generation: KerasGeneration = .keras3) throws -> (any Constraint)? {
        let table = generation == .keras3 ? Constraints.keras3 : Constraints.keras2
        return try table.object(json, custom: makers.withLock { $0.constraints })
    }

    /// The registered activation a config's value stands for; nil when it is none.
    public func activation(_ json: JSONValue?) throws -> (any TensorActivation)? {
        let activations = makers.withLock { $0.activations }
        for name in ActivationNames.identifiers(of: json) {
            if let make = activations[name] { return try make(json?.object?["config"]?.object ?? [:]) }
        }
        return nil
    }
}
