import VoxLayerSpec

/// From the elements of a file to those of a tensor.
enum ElementConversion {
    /// Converts the elements of `from`, stored as `header` says, to those of `header.elementType`, in the same order.
    static func convert(_ from: UnsafeRawBufferPointer, _ header: NPYHeader, to: UnsafeMutableRawBufferPointer) {
        let swapped = header.bigEndian != NPYHeader.hostIsBigEndian
        let floats = to.bindMemory(to: Float.self)
        switch (header.kind, header.itemByteCount) {
        case (.float, 2): map(from, as: UInt16.self, swapped, to: to.bindMemory(to: UInt16.self)) { $0 }
        case (.float, 4): map(from, as: UInt32.self, swapped, to: floats) { Float(bitPattern: $0) }
        case (.float, _): map(from, as: UInt64.self, swapped, to: to.bindMemory(to: Double.self)) { Double(bitPattern: $0) }
        case (.boolean, _): map(from, as: UInt8.self, swapped, to: floats) { $0 == 0 ? 0 : 1 }
        case (.signed, 1): map(from, as: Int8.self, swapped, to: floats) { Float($0) }
        case (.signed, 2): map(from, as: Int16.self, swapped, to: floats) { Float($0) }
        case (.signed, 4): map(from, as: Int32.self, swapped, to: floats) { Float($0) }
        case (.signed, _): map(from, as: Int64.self, swapped, to: floats) { Float($0) }
        case (.unsigned, 1): map(from, as: UInt8.self, swapped, to: floats) { Float($0) }
        case (.unsigned, 2): map(from, as: UInt16.self, swapped, to: floats) { Float($0) }
        case (.unsigned, 4): map(from, as: UInt32.self, swapped, to: floats) { Float($0) }
        case (.unsigned, _): map(from, as: UInt64.self, swapped, to: floats) { Float($0) }
        }
    }

    @inline(__always)
    private static func map<Stored: FixedWidthInteger, Result>(
        _ from: UnsafeRawBufferPointer, as: Stored.Type, _ swapped: Bool, to: UnsafeMutableBufferPointer<Result>, _ value: (Stored) -> Result
    ) {
        let from = from.bindMemory(to: Stored.self)
        for index in 0..<min(from.count, to.count) { to[index] = value(swapped ? from[index].byteSwapped : from[index]) }
    }

    /// Copies an array whose first index varies fastest to one whose last index does.
    static func reverseAxes<T>(_ from: UnsafeBufferPointer<T>, shape: [Int], to: UnsafeMutableBufferPointer<T>) {
        guard shape.count >= 2, !from.isEmpty, let source = from.baseAddress, let target = to.baseAddress else { return }
        // Only the first axis (contiguous in `from`) and the last (contiguous in `to`) matter to the caches: tiles of 32 x 32
        // elements, 8 KB a side at 8 bytes, stay in the first-level cache while the axes between run outside.
        let tile = 32
        let (rows, columns) = (shape[0], shape[shape.count - 1])
        let middle = Array(shape[1..<(shape.count - 1)])
        let rowStep = to.count / rows
        let columnStep = from.count / columns
        for block in 0..<Checked.clampedCount(middle) {
            // `block` is the row-major index of the middle axes; their Fortran offset has the weights the other way round.
            var (rest, sourceBlock) = (block, 0)
            var weight = columnStep
            for extent in middle.reversed() {
                weight /= extent
                sourceBlock += rest % extent * weight
                rest /= extent
            }
            let (start, end) = (source + sourceBlock, target + block * columns)
            for row in stride(from: 0, to: rows, by: tile) {
                for column in stride(from: 0, to: columns, by: tile) {
                    for r in row..<min(row + tile, rows) {
                        for c in column..<min(column + tile, columns) { end[r * rowStep + c] = start[r + c * columnStep] }
                    }
                }
            }
        }
    }
}
