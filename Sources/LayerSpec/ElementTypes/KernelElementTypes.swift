/// The element types of a kernel: how tensors lie in memory, and in which types elements are multiplied and added.
///
/// Nothing is replaced: which types a kernel takes is for its family to say, and the interpreter takes those of `areInterpreted`. A layer whose
/// tensors no kernel takes converts them before and after its kernel (`LayerConfig.elementType`).
public struct ElementTypes: Hashable, Sendable {
    /// Type of the input, the kernel tensor and the bias in memory.
    public let storage: ElementType
    /// Type in which elements are multiplied.
    public let operands: ElementType
    /// Type in which products, and the bias, are added.
    public let accumulator: ElementType
    /// Type of the result in memory.
    public let result: ElementType

    /// Four types of their own.
    public init(storage: ElementType, operands: ElementType, accumulator: ElementType, result: ElementType) {
        self.storage = storage
        self.operands = operands
        self.accumulator = accumulator
        self.result = result
    }

    /// One type in memory, and one in which elements are multiplied and added.
    public init(storage: ElementType, arithmetic: ElementType) {
        self.init(storage: storage, operands: arithmetic, accumulator: arithmetic, result: storage)
    }

    /// The same type for all.
    public init(_ all: ElementType) { self.init(storage: all, arithmetic: all) }

    /// float32 in memory and in sums.
    public static let float32 = ElementTypes(.float32)
    /// float64 in memory and in sums.
    public static let float64 = ElementTypes(.float64)

    /// Whether the interpreter computes with them: float32 or float64 in memory, and the same or the other of the two in sums.
    package var areInterpreted: Bool {
        self == ElementTypes(storage: storage, arithmetic: accumulator) && [storage, accumulator].allSatisfy { $0.arithmetic == $0 }
    }
}

extension ElementTypes {
    /// The types in a `SpecKey`: storage and arithmetic; all four where there are more.
    var token: String {
        let short = self == ElementTypes(storage: storage, arithmetic: accumulator)
        return (short ? [storage, accumulator] : [storage, operands, accumulator, result]).map(\.token).joined(separator: "/")
    }

    /// The types of a token; nil for other texts.
    /// - Parameter token: as `token` has it.
    init?(token: Substring) {
        let words = token.split(separator: "/", omittingEmptySubsequences: false)
        let types = words.compactMap { ElementType(token: $0) }
        guard types.count == words.count else { return nil }
        switch types.count {
        case 2: self.init(storage: types[0], arithmetic: types[1])
        case 4: self.init(storage: types[0], operands: types[1], accumulator: types[2], result: types[3])
        default: return nil
        }
    }
}
