import VoxLayerSpec

/// Keras's `dtype` of a layer: in which type its variables are kept, and in which it computes.
///
/// There is one for each element type, and a mixed one for each that kernels do not compute in.
public struct DTypePolicy: RawRepresentable, CaseIterable, Hashable, Sendable {
    /// The type variables are kept in.
    public let variableType: ElementType
    /// The type inputs and weights are rounded to before they are computed with, and results after.
    public let computeType: ElementType

    /// One type for all.
    /// - Parameter type: the type of variables, inputs, weights and results.
    public init(_ type: ElementType) { (variableType, computeType) = (type, type) }

    /// Variables in the type that kernels compute in; inputs, weights and results of a call in another.
    /// - Parameter type: the type of inputs, weights and results, such as float16.
    public init(mixed type: ElementType) { (variableType, computeType) = (type.arithmetic, type) }

    /// The policies that Keras has a name for.
    public static let allCases =
        ElementType.allCases.map { DTypePolicy($0) } + ElementType.allCases.filter { $0.arithmetic != $0 }.map { DTypePolicy(mixed: $0) }

    /// Keras's name: that of the type, behind "mixed_" where variables have another.
    public var rawValue: String { variableType == computeType ? computeType.rawValue : "mixed_" + computeType.rawValue }

    /// - Parameter rawValue: Keras's name; nil for any other text.
    public init?(rawValue: String) {
        guard let policy = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
        self = policy
    }

    /// The type of the kernels that compute.
    public var elementType: ElementType { computeType.arithmetic }

    /// Keras's `variable_dtype`, which is also a layer's `dtype`.
    public var variableDType: String { variableType.rawValue }
    /// Keras's `compute_dtype`.
    public var computeDType: String { computeType.rawValue }

    /// By name, or from a serialised policy of any generation.
    /// - Parameter json: the `dtype` of a config.
    /// - Returns: nil for null or absence.
    /// - Throws: `KerasConfigError.elementType`.
    public init?(json: JSONValue?) throws(KerasConfigError) {
        var name: String?
        switch json {
        case nil, .null?: return nil
        case .string(let text)?: name = text
        case .object(let object)?: name = object["config"]?.object?["name"]?.string
        default: break
        }
        guard let name, let policy = Self(rawValue: name) else { throw .elementType(json?.excerpt ?? "null") }
        self = policy
    }

    /// As Keras 3 serialises it.
    public var json: JSONValue {
        ["module": "keras", "class_name": "DTypePolicy", "config": ["name": .string(rawValue)], "registered_name": nil]
    }
}
