import VoxLayerSpec

/// A dense array in row-major order: shape, element type, and pooled storage aligned to 64 bytes. A value type: copies share
/// storage until one of them is written.
public struct Tensor: Sendable {
    /// Extents, outermost first; empty for a scalar.
    public let shape: [Int]
    /// Type of every element.
    public let elementType: ElementType
    /// Product of the extents, 1 for a scalar.
    public let elementCount: Int
    private var storage: TensorStorage

    /// A tensor with undefined contents.
    /// - Throws: `TensorError` for negative extents, more than 2^40 bytes, or no memory.
    public init(uninitialized shape: [Int], _ elementType: ElementType = .float32, pool: StoragePool = .shared) throws(TensorError) {
        try self.init(uninitialized: shape, elementType, holding: nil, pool: pool)
    }

    /// - Parameter holding: how many elements there are to store; checked before any memory is asked for.
    private init(
        uninitialized shape: [Int], _ elementType: ElementType, holding count: Int?, pool: StoragePool = .shared
    ) throws(TensorError) {
        let bytes = try Self.byteCount(shape, elementType)
        if let count, count != bytes / elementType.byteCount { throw .elementCount(received: count, shape: shape) }
        self.shape = shape
        self.elementType = elementType
        elementCount = bytes / elementType.byteCount
        storage = try TensorStorage(byteCount: bytes, pool: pool)
    }

    /// - Throws: `TensorError` for negative extents and more than 2^40 bytes.
    private static func byteCount(_ shape: [Int], _ elementType: ElementType) throws(TensorError) -> Int {
        if shape.contains(where: { $0 < 0 }) { throw .negativeExtent(shape: shape) }
        guard let bytes = Checked.product(shape + [elementType.byteCount]), bytes <= Geometry.maximumByteCount else {
            throw .tooLarge(shape: shape)
        }
        return bytes
    }

    /// Whether a tensor may have this shape, memory aside.
    package static func holds(_ shape: [Int], _ elementType: ElementType) -> Bool { (try? byteCount(shape, elementType)) != nil }

    /// A tensor of zeros.
    /// - Throws: as `init(uninitialized:_:pool:)`.
    public init(zeros shape: [Int], _ elementType: ElementType = .float32) throws(TensorError) {
        try self.init(uninitialized: shape, elementType)
        storage.address.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    }

    /// A float32 tensor of the given elements; so is one of a literal, `Tensor(shape: [2], [1, 2.5])`.
    /// - Throws: `TensorError.elementCount` unless there is one element per position of the shape.
    public init(shape: [Int], _ elements: [Float]) throws(TensorError) {
        try self.init(shape: shape, .float32, elements)
    }

    /// A float64 tensor of the given elements.
    /// - Throws: `TensorError.elementCount` unless there is one element per position of the shape.
    @_disfavoredOverload
    public init(shape: [Int], _ elements: [Double]) throws(TensorError) {
        try self.init(shape: shape, .float64, elements)
    }

    /// A float32 tensor of one axis: `Tensor([1, 2.5])`.
    /// - Throws: as `init(uninitialized:_:pool:)`.
    public init(_ elements: [Float]) throws(TensorError) { try self.init(shape: [elements.count], elements) }

    /// A float64 tensor of one axis.
    /// - Throws: as `init(uninitialized:_:pool:)`.
    @_disfavoredOverload
    public init(_ elements: [Double]) throws(TensorError) { try self.init(shape: [elements.count], elements) }

    private init<T>(shape: [Int], _ type: ElementType, _ elements: [T]) throws(TensorError) {
        try self.init(uninitialized: shape, type, holding: elements.count)
        elements.withUnsafeBytes { storage.address.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(storage.address), byteCount: $0.count) }
    }

    /// Bytes of all elements.
    public var byteCount: Int { elementCount * elementType.byteCount }

    /// The bytes of the elements, for reading.
    public func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        defer { withExtendedLifetime(storage) {} }
        return try body(UnsafeRawBufferPointer(start: storage.address, count: byteCount))
    }

    /// The bytes of the elements, for writing; copies first when the storage is shared.
    /// - Throws: `TensorError.outOfMemory` when the copy finds no memory, and what `body` throws.
    public mutating func withUnsafeMutableBytes<R>(_ body: (UnsafeMutableRawBufferPointer) throws -> R) throws -> R {
        if !isKnownUniquelyReferenced(&storage) {
            let copy = try TensorStorage(byteCount: byteCount, pool: storage.pool)
            copy.address.copyMemory(from: storage.address, byteCount: byteCount)
            storage = copy
        }
        defer { withExtendedLifetime(storage) {} }
        return try body(UnsafeMutableRawBufferPointer(start: storage.address, count: byteCount))
    }

    /// The elements as `Float`; float64 is rounded.
    public var floats: [Float] { elements(of: .float32) }

    /// The elements as `Double`.
    public var doubles: [Double] { elements(of: .float64) }

    /// - Parameter type: the type whose elements `Element` are.
    private func elements<Element: BinaryFloatingPoint>(of type: ElementType) -> [Element] {
        Array(unsafeUninitializedCapacity: elementCount) { buffer, count in
            withUnsafeBytes { elementType.convert($0, to: type, UnsafeMutableRawBufferPointer(buffer)) }
            count = elementCount
        }
    }

    /// The elements in another type, each rounded once to the nearest value, ties to even; what is too large becomes infinite. The
    /// tensor itself when it has the type.
    /// - Throws: `TensorError.outOfMemory`.
    public func cast(to type: ElementType) throws(TensorError) -> Tensor {
        if type == elementType { return self }
        let result = try Tensor(uninitialized: shape, type)
        withUnsafeBytes {
            elementType.convert($0, to: type, UnsafeMutableRawBufferPointer(start: result.storage.address, count: result.byteCount))
        }
        return result
    }

    /// The same elements under another shape.
    /// - Throws: `TensorError.elementCount` unless both shapes hold equally many.
    public func reshaped(to shape: [Int]) throws(TensorError) -> Tensor {
        if shape.contains(where: { $0 < 0 }) || Checked.product(shape) != elementCount {
            throw .elementCount(received: elementCount, shape: shape)
        }
        return Tensor(shape: shape, of: self)
    }

    /// Another shape of as many elements.
    private init(shape: [Int], of other: Tensor) {
        self.shape = shape
        elementType = other.elementType
        elementCount = other.elementCount
        storage = other.storage
    }
}
