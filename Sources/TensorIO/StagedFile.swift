import Glibc
import LayerSpec
import Synchronization

/// Writing a file so that its path never holds a part of it: the bytes go to a fresh file in the same folder, which then takes
/// the path by renaming. An existing file keeps its permissions; a symbolic link keeps pointing to the file it points to; what
/// is no regular file (a pipe, /dev/null) is written in place.
package enum StagedFile {
    /// Lets `produce` write a file at the path it receives, then puts that file at `path`.
    /// - Throws: `TensorIOError.cannotWrite`, and what `produce` throws; `path` is then as it was.
    package static func write(to path: String, _ produce: (_ staged: String) throws -> Void) throws {
        let target = resolved(path)
        var status = stat()
        let exists = stat(target, &status) == 0
        if exists && status.st_mode & S_IFMT == S_IFDIR {
            throw TensorIOError.cannotWrite(path: path, reason: "Is a directory")
        }
        if exists && status.st_mode & S_IFMT != S_IFREG { return try produce(target) }

        let (staged, mode) = try freshFile(beside: target, for: path)
        defer { _ = unfinished.withLock { $0.remove(staged) } }
        do {
            try produce(staged)
            try flush(staged, mode: exists ? status.st_mode & 0o7777 : mode, for: path)
            if rename(staged, target) != 0 { throw TensorIOError.cannotWrite(path: path, reason: systemError()) }
            flushFolder(of: target)
        } catch {
            unlink(staged)
            throw error
        }
    }

    /// Puts the concatenation of `parts` at `path`.
    /// - Throws: `TensorIOError.cannotWrite`; `path` is then as it was.
    package static func write(_ parts: [UnsafeRawBufferPointer], to path: String) throws {
        try write(to: path) { staged in
            let descriptor = open(staged, O_WRONLY | O_CLOEXEC)
            if descriptor < 0 { throw TensorIOError.cannotWrite(path: path, reason: systemError()) }
            var failure = parts.lazy.compactMap { writeAll($0, to: descriptor) }.first
            if close(descriptor) != 0 && failure == nil { failure = systemError() }
            if let failure { throw TensorIOError.cannotWrite(path: path, reason: failure) }
        }
    }

    /// The files at work.
    private static let unfinished = Mutex<Set<String>>([])

    /// Removes the files at work and ends the process by `end`. No file is begun in between, and no failure of a removed one reported:
    /// both need the list, which is never let go of.
    package static func removeUnfinished(andEnd end: () -> Never) -> Never {
        unfinished.withLock { paths -> Void in
            for path in paths { unlink(path) }
            end()
        }
        fatalError("a process outlived its end")
    }

    /// The bytes are on the disk before the name is: after a power failure too, the path holds the old file or the new one.
    private static func flush(_ staged: String, mode: mode_t, for path: String) throws(TensorIOError) {
        let descriptor = open(staged, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { throw .cannotWrite(path: path, reason: systemError()) }
        defer { close(descriptor) }
        _ = fchmod(descriptor, mode)
        if fsync(descriptor) != 0 { throw .cannotWrite(path: path, reason: systemError()) }
    }

    /// The new name is on the disk too. A file system that cannot flush folders is no failure.
    private static func flushFolder(of target: String) {
        let folder = target.lastIndex(of: "/").map { target[...$0] } ?? "."
        let descriptor = open(String(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if descriptor < 0 { return }
        fsync(descriptor)
        close(descriptor)
    }

    private static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    /// Creates an empty file nobody else uses in the folder of `target`.
    /// - Returns: its path, and the permissions it gets when it is done: those of the process's umask. Until then its owner may read
    ///   and write it, whatever the umask.
    private static func freshFile(beside target: String, for path: String) throws(TensorIOError) -> (staged: String, mode: mode_t) {
        for _ in 0..<100 {
            let staged = StagingName.beside(target)
            var status = stat()
            // One step with the list, so that a process that is ended removes it.
            let number = unfinished.withLock { unfinished -> Int32 in
                let descriptor = open(staged, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
                if descriptor < 0 { return errno }
                defer { close(descriptor) }
                unfinished.insert(staged)
                _ = fstat(descriptor, &status)
                _ = fchmod(descriptor, status.st_mode & 0o7777 | 0o600)
                return 0
            }
            if number == 0 { return (staged, status.st_mode & 0o7777) }
            if number != EEXIST { throw .cannotWrite(path: path, reason: String(cString: strerror(number))) }
        }
        throw .cannotWrite(path: path, reason: String(cString: strerror(EEXIST)))
    }

    /// Returns the system's reason when not everything could be written.
    private static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> String? {
        guard let start = bytes.baseAddress else { return nil }
        var count = 0
        while count < bytes.count {
            let written = Glibc.write(descriptor, start + count, bytes.count - count)
            if written < 0 && errno == EINTR { continue }
            if written < 0 { return systemError() }
            count += written
        }
        return nil
    }
}
