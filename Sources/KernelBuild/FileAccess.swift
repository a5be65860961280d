import Glibc
import VoxLayerSpec

/// The system's words for an error number.
func errorText(_ number: Int32) -> String {
    String(cString: strerror(number))
}

func currentError(_ operation: String, _ path: String) -> KernelBuildError {
    .fileSystem(operation: operation, path: path, errorNumber: errno)
}

/// The text of an environment variable. nil when it is unset, and when it is not UTF-8: with its invalid bytes replaced it would name
/// another file.
func environmentVariable(_ name: String) -> String? {
    getenv(name).flatMap { String(validatingCString: $0) }
}

/// The folders that PATH names from the root; those whose names are not UTF-8 are passed over.
func searchFolders() -> [String] {
    guard let path = getenv("PATH") else { return [] }
    return UnsafeRawBufferPointer(start: path, count: strlen(path)).split(separator: UInt8(ascii: ":")).compactMap {
        String(validating: $0, as: UTF8.self).flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
}

/// Larger files are no object, plugin or cache entry of ours, and are not read.
private let largestFile = 1 << 30

/// The whole of a regular file.
/// - Parameter user: when given, the file must belong to this user or to root, and nobody else may write to it.
func readFile(_ path: String, ofUser user: UInt32? = nil) throws(KernelBuildError) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw currentError("open", path) }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw currentError("examine", path) }
    guard status.st_mode & S_IFMT == S_IFREG else {
        throw .fileSystem(operation: "read as a regular file", path: path, errorNumber: EINVAL)
    }
    if let user, ![0, user].contains(status.st_uid) || status.st_mode & (S_IWGRP | S_IWOTH) != 0 {
        throw .fileSystem(operation: "trust, as others may have written it,", path: path, errorNumber: EPERM)
    }
    guard status.st_size <= largestFile else { throw .fileSystem(operation: "read", path: path, errorNumber: EFBIG) }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var done = 0
    while done < bytes.count {
        let count = bytes.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress?.advanced(by: done), $0.count - done) }
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw currentError("read", path) }
        if count == 0 { break }
        done += count
    }
    return done == bytes.count ? bytes : Array(bytes[..<done])
}

private func writeAll(_ bytes: [UInt8], to file: Int32, path: String) throws(KernelBuildError) {
    var done = 0
    while done < bytes.count {
        let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress?.advanced(by: done), $0.count - done) }
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw currentError("write", path) }
        done += count
    }
}

/// Replaces `path` in one step by a file with these bytes and mode 0644, whatever the umask: readers see the old file or the
/// new one, never a part.
///
/// - Parameter durably: the bytes and the name are on the disk when this returns. Files of a build's own folder need not wait
///   for that.
func replaceFile(_ path: String, with bytes: [UInt8], durably: Bool) throws(KernelBuildError) {
    let staged = StagingName.beside(path)
    let file = open(staged, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw currentError("create", path) }
    do throws(KernelBuildError) {
        defer { close(file) }
        try writeAll(bytes, to: file, path: path)
        guard fchmod(file, 0o644) == 0 else { throw currentError("set the mode of", path) }
        guard !durably || fsync(file) == 0 else { throw currentError("flush", path) }
        guard rename(staged, path) == 0 else { throw currentError("put in place", path) }
    } catch {
        unlink(staged)
        throw error
    }
    guard durably else { return }
    // A file system that cannot flush folders is no failure.
    let folder = open(parentFolder(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if folder >= 0 {
        fsync(folder)
        close(folder)
    }
}

/// Writes a new file of a private folder, which its owner may read whatever the umask.
func writePrivateFile(_ path: String, _ text: String) throws(KernelBuildError) {
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw currentError("create", path) }
    defer { close(file) }
    guard fchmod(file, 0o600) == 0 else { throw currentError("set the mode of", path) }
    try writeAll(Array(text.utf8), to: file, path: path)
}

/// Makes the folder and those above it; the ones made here get mode 0755 whatever the umask.
func makeFolders(_ path: String) throws(KernelBuildError) {
    if mkdir(path, 0o755) == 0 {
        guard chmod(path, 0o755) == 0 else { throw currentError("set the mode of", path) }
        return
    }
    let number = errno
    if number == EEXIST { return }
    let parent = parentFolder(path)
    guard number == ENOENT, parent != path else {
        throw .fileSystem(operation: "make the folder", path: path, errorNumber: number)
    }
    try makeFolders(parent)
    guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw currentError("make the folder", path) }
    guard chmod(path, 0o755) == 0 else { throw currentError("set the mode of", path) }
}

func parentFolder(_ path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// The path seen from the root; a relative one starts at the working folder.
package func absolutePath(_ path: String) -> String {
    guard path.utf8.first != UInt8(ascii: "/"), let folder = getcwd(nil, 0) else { return path }
    defer { free(folder) }
    // The system leads there too, whatever bytes the folder's name has.
    return (String(validatingCString: folder) ?? "/proc/\(getpid())/cwd") + "/" + path
}

/// The path with every symbolic link followed; nil when there is no such file, or its name is not UTF-8.
func resolvedPath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(validatingCString: resolved)
}

package func isExecutableFile(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
}

/// The names in a folder, without `.` and `..`; none when it cannot be read. Names that are not UTF-8 are none of ours.
func namesInFolder(_ path: String) -> [String] {
    guard let listing = opendir(path) else { return [] }
    defer { closedir(listing) }
    var names: [String] = []
    while let entry = readdir(listing) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
        }
        if let name, name != ".", name != ".." { names.append(name) }
    }
    return names
}
