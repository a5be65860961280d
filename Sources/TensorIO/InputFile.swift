import Glibc
import VoxTensors

/// A file opened for reading, closed with the last reference.
package final class InputFile {
    let path: String
    /// Bytes in the file, nil when it is no regular file (a pipe).
    package let size: Int?
    /// Open until the last reference goes.
    let descriptor: Int32
    /// What `start(count:)` has read.
    private var taken: [UInt8] = []

    /// - Throws: `TensorIOError.cannotOpen`.
    package init(_ path: String) throws(TensorIOError) {
        self.path = path
        // The system would take such a name for a shorter one.
        if path.utf8.contains(0) { throw .cannotOpen(path: path, reason: "A NUL is no part of a file's name") }
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { throw .cannotOpen(path: path, reason: systemError()) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            close(descriptor)
            throw .cannotOpen(path: path, reason: systemError())
        }
        let kind = status.st_mode & S_IFMT
        if kind != S_IFREG && kind != S_IFIFO && kind != S_IFSOCK {
            close(descriptor)
            // A device such as /dev/zero never ends.
            throw .cannotOpen(path: path, reason: kind == S_IFDIR ? "Is a directory" : "It is a device, neither a file nor a pipe")
        }
        size = kind == S_IFREG ? Int(status.st_size) : nil
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

    /// Most bytes taken from a pipe whose contents do not say how many there are.
    static let pipeLimit = 1 << 32

    /// Up to `count` bytes from the start of a file that was not read yet: enough to tell its kind. `readAll` gives them again.
    /// - Throws: `TensorIOError.cannotRead`.
    package func start(count: Int) throws(TensorIOError) -> [UInt8] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
        defer { buffer.deallocate() }
        taken = Array(buffer.prefix(try read(into: buffer)))
        return taken
    }

    /// Everything.
    /// - Throws: `TensorIOError.cannotRead`, `.fileTooLarge`, `.tensor` for lack of memory.
    package func readAll(limit: Int? = nil) throws -> [UInt8] {
        let limit = limit ?? (size == nil ? Self.pipeLimit : .max - 1)
        if let size, size > limit { throw TensorIOError.fileTooLarge(path: path, limit: limit) }
        do throws(TensorError) {
            try AvailableMemory.check(size ?? 0)
        } catch {
            throw TensorIOError.tensor(path: path, error)
        }
        var result = taken
        // One byte beyond the size: a regular file is then read whole, its end included, in one piece.
        var chunk = max(size ?? 0, 1 << 16) + 1
        while true {
            let piece = try [UInt8](unsafeUninitializedCapacity: chunk) { buffer, count in
                count = try read(into: UnsafeMutableRawBufferPointer(buffer))
            }
            if result.isEmpty { result = piece } else { result += piece }
            if result.count > limit { throw TensorIOError.fileTooLarge(path: path, limit: limit) }
            if piece.count < chunk { return result }
            chunk = min(max(1 << 16, result.count), 1 << 26)
        }
    }

    /// Up to `count` bytes from the start of a file.
    /// - Throws: `TensorIOError.cannotOpen`, `.cannotRead`.
    package static func firstBytes(of path: String, count: Int) throws(TensorIOError) -> [UInt8] { try InputFile(path).start(count: count) }

    /// All bytes of a file.
    /// - Parameter limit: most bytes accepted.
    /// - Throws: `TensorIOError.cannotOpen`, `.cannotRead`, `.fileTooLarge`.
    package static func bytes(of path: String, limit: Int? = nil) throws -> [UInt8] { try InputFile(path).readAll(limit: limit) }
}

/// The text of `errno`.
func systemError() -> String { String(cString: strerror(errno)) }
