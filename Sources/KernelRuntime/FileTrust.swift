import Glibc

/// Who may have written a plugin: it must belong to root or to the user, and nobody else may change it or put another in its
/// place.
package struct FileTrust: Sendable {
    /// Whose process this is.
    let user: UInt32

    package init(user: UInt32) { self.user = user }

    static var current: FileTrust { FileTrust(user: geteuid()) }

    /// - Parameters:
    ///   - plugin: what the caller opened; for the error.
    ///   - entry: the file or folder `status` describes; for the error.
    package func check(_ status: stat, plugin: String, entry: String) throws(PluginError) {
        let root: UInt32 = 0
        guard status.st_uid == root || status.st_uid == user else {
            throw .foreignOwner(path: plugin, entry: entry, owner: status.st_uid, user: user)
        }
        guard status.st_mode & (S_IWGRP | S_IWOTH) != 0 else { return }
        // In a sticky folder such as /tmp nobody can rename or remove what belongs to others.
        if status.st_mode & S_IFMT == S_IFDIR, status.st_mode & S_ISVTX != 0, status.st_uid == root { return }
        throw .writableByOthers(path: plugin, entry: entry, mode: status.st_mode & 0o7777)
    }

    /// Checks an open file, and the folder it stands in.
    func check(descriptor: Int32, status: stat, plugin: String) throws(PluginError) {
        try check(status, plugin: plugin, entry: plugin)
        let place = try place(of: descriptor, plugin: plugin)
        let folder = place.lastIndex(of: "/").map { $0 == place.startIndex ? "/" : String(place[..<$0]) } ?? "/"
        let pathOnly: Int32 = 0o10000000  // O_PATH, which Glibc hides: a folder that may be entered need not be readable
        let folderDescriptor = open(folder, pathOnly | O_DIRECTORY | O_CLOEXEC)
        guard folderDescriptor >= 0 else {
            throw .cannotOpen(path: plugin, reason: "its folder \(folder) cannot be examined: \(String(cString: strerror(errno)))")
        }
        defer { close(folderDescriptor) }
        var folderStatus = stat()
        var entryStatus = stat()
        let name = String(place.dropFirst(folder == "/" ? 1 : folder.count + 1))
        guard fstat(folderDescriptor, &folderStatus) == 0,
            fstatat(folderDescriptor, name, &entryStatus, AT_SYMLINK_NOFOLLOW) == 0,
            entryStatus.st_dev == status.st_dev, entryStatus.st_ino == status.st_ino
        else { throw .cannotOpen(path: plugin, reason: "it was moved or replaced while it was opened") }
        try check(folderStatus, plugin: plugin, entry: folder)
    }

    /// The path of an open file, every symbolic link followed.
    private func place(of descriptor: Int32, plugin: String) throws(PluginError) -> String {
        var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX) + 1)
        let count = bytes.withUnsafeMutableBytes { buffer in
            buffer.withMemoryRebound(to: CChar.self) { text in
                text.baseAddress.map { readlink("/proc/self/fd/\(descriptor)", $0, text.count) } ?? -1
            }
        }
        guard count > 0, count < bytes.count, bytes[0] == UInt8(ascii: "/") else {
            throw .cannotOpen(path: plugin, reason: "the system does not say where it stands")
        }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
