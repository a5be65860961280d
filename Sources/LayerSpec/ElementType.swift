/// The type of a tensor's elements.
public enum ElementType: String, CaseIterable, Hashable, Sendable, Codable {
    case float32
    case float64

    /// Bytes of one element.
    public var byteCount: Int {
        switch self {
        case .float32: 4
        case .float64: 8
        }
    }

    /// The token of this type in a `SpecKey`.
    var token: String {
        switch self {
        case .float32: "f32"
        case .float64: "f64"
        }
    }

    init?(token: Substring) {
        guard let match = Self.allCases.first(where: { $0.token == token }) else { return nil }
        self = match
    }
}

/// The element types of a kernel: how tensors are stored, and in which type sums are formed.
public struct ElementTypes: Hashable, Sendable {
    /// Type of the elements in memory.
    public let storage: ElementType
    /// Type in which sums are formed.
    public let arithmetic: ElementType

    /// Two types of their own.
    public init(storage: ElementType, arithmetic: ElementType) {
        self.storage = storage
        self.arithmetic = arithmetic
    }

    /// The same type for storage and arithmetic.
    public init(_ both: ElementType) { self.init(storage: both, arithmetic: both) }

    /// float32 in memory and in sums.
    public static let float32 = ElementTypes(.float32)
    /// float64 in memory and in sums.
    public static let float64 = ElementTypes(.float64)
}
