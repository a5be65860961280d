import Glibc

/// A folder only this user may enter, removed with its files by `remove`.
///
/// While it is in use its lock file is locked. The system lets go of the lock when the process ends, however it ends, so the next
/// folder made beside it removes what a killed process left.
package struct PrivateFolder: Sendable {
    package let path: String
    private let lock: Int32

    private static let prefix = "voxelsmith."
    private static let lockName = ".lock"
    /// Seconds; a lock file this young may be about to be locked.
    private static let youth = 60

    /// - Throws: `KernelBuildError.fileSystem`.
    package init() throws(KernelBuildError) {
        let base = environmentVariable("TMPDIR").flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "/tmp"
        Self.removeAbandoned(in: base)
        var template = Array((base + "/" + Self.prefix + "XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw currentError("make a folder in", base) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        _ = chmod(path, 0o700)  // a umask may have taken its owner's rights too
        lock = open(path + "/" + Self.lockName, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard lock >= 0, fchmod(lock, 0o600) == 0, flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            let failure = currentError("lock", path)
            remove()
            throw failure
        }
    }

    /// Files the compiler left behind when it was stopped go too; none of them is in a folder of its own.
    package func remove() {
        // A killed compiler's own children may finish a call or two, and leave a file, after it is gone: the folder is emptied until it goes.
        for _ in 0..<300 {
            if Self.remove(path) { break }
            usleep(10_000)
        }
        if lock >= 0 { close(lock) }
    }

    /// - Returns: whether the folder is gone, or cannot go.
    @discardableResult private static func remove(_ path: String) -> Bool {
        for name in namesInFolder(path) { unlink(path + "/" + name) }
        return rmdir(path) == 0 || (errno != ENOTEMPTY && errno != EEXIST)
    }

    private static func removeAbandoned(in base: String) {
        for name in namesInFolder(base) where name.hasPrefix(prefix) && name.utf8.count == prefix.utf8.count + 6 {
            let path = base + "/" + name
            var status = stat()
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid() else { continue }
            let lock = open(path + "/" + lockName, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
            if lock < 0 { continue }
            defer { close(lock) }
            guard fstat(lock, &status) == 0, time(nil) - status.st_mtim.tv_sec > youth, flock(lock, LOCK_EX | LOCK_NB) == 0 else { continue }
            remove(path)
        }
    }
}
