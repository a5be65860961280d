import Glibc
import Synchronization
import VoxLayerSpec

/// Writing a file so that its path never holds a part of it: the bytes go to a fresh file in the same folder, which then takes
/// the path by renaming. An existing file keeps its permissions; a symbolic link keeps pointing to the file it points to. What is no
/// regular file (a device, a pipe, a socket, a folder, a link to one of them or to nothing) is never replaced, nor written to.
package enum StagedFile {
    /// Lets `produce` write a file at the path it receives, then puts that file at `path`.
    /// - Throws: `TensorIOError.cannotWrite`, and what `produce` throws; `path` is then as it was.
    package static func write(to path: String, _ produce: (_ staged: String) throws -> Void) throws {
        let target = try destination(of: path)
        var status = stat()
        let exists = stat(target, &status) == 0

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

    /// Removes the unfinished files and ends the process by `end`. Meanwhile no other file is begun, and nobody reports the removed ones as
    /// failures: both would need the list, which stays locked.
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
        let folder = target.utf8.lastIndex(of: UInt8(ascii: "/")).map { target[...$0] } ?? "."
        let descriptor = open(String(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if descriptor < 0 { return }
        fsync(descriptor)
        close(descriptor)
    }

    /// Why no file may be put at a path: what stands there must not be replaced, or nothing can stand there. nil where a file may be put.
    package static func obstacle(at path: String) -> String? {
        if path.isEmpty { return "It is no path" }
        if path.utf8.contains(0) { return "A NUL is no part of a file's name" }
        if path.utf8.last == UInt8(ascii: "/") { return "It names a folder" }
        var status = stat()
        if stat(path, &status) == 0 {
            switch status.st_mode & S_IFMT {
            case S_IFREG: return obstacle(behind: path, status)
            case S_IFDIR: return "Is a directory"
            case S_IFIFO: return "It is a pipe, not a regular file"
            case S_IFSOCK: return "It is a socket, not a regular file"
            default: return "It is a device, not a regular file"
            }
        }
        if errno != ENOENT { return systemError() }
        if lstat(path, &status) == 0 { return "It is a symbolic link to nothing" }
        return stat(folder(of: path), &status) == 0 ? nil : systemError()
    }

    /// Where a file that is put at a path comes to stand: the symbolic links at its end are followed.
    /// - Throws: `TensorIOError.cannotWrite` where no file may be put.
    package static func destination(of path: String) throws(TensorIOError) -> String {
        if let obstacle = obstacle(at: path) { throw .cannotWrite(path: path, reason: obstacle) }
        do throws(Obstacle) { return try resolved(path) } catch { throw .cannotWrite(path: path, reason: error.reason) }
    }

    /// Why a regular file cannot be replaced under this path. The link of an open file that was removed, or that never had a name
    /// (/dev/fd/3, a file in memory), says "NAME (deleted)": a name that is free, or another file's.
    private static func obstacle(behind path: String, _ file: stat) -> String? {
        do throws(Obstacle) {
            var status = stat()
            let target = try resolved(path)
            let isFound = lstat(target, &status) == 0 && status.st_dev == file.st_dev && status.st_ino == file.st_ino
            return isFound ? nil : "It is an open file whose name is gone"
        } catch {
            return error.reason
        }
    }

    package static func folder(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Why a path leads to no file that can be replaced.
    private struct Obstacle: Error {
        let reason: String
    }

    /// The path with the symbolic links at its end followed: the file is put where they lead. The folders before it are left to the
    /// system, since the name of the working folder need not be text.
    private static func resolved(_ path: String) throws(Obstacle) -> String {
        var path = path
        // As many as Linux follows.
        for _ in 0..<40 {
            var bytes = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
            if readlink(path, &bytes, Int(PATH_MAX)) < 0 { return path }
            guard let target = bytes.withUnsafeBufferPointer({ buffer in buffer.baseAddress.flatMap { String(validatingCString: $0) } }) else {
                throw Obstacle(reason: "It is a symbolic link to a name that is not UTF-8")
            }
            if target.utf8.first == UInt8(ascii: "/") { path = target } else { path = folder(of: path) + "/" + target }
        }
        throw Obstacle(reason: String(cString: strerror(ELOOP)))
    }

    /// Creates an empty file nobody else uses in the folder of `target`.
    /// - Returns: its path, and the permissions it gets when it is done: those of the process's umask. Until then its owner may read
    ///   and write it, whatever the umask.
    private static func freshFile(beside target: String, for path: String) throws(TensorIOError) -> (staged: String, mode: mode_t) {
        for _ in 0..<100 {
            let staged = StagingName.beside(target)
            var status = stat()
            // Making the file and listing it are one step, so that a process that is ended removes it.
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
