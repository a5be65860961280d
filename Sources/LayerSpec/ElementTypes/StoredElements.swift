// How the elements of a tensor lie in memory: the only place that reads and writes those of 16 bits.

extension ElementType {
    /// An element in memory.
    /// - Parameters:
    ///   - index: the element's place.
    ///   - bytes: memory that holds elements of this type from its start on.
    @inlinable
    package func element(at index: Int, of bytes: UnsafeRawBufferPointer) -> Double {
        switch self {
        case .float32: Double(bytes.assumingMemoryBound(to: Float.self)[index])
        case .float64: bytes.assumingMemoryBound(to: Double.self)[index]
        case .float16: Double(HalfPrecision.float(float16: bytes.assumingMemoryBound(to: UInt16.self)[index]))
        case .bfloat16: Double(HalfPrecision.float(bfloat16: bytes.assumingMemoryBound(to: UInt16.self)[index]))
        }
    }

    /// Replaces an element in memory by the nearest number of this type, ties to even; what is too large becomes infinite.
    /// - Parameters:
    ///   - value: the new element.
    ///   - index: its place.
    ///   - bytes: memory that holds elements of this type from its start on.
    @inlinable
    package func store(_ value: Double, at index: Int, of bytes: UnsafeMutableRawBufferPointer) {
        switch self {
        case .float32: bytes.assumingMemoryBound(to: Float.self)[index] = Float(value)
        case .float64: bytes.assumingMemoryBound(to: Double.self)[index] = value
        case .float16: bytes.assumingMemoryBound(to: UInt16.self)[index] = HalfPrecision.float16(HalfPrecision.roundedToOdd(value))
        case .bfloat16: bytes.assumingMemoryBound(to: UInt16.self)[index] = HalfPrecision.bfloat16(HalfPrecision.roundedToOdd(value))
        }
    }

    /// Copies elements of this type to memory that holds elements of another, each rounded once to the nearest number of that type, ties to
    /// even; what is too large becomes infinite.
    /// - Parameters:
    ///   - source: the elements.
    ///   - type: the type of the copies.
    ///   - target: memory for as many copies.
    package func convert(_ source: UnsafeRawBufferPointer, to type: ElementType, _ target: UnsafeMutableRawBufferPointer) {
        if type == self {
            target.copyMemory(from: source)
            return
        }
        switch self {
        case .float32: Self.write(source.assumingMemoryBound(to: Float.self), type, target) { $0 }
        case .float64: Self.write(source.assumingMemoryBound(to: Double.self), type, target)
        case .float16: Self.write(source.assumingMemoryBound(to: UInt16.self), type, target) { HalfPrecision.float(float16: $0) }
        case .bfloat16: Self.write(source.assumingMemoryBound(to: UInt16.self), type, target) { HalfPrecision.float(bfloat16: $0) }
        }
    }

    /// Converts elements of a type whose numbers are all exact in float32.
    private static func write<T>(
        _ from: UnsafeBufferPointer<T>, _ type: ElementType, _ to: UnsafeMutableRawBufferPointer, _ value: (T) -> Float
    ) {
        switch type {
        case .float32:
            let to = to.assumingMemoryBound(to: Float.self)
            for index in from.indices { to[index] = value(from[index]) }
        case .float64:
            let to = to.assumingMemoryBound(to: Double.self)
            for index in from.indices { to[index] = Double(value(from[index])) }
        case .float16:
            let to = to.assumingMemoryBound(to: UInt16.self)
            for index in from.indices { to[index] = HalfPrecision.float16(value(from[index])) }
        case .bfloat16:
            let to = to.assumingMemoryBound(to: UInt16.self)
            for index in from.indices { to[index] = HalfPrecision.bfloat16(value(from[index])) }
        }
    }

    private static func write(_ from: UnsafeBufferPointer<Double>, _ type: ElementType, _ to: UnsafeMutableRawBufferPointer) {
        switch type {
        case .float32:
            let to = to.assumingMemoryBound(to: Float.self)
            for index in from.indices { to[index] = Float(from[index]) }
        case .float64: break  // the caller has copied them
        case .float16:
            let to = to.assumingMemoryBound(to: UInt16.self)
            for index in from.indices { to[index] = HalfPrecision.float16(HalfPrecision.roundedToOdd(from[index])) }
        case .bfloat16:
            let to = to.assumingMemoryBound(to: UInt16.self)
            for index in from.indices { to[index] = HalfPrecision.bfloat16(HalfPrecision.roundedToOdd(from[index])) }
        }
    }
}
