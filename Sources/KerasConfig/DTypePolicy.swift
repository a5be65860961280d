import LayerSpec

/// Keras's `dtype` of a layer: in which type its variables are kept, and in which it computes.
public enum DTypePolicy: String, CaseIterable, Hashable, Sendable {
    case float32
    case float64
    case float16
    case bfloat16
    /// Variables in float32, inputs, weights and results of a call in float16.
    case mixedFloat16 = "mixed_float16"
    /// Variables in float32, inputs, weights and results of a call in bfloat16.
    case mixedBfloat16 = "mixed_bfloat16"

    /// The type of the kernels that compute.
    public var elementType: ElementType { computeType.arithmetic }

    /// The type variables are kept in.
    public var variableType: ElementType {
        switch self {
        case .float64: .float64
        case .float16: .float16
        case .bfloat16: .bfloat16
        case .float32, .mixedFloat16, .mixedBfloat16: .float32
        }
    }

    /// The type inputs and weights are rounded to before they are computed with, and results after.
    public var computeType: ElementType {
        switch self {
        case .float32: .float32
        case .float64: .float64
        case .float16, .mixedFloat16: .float16
        case .bfloat16, .mixedBfloat16: .bfloat16
        }
    }

    /// Keras's `variable_dtype`, which is also a layer's `dtype`.
    public var variableDType: String { variableType.rawValue }
    /// Keras's `compute_dtype`.
    public var computeDType: String { computeType.rawValue }

    /// By name, or from a serialised policy of any generation.
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
