/// The type of a tensor's elements. The raw value is the name in Keras and NumPy.
///
/// The files of this folder define it: `ElementTypeNumbers.swift` says which numbers it has, `StoredElements.swift` how they lie in memory.
public enum ElementType: String, CaseIterable, Hashable, Sendable, Codable {
    case float32
    case float64
    /// IEEE 754 half precision. For storage: kernels compute on float32, in which every value of it is exact.
    case float16
    /// The upper half of a float32. For storage, as float16.
    case bfloat16

    /// Bytes of one element.
    public var byteCount: Int {
        switch self {
        case .float32: 4
        case .float64: 8
        case .float16, .bfloat16: 2
        }
    }

    /// The type kernels compute in for tensors of this type.
    public var arithmetic: ElementType {
        switch self {
        case .float64: .float64
        case .float32, .float16, .bfloat16: .float32
        }
    }

    /// The types kernels compute in.
    public static let arithmeticTypes = allCases.filter { $0.arithmetic == $0 }

    /// The token of this type in a `SpecKey` and in names of kernels.
    package var token: String {
        switch self {
        case .float32: "f32"
        case .float64: "f64"
        case .float16: "f16"
        case .bfloat16: "bf16"
        }
    }

    /// The type of a token; nil for other texts.
    /// - Parameter token: as `token` has it.
    init?(token: Substring) {
        guard let match = Self.allCases.first(where: { $0.token == token }) else { return nil }
        self = match
    }
}
