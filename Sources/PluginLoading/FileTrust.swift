import CVoxHostFiles
import Glibc
import VoxLayerSpec

/// Which plugins are trusted. A plugin must belong to root or to the user, and nobody else may change it or put another in its place. In a folder
/// that the user names, the folder's owner and group may write plugins too.
package struct FileTrust: Sendable {
    /// The user of this process.
    private let user: UInt32
    private let trustedFolders: [String]
    private let accounts: @Sendable () -> Accounts?

    /// - Parameters:
    ///   - trustedFolders: paths; those that are no folders count for nothing.
    ///   - accounts: asked when a group may write; nil where they cannot be known.
    package init(user: UInt32, trustedFolders: [String] = [], accounts: @escaping @Sendable () -> Accounts?) {
        self.user = user
        self.trustedFolders = trustedFolders
        self.accounts = accounts
    }

    /// For this process: the given folders, and those of VOXELSMITH_TRUSTED_FOLDERS.
    package static func current(trustedFolders: [String]) -> FileTrust {
        FileTrust(user: geteuid(), trustedFolders: trustedFolders + foldersOfTheEnvironment) { Accounts.ofThisMachine() }
    }

    /// The folders that the environment variable names: absolute paths separated by colons, since relative ones would depend on where the
    /// program was started. A program that has other rights than whoever started it ignores the variable.
    private static var foldersOfTheEnvironment: [String] {
        guard let text = vs_secure_environment("VOXELSMITH_TRUSTED_FOLDERS").flatMap({ String(validatingCString: $0) }) else { return [] }
        return text.split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }
    }

    /// - Parameters:
    ///   - plugin: what the caller opened; for the error.
    ///   - entry: the file or folder `status` describes; for the error.
    ///   - namedOwners: the owners of the named folders that the entry lies in.
    ///   - hasAccessList: whether more than the entry's mode says who may write.
    package func check(
        _ status: stat, plugin: String, entry: String, namedOwners: [UInt32] = [], hasAccessList: () -> Bool = { false }
    ) throws(PluginError) {
        let root: UInt32 = 0
        guard status.st_uid == root || status.st_uid == user || namedOwners.contains(status.st_uid) else {
            throw .foreignOwner(path: plugin, entry: entry, owner: status.st_uid, user: user)
        }
        guard status.st_mode & (S_IWGRP | S_IWOTH) != 0 else { return }
        // In a sticky folder such as /tmp nobody can rename or remove what belongs to others.
        if status.st_mode & S_IFMT == S_IFDIR, status.st_mode & S_ISVTX != 0, status.st_uid == root { return }
        if status.st_mode & S_IWOTH == 0 {
            if !namedOwners.isEmpty { return }
            if !hasAccessList(), accounts()?.isPrivate(group: status.st_gid, of: status.st_uid) == true { return }
        }
        throw .writableByOthers(path: plugin, entry: entry, mode: status.st_mode & 0o7777)
    }

    /// Checks an open file, and the folder it stands in.
    func check(descriptor: Int32, status: stat, plugin: String) throws(PluginError) {
        let place = try place(of: descriptor, plugin: plugin)
        let (folder, name) = Self.split(place)
        let owners = namedOwners(of: folder)
        try check(status, plugin: plugin, entry: plugin, namedOwners: owners) { vs_has_access_list(descriptor) != 0 }
        try check(folder: folder, plugin: plugin, namedOwners: owners) { (folder) throws(PluginError) in
            var entryStatus = stat()
            guard fstatat(folder, Self.path(name), &entryStatus, AT_SYMLINK_NOFOLLOW) == 0,
                entryStatus.st_dev == status.st_dev, entryStatus.st_ino == status.st_ino
            else { throw .cannotOpen(path: plugin, reason: "it was moved or replaced while it was opened") }
        }
    }

    /// Checks the folder that a plugin is to be put into. A folder that does not exist passes.
    package func check(folderOf plugin: String) throws(PluginError) {
        guard let folder = Self.resolved(plugin.contains("/") ? Self.split(Array(plugin.utf8)).folder : [UInt8(ascii: ".")]) else { return }
        try check(folder: folder, plugin: plugin, namedOwners: namedOwners(of: folder)) { _ in }
    }

    /// The folder and the name of a whole path. Both are bytes, as the system has them: a folder's name need not be text.
    private static func split(_ path: [UInt8]) -> (folder: [UInt8], name: [UInt8]) {
        let slash = UInt8(ascii: "/")
        let end = path.lastIndex(of: slash) ?? 0
        return (end == 0 ? [slash] : Array(path[..<end]), Array(path[(end + 1)...]))
    }

    private static func path(_ bytes: [UInt8]) -> [CChar] { (bytes + [0]).map { CChar(bitPattern: $0) } }

    private func check(
        folder: [UInt8], plugin: String, namedOwners: [UInt32], _ body: (Int32) throws(PluginError) -> Void
    ) throws(PluginError) {
        let pathOnly: Int32 = 0o10000000  // O_PATH, which Glibc hides: a folder that may be entered need not be readable
        let descriptor = open(Self.path(folder), pathOnly | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .cannotOpen(path: plugin, reason: "its folder \(escaped(bytes: folder)) cannot be examined: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw .cannotOpen(path: plugin, reason: "its folder \(escaped(bytes: folder)) cannot be examined: \(String(cString: strerror(errno)))")
        }
        try body(descriptor)
        try check(status, plugin: plugin, entry: escaped(bytes: folder), namedOwners: namedOwners) { vs_has_access_list(descriptor) != 0 }
    }

    /// The owners of the named folders that `folder` is or lies below; its path has no symbolic links. Paths are compared byte by byte:
    /// equal characters may be written in two ways, and be two folders.
    private func namedOwners(of folder: [UInt8]) -> [UInt32] {
        trustedFolders.compactMap { named in
            var status = stat()
            guard let path = Self.resolved(Array(named.utf8)), stat(Self.path(path), &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
            let slash = [UInt8(ascii: "/")]
            return (folder + slash).starts(with: path == slash ? slash : path + slash) ? status.st_uid : nil
        }
    }

    private static func resolved(_ path: [UInt8]) -> [UInt8]? {
        guard let resolved = realpath(Self.path(path), nil) else { return nil }
        defer { free(resolved) }
        return Array(UnsafeRawBufferPointer(start: resolved, count: strlen(resolved)))
    }

    /// The path of an open file, every symbolic link followed.
    private func place(of descriptor: Int32, plugin: String) throws(PluginError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX) + 1)
        let count = bytes.withUnsafeMutableBytes { buffer in
            buffer.withMemoryRebound(to: CChar.self) { text in
                text.baseAddress.map { readlink("/proc/self/fd/\(descriptor)", $0, text.count) } ?? -1
            }
        }
        guard count > 0, count < bytes.count, bytes[0] == UInt8(ascii: "/") else {
            throw .cannotOpen(path: plugin, reason: "the system does not say where it stands")
        }
        return Array(bytes[..<count])
    }
}
