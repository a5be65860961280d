import VoxLayerSpec

/// What one multiply-add of a target works on for given element types: a row of data that families and templates are written against.
public struct MultiplyUnit: Hashable, Sendable {
    /// Type of inputs and packed weights.
    public let element: ElementType
    /// Type in which products are added.
    public let accumulator: ElementType
    /// Type of what is stored.
    public let result: ElementType
    /// Rows of results of one step; 1 for vectors. Nothing reads it yet: register tiles are made of vectors, each of which belongs to one row. A
    /// unit with more rows needs register tiles of its own.
    public let rows: Int
    /// Columns of results of one step: results side by side in a vector. Filters or outputs of a register tile are whole multiples of it.
    public let columns: Int
    /// Channels of inputs that one step multiplies and adds. Packed weights of matrix products have room for whole steps; the order of
    /// the channels inside a step is stated nowhere yet, as all units here take one.
    public let channelsPerStep: Int
    /// Elements of a vector register.
    public let lanes: Int
    /// C's name of the element type.
    public let scalar: String
    /// The element type in names of kernels.
    public let token: String
    /// The C header that the unit's functions are in.
    public let header: String
}

extension MultiplyUnit {
    /// The first of a target's units that takes the types of a problem; its vectors where none says that it does.
    public init(_ target: Target, _ elements: ElementTypes) {
        self = target.machine.units.lazy.compactMap { MultiplyUnit($0, target, elements) }.first ?? .vectors(target, elements)
    }

    /// A unit for the types of a problem; nil when it does not take them.
    private init?(_ unit: Target.Unit, _ target: Target, _ elements: ElementTypes) {
        switch unit {
        case .vectors: self = .vectors(target, elements)
        }
    }

    /// Vectors of the type in which elements are multiplied.
    private static func vectors(_ target: Target, _ elements: ElementTypes) -> MultiplyUnit {
        // Families take problems of one type that is computed in.
        let type = elements.operands
        let lanes = target.lanes(type)
        return MultiplyUnit(
            element: type, accumulator: elements.accumulator, result: elements.result, rows: 1, columns: lanes, channelsPerStep: 1, lanes: lanes,
            scalar: cType(type), token: type.token, header: "voxelsmith_vectors.h")
    }

    /// What C calls numbers of a type that is computed in.
    package static func cType(_ type: ElementType) -> String {
        switch type.arithmetic {
        case .float64: "double"
        default: "float"
        }
    }

    /// Channels up to whole steps.
    package func paddedChannels(_ channels: Int) -> Int { channels.ceilingDivision(by: channelsPerStep) * channelsPerStep }

    /// Elements of a cache line of 64 bytes.
    var elementsPerLine: Int { 64 / element.byteCount }

    /// Elements up to whole cache lines.
    func wholeLines(_ elements: Int) -> Int { elements.ceilingDivision(by: elementsPerLine) * elementsPerLine }

    /// Bytes of so many elements, up to whole cache lines.
    func lineByteCount(elements: Int) -> Int { wholeLines(elements) * element.byteCount }
}
