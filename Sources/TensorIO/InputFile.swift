import Glibc

/// A file opened for reading, closed with the last reference.
package final class InputFile {
    let path: String
    /// Bytes in the file, nil when it is no regular file (a pipe).
    let size: Int?
    private let descriptor: Int32

    /// - Throws: `TensorIOError.cannotOpen`.
    init(_ path: String) throws(TensorIOError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { throw .cannotOpen(path: path, reason: systemError()) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            close(descriptor)
            throw .cannotOpen(path: path, reason: systemError())
        }
        if status.st_mode & S_IFMT == S_IFDIR {
            close(descriptor)
            throw .cannotOpen(path: path, reason: "Is a directory")
        }
        size = status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : nil
    }

    deinit { close(descriptor) }

    /// Fills `buffer` from the current position; returns fewer bytes only at the end of the file.
    /// - Throws: `TensorIOError.cannotRead`.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(TensorIOError) -> Int {
        guard let start = buffer.baseAddress else { return 0 }
        var count = 0
        while count < buffer.count {
            let received = Glibc.read(descriptor, start + count, buffer.count - count)
            if received < 0 && errno == EINTR { continue }
            if received < 0 { throw .cannotRead(path: path, reason: systemError()) }
            if received == 0 { break }
            count += received
        }
        return count
    }

    /// Everything from the current position.
    /// - Throws: `TensorIOError.cannotRead`.
    func readAll() throws -> [UInt8] {
        var result: [UInt8] = []
        // One byte beyond the size: a regular file is then read whole, its end included, in one piece.
        var chunk = max(size ?? 0, 1 << 16) + 1
        while true {
            let piece = try [UInt8](unsafeUninitializedCapacity: chunk) { buffer, count in
                count = try read(into: UnsafeMutableRawBufferPointer(buffer))
            }
            if result.isEmpty { result = piece } else { result += piece }
            if piece.count < chunk { return result }
            chunk = 1 << 20
        }
    }

    /// Up to `count` bytes from the start of a file: enough to tell its kind.
    /// - Throws: `TensorIOError.cannotOpen`, `.cannotRead`.
    package static func firstBytes(of path: String, count: Int) throws -> [UInt8] {
        let file = try InputFile(path)
        return try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            initialized = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
    }

    /// All bytes of a file.
    /// - Throws: `TensorIOError.cannotOpen`, `.cannotRead`.
    package static func bytes(of path: String) throws -> [UInt8] { try InputFile(path).readAll() }
}

/// The text of `errno`.
func systemError() -> String { String(cString: strerror(errno)) }
