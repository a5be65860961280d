import VoxLayerSpec

/// Single elements, samples, and how a tensor is printed.
extension Tensor {
    /// An element: `try x[0, 2, 1]`.
    /// - Parameter indices: one per axis; negative ones count from the end.
    /// - Throws: `TensorError.index` for another number of indices, or one beyond its axis.
    public subscript(indices: Int...) -> Double {
        get throws(TensorError) {
            let offset = try offset(of: indices)
            return withUnsafeBytes { elementType.element(at: offset, of: $0) }
        }
    }

    /// Replaces an element; the value is rounded to the element type. A subscript that throws cannot be assigned to.
    /// - Parameters:
    ///   - value: the new element.
    ///   - indices: one per axis; negative ones count from the end.
    /// - Throws: `TensorError.index` for another number of indices, or one beyond its axis; `.outOfMemory` when shared storage cannot be
    ///   copied.
    public mutating func set(_ value: Double, at indices: Int...) throws {
        let offset = try offset(of: indices)
        let type = elementType
        try withUnsafeMutableBytes { type.store(value, at: offset, of: $0) }
    }

    /// What stands at one place of the first axis, such as a sample of a batch; a tensor of one axis less.
    /// - Parameter index: negative ones count from the end.
    /// - Throws: `TensorError.index` for a scalar and for an index beyond the axis, `.outOfMemory`.
    public subscript(sample index: Int) -> Tensor {
        get throws {
            guard let extent = shape.first, let position = Self.position(index, extent) else {
                throw TensorError.index([index], shape: shape)
            }
            var result = try Tensor(uninitialized: Array(shape.dropFirst()), elementType)
            let start = position * result.byteCount
            try result.withUnsafeMutableBytes { target in
                withUnsafeBytes { target.copyBytes(from: $0[start..<start + target.count]) }
            }
            return result
        }
    }

    private static func position(_ index: Int, _ extent: Int) -> Int? {
        let position = index < 0 ? index + extent : index
        return position >= 0 && position < extent ? position : nil
    }

    private func offset(of indices: [Int]) throws(TensorError) -> Int {
        if indices.count != shape.count { throw .index(indices, shape: shape) }
        var offset = 0
        for (index, extent) in zip(indices, shape) {
            guard let position = Self.position(index, extent) else { throw .index(indices, shape: shape) }
            offset = offset * extent + position
        }
        return offset
    }

    /// A tensor whose elements, in row-major order, are the results of calls of `next`, each rounded once.
    /// - Parameters:
    ///   - shape: extents, outermost first.
    ///   - elementType: type of every element.
    ///   - next: called once for each element.
    /// - Throws: as `init(uninitialized:_:pool:)`.
    package init(_ shape: [Int], _ elementType: ElementType, next: () -> Double) throws {
        try self.init(uninitialized: shape, elementType)
        let count = elementCount
        try withUnsafeMutableBytes { bytes in
            for index in 0..<count { elementType.store(next(), at: index, of: bytes) }
        }
    }
}

extension Tensor: CustomStringConvertible {
    /// Shape, element type and elements, in brackets for each axis. Of more than a hundred elements only those at the ends of each axis.
    public var description: String {
        let ends = elementCount <= 100 ? Int.max : shape.count > 3 ? 1 : 3
        return "Tensor(shape: \(shape), \(elementType.rawValue), " + withUnsafeBytes { text($0, axis: 0, offset: 0, ends: ends) } + ")"
    }

    /// The elements of one place of the axes before `axis`.
    private func text(_ bytes: UnsafeRawBufferPointer, axis: Int, offset: Int, ends: Int) -> String {
        if axis == shape.count { return elementType.text(elementType.element(at: offset, of: bytes)) }
        let extent = shape[axis]
        var parts: [String] = []
        var index = 0
        while index < extent {
            if index == ends, extent - ends > ends {
                parts.append("...")
                index = extent - ends
            }
            parts.append(text(bytes, axis: axis + 1, offset: offset * extent + index, ends: ends))
            index += 1
        }
        return "[" + parts.joined(separator: ", ") + "]"
    }
}
