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
