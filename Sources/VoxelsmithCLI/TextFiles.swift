import Glibc
import VoxLayerSpec
import VoxTensorIO

/// Text and folders for the verbs that write them.
enum TextFiles {
    /// Puts a text at a path in one step.
    static func write(_ text: String, to path: String) throws {
        try Array(text.utf8).withUnsafeBytes { try StagedFile.write([$0], to: path) }
    }

    /// Makes the folder and those above it.
    /// - Returns: those that were not there, each after the one above it.
    @discardableResult
    static func makeFolder(_ path: String) throws -> [String] {
        let number = makeOne(path)
        if number == 0 { return [path] }
        if number == EEXIST { return [] }
        guard number == ENOENT, let slash = path.dropLast().lastIndex(of: "/"), slash != path.startIndex else {
            throw CommandFailure.fileSystem(operation: "make the folder", path: path, reason: String(cString: strerror(number)))
        }
        let above = try makeFolder(String(path[..<slash]))
        let failure = makeOne(path)
        if failure == 0 { return above + [path] }
        if failure == EEXIST { return above }
        for folder in above.reversed() { rmdir(folder) }
        throw CommandFailure.fileSystem(operation: "make the folder", path: path, reason: String(cString: strerror(failure)))
    }

    /// Makes one folder. Whatever the umask, its owner may put files into it; for the others it has what the umask says.
    /// - Returns: 0, or the number of the error.
    private static func makeOne(_ path: String) -> Int32 {
        if mkdir(path, 0o777) != 0 { return errno }
        var status = stat()
        let own: mode_t = 0o700
        if stat(path, &status) == 0, status.st_mode & own != own { chmod(path, status.st_mode & 0o7777 | own) }
        return 0
    }

    /// The files below a folder by their paths from it, sorted; none when there is no such folder.
    /// - Throws: `CommandFailure.foreignFiles` for a name that is not UTF-8.
    static func list(_ folder: String) throws -> [String] {
        guard let listing = opendir(folder) else { return [] }
        defer { closedir(listing) }
        var files: [String] = []
        while let entry = readdir(listing) {
            let bytes = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { Array(UnsafeRawBufferPointer(start: $0, count: strlen($0))) }
            }
            guard let name = String(validating: bytes, as: UTF8.self) else {
                throw CommandFailure.foreignFiles([escaped(bytes: bytes)], folder: folder)
            }
            if name == "." || name == ".." { continue }
            var status = stat()
            guard lstat("\(folder)/\(name)", &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                files += try list("\(folder)/\(name)").map { "\(name)/\($0)" }
            } else {
                files.append(name)
            }
        }
        return files.sorted()
    }
}
