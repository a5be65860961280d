/// The type of a tensor's elements.
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
    public var arithmetic: ElementType { self == .float64 ? .float64 : .float32 }

    /// The types kernels compute in.
    public static let arithmeticTypes: [ElementType] = [.float32, .float64]

    /// The token of this type in a `SpecKey`.
    var token: String {
        switch self {
        case .float32: "f32"
        case .float64: "f64"
        case .float16: "f16"
        case .bfloat16: "bf16"
        }
    }

    init?(token: Substring) {
        guard let match = Self.arithmeticTypes.first(where: { $0.token == token }) else { return nil }
        self = match
    }
}

/// The element types of a kernel: how tensors are stored, and in which type sums are formed. 16-bit types stand for float32, to
/// and from which their holder converts.
public struct ElementTypes: Hashable, Sendable {
    /// Type of the elements in memory.
    public let storage: ElementType
    /// Type in which sums are formed.
    public let arithmetic: ElementType

    /// Two types of their own.
    public init(storage: ElementType, arithmetic: ElementType) {
        self.storage = storage.arithmetic
        self.arithmetic = arithmetic.arithmetic
    }

    /// The same type for storage and arithmetic.
    public init(_ both: ElementType) { self.init(storage: both, arithmetic: both) }

    /// float32 in memory and in sums.
    public static let float32 = ElementTypes(.float32)
    /// float64 in memory and in sums.
    public static let float64 = ElementTypes(.float64)
}
