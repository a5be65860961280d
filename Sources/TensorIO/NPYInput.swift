import VoxTensors

/// An .npy file that is opened once and read once, be it a pipe: first its header, then, when it is wanted, its data.
package final class NPYInput {
    private let file: InputFile
    private let header: NPYHeader
    private let headerByteCount: Int

    /// Reads the header and nothing after it.
    /// - Throws: `TensorIOError`.
    package init(_ path: String) throws {
        file = try InputFile(path)
        var bytes = try Self.read(file, 10)
        // Versions 2 and 3 have two more bytes of length.
        if bytes.count == 10, bytes[6] != 1 { bytes += try Self.read(file, NPYHeader.prefixByteCount - 10) }
        headerByteCount = try NPYHeader.byteCount(prefix: bytes, path: path)
        bytes += try Self.read(file, max(0, headerByteCount - bytes.count))
        header = try NPYHeader(bytes, path: path)
    }

    /// - Throws: `TensorIOError` when an array of the header's shape is beyond the supported size.
    package func shape() throws -> [Int] {
        _ = try header.dataByteCount(path: file.path)
        return header.shape
    }

    /// Whether the elements are stored as unsigned bytes, as those of pictures are.
    package var holdsUnsignedBytes: Bool { header.kind == .unsigned && header.itemByteCount == 1 }

    /// The array. To be called once. Data that needs no conversion is read straight into the tensor; a pipe is read no further than its
    /// header says.
    /// - Throws: `TensorIOError`.
    package func tensor() throws -> Tensor {
        if let size = file.size {
            return try NPY.tensor(header, dataByteCount: size - headerByteCount, path: file.path) { [file] buffer in
                let received = try file.read(into: buffer)
                // Shorter than a moment ago: someone else is writing it.
                if received != buffer.count { throw TensorIOError.npyDataLength(path: file.path, received: received, expected: buffer.count) }
            }
        }
        let data = try file.readAll(limit: header.dataByteCount(path: file.path))
        return try NPY.tensor(header, dataByteCount: data.count, path: file.path) { buffer in
            data.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<buffer.count])) }
        }
    }

    private static func read(_ file: InputFile, _ count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, read in
            read = try file.read(into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count]))
        }
    }
}
