/// The element types of a kernel: how tensors are stored, and in which type sums are formed. In place of a 16-bit type there is float32; a layer
/// with 16-bit tensors converts them before and after its kernel.
public struct ElementTypes: Hashable, Sendable {
    /// Type of the elements in memory.
    public let storage: ElementType
    /// Type in which sums are formed.
    public let arithmetic: ElementType

    /// The types of storage and arithmetic; float32 in place of a 16-bit type.
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
