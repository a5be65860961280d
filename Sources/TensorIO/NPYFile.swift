import VoxLayerSpec
import VoxTensors

/// NumPy's .npy files (numpy.lib.format), versions 1.0 to 3.0.
///
/// Read: f2, f4 and f8 as they are; b1 and integers of 1 to 8 bytes as float32 (integers beyond 2^24 are rounded to the nearest
/// float32); either byte order; C and Fortran order; any shape of up to 64 axes, () and zero extents included. Object, string,
/// complex and structured arrays are refused. The data must be exactly as long as the header says. NumPy has no bfloat16; tensors of
/// that type are written as f4, in which their values are exact.
public enum NPY {
    /// The tensor in the bytes of an .npy file.
    /// - Parameters:
    ///   - bytes: the contents of a whole file.
    ///   - name: what errors call these bytes.
    /// - Throws: `TensorIOError`.
    public static func decode(_ bytes: [UInt8], name: String = "the array") throws -> Tensor {
        try decode(bytes, name: name, memoryLimit: .max)
    }

    /// - Parameter memoryLimit: most bytes that may be in use at once, `bytes` included.
    static func decode(_ bytes: [UInt8], name: String, memoryLimit: Int) throws -> Tensor {
        let headerByteCount = try NPYHeader.byteCount(prefix: bytes.prefix(NPYHeader.prefixByteCount), path: name)
        let header = try NPYHeader(bytes.prefix(headerByteCount), path: name)
        let needed = Checked.clampedSum(bytes.count, header.memory(for: bytes.count - headerByteCount))
        if needed > memoryLimit { throw TensorIOError.tooLarge(path: name, object: "the array in memory", size: UInt64(needed), limit: memoryLimit) }
        return try tensor(header, dataByteCount: bytes.count - headerByteCount, path: name) { buffer in
            bytes.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[headerByteCount...])) }
        }
    }

    /// The bytes of an .npy file with this tensor: version 1.0 (2.0 when the shape needs it), this machine's byte order, C order,
    /// data at a multiple of 64 bytes. What `numpy.save` writes, byte for byte, apart from the spare room NumPy leaves in headers.
    public static func encode(_ tensor: Tensor) -> [UInt8] {
        let stored = NPYHeader.storedType(tensor.elementType)
        if stored != tensor.elementType {
            // What NumPy lacks is computed in float32.
            let header = NPYHeader(shape: tensor.shape, stored).encoded()
            return tensor.floats.withUnsafeBytes { header + $0 }
        }
        var bytes = NPYHeader(shape: tensor.shape, tensor.elementType).encoded()
        bytes.reserveCapacity(bytes.count + tensor.byteCount)
        tensor.withUnsafeBytes { bytes.append(contentsOf: $0) }
        return bytes
    }

    /// The tensor of an .npy file. Data that needs no conversion is read straight into the tensor.
    /// - Throws: `TensorIOError`.
    public static func read(path: String) throws -> Tensor { try NPYInput(path).tensor() }

    /// Writes `tensor` to `path` as `encode` does. The file appears whole or not at all.
    /// - Throws: `TensorIOError.cannotWrite`.
    public static func write(_ tensor: Tensor, to path: String) throws {
        let tensor = try tensor.cast(to: NPYHeader.storedType(tensor.elementType))
        let header = NPYHeader(shape: tensor.shape, tensor.elementType).encoded()
        try header.withUnsafeBytes { header in
            try tensor.withUnsafeBytes { data in try StagedFile.write([header, data], to: path) }
        }
    }

    /// The tensor that `header` announces; `fill` supplies the bytes of the file's data.
    static func tensor(
        _ header: NPYHeader, dataByteCount: Int, path: String, fill: (UnsafeMutableRawBufferPointer) throws -> Void
    ) throws -> Tensor {
        let expected = try header.dataByteCount(path: path)
        if dataByteCount != expected { throw TensorIOError.npyDataLength(path: path, received: dataByteCount, expected: expected) }
        var tensor = try Tensor(for: path, header.shape, header.elementType)
        if header.isDirect {
            try tensor.withUnsafeMutableBytes(fill)
            return tensor
        }
        let storage: TensorStorage
        do throws(TensorError) { storage = try TensorStorage(byteCount: expected) } catch { throw TensorIOError.tensor(path: path, error) }
        defer { withExtendedLifetime(storage) {} }
        let stored = UnsafeMutableRawBufferPointer(start: storage.address, count: expected)
        try fill(stored)
        if !header.fortranOrder || header.shape.count < 2 {
            try tensor.withUnsafeMutableBytes { ElementConversion.convert(UnsafeRawBufferPointer(stored), header, to: $0) }
            return tensor
        }
        var fortran = try Tensor(for: path, header.shape.reversed(), header.elementType)
        try fortran.withUnsafeMutableBytes { ElementConversion.convert(UnsafeRawBufferPointer(stored), header, to: $0) }
        try tensor.withUnsafeMutableBytes { to in
            fortran.withUnsafeBytes { from in
                switch header.elementType.byteCount {
                case 2: ElementConversion.reverseAxes(from.bindMemory(to: UInt16.self), shape: header.shape, to: to.bindMemory(to: UInt16.self))
                case 4: ElementConversion.reverseAxes(from.bindMemory(to: UInt32.self), shape: header.shape, to: to.bindMemory(to: UInt32.self))
                default: ElementConversion.reverseAxes(from.bindMemory(to: UInt64.self), shape: header.shape, to: to.bindMemory(to: UInt64.self))
                }
            }
        }
        return tensor
    }
}
