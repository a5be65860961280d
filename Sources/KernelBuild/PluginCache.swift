import Glibc
import Logging
import VoxHashing
import VoxLayerSpec

/// Objects and plugins compiled before, by the digest of everything that went into them.
///
/// Each object and plugin ends with a digest of its key and its bytes. One that is unreadable, too short, written by somebody else or not
/// what its digest says counts as absent, so the worst a damaged cache does is cost a compilation. Verified plugins are stored as they are, for the
/// loader, which looks at their own digest and at who may have written them. Entries appear whole, under their final name, or not at all;
/// any number of processes may use one cache. Files are 0644, folders 0755.
public struct PluginCache: Hashable, Sendable {
    /// The folder with everything of the cache in it.
    public let folder: String
    /// Bytes kept after a build; beyond that, the entries that were used longest ago go.
    public let byteLimit: Int

    /// A four-layer model takes less than a megabyte, so this keeps about a thousand.
    public static let defaultByteLimit = 1 << 30

    /// A cache in `folder`, which need not exist yet.
    public init(folder: String, byteLimit: Int = PluginCache.defaultByteLimit) {
        self.folder = folder
        self.byteLimit = byteLimit
    }

    /// `voxelsmith` under XDG_CACHE_HOME, or under ~/.cache; nil for a user without a home.
    public static func standard() -> PluginCache? {
        if let base = environmentVariable("XDG_CACHE_HOME"), base.hasPrefix("/") {
            return PluginCache(folder: base + "/voxelsmith")
        }
        guard let home = environmentVariable("HOME"), home.hasPrefix("/") else { return nil }
        return PluginCache(folder: home + "/.cache/voxelsmith")
    }

    // MARK: The cache as a whole

    /// What a cache holds.
    public struct Size: Hashable, Sendable {
        /// Objects and plugins.
        public let entries: Int
        /// Their bytes on the disk, digests included.
        public let bytes: Int

        /// A size from its parts.
        public init(entries: Int, bytes: Int) {
            self.entries = entries
            self.bytes = bytes
        }
    }

    /// What the cache holds now; a folder that does not exist holds nothing.
    public func size() -> Size {
        let files = files()
        return Size(entries: files.count, bytes: files.reduce(0) { $0 + $1.byteCount })
    }

    /// Removes every entry, and the folders this cache made for them. Other files in the folder stay.
    /// - Returns: what was removed.
    /// - Throws: `KernelBuildError.fileSystem` for an entry that cannot be removed.
    @discardableResult
    public func clear() throws(KernelBuildError) -> Size {
        var (entries, bytes) = (0, 0)
        for file in files() {
            guard unlink(file.path) == 0 || errno == ENOENT else { throw currentError("remove", file.path) }
            (entries, bytes) = (entries + 1, bytes + file.byteCount)
        }
        for kind in Kind.allCases {
            for name in namesInFolder(path(kind)) { rmdir(path(kind) + "/" + name) }
            rmdir(path(kind))
        }
        rmdir(folder)
        return Size(entries: entries, bytes: bytes)
    }

    /// Removes the entries used longest ago until the cache is within its limit, and what killed processes left behind.
    package func evict() {
        var files = files()
        let now = time(nil)
        let abandoned = 3600
        for file in files where file.isStaged && now - file.usedAt > abandoned { unlink(file.path) }
        files.removeAll(where: \.isStaged)
        var bytes = files.reduce(0) { $0 + $1.byteCount }
        if bytes <= byteLimit { return }
        files.sort { ($0.usedAt, $0.usedAtNanoseconds, $0.path) < ($1.usedAt, $1.usedAtNanoseconds, $1.path) }
        for file in files where bytes > byteLimit {
            unlink(file.path)  // another process may have been first
            bytes -= file.byteCount
        }
    }

    private struct File {
        let path: String
        let byteCount: Int
        let usedAt: Int
        let usedAtNanoseconds: Int
        /// Not yet, and maybe never, an entry.
        let isStaged: Bool
    }

    private func files() -> [File] {
        var files: [File] = []
        for kind in Kind.allCases {
            for group in namesInFolder(path(kind)) where group.utf8.count == Self.groupLength {
                // A link leads to what this cache did not make, and must not empty.
                var folder = stat()
                guard lstat(path(kind) + "/" + group, &folder) == 0, folder.st_mode & S_IFMT == S_IFDIR else { continue }
                for name in namesInFolder(path(kind) + "/" + group) {
                    let path = path(kind) + "/" + group + "/" + name
                    var status = stat()
                    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
                    files.append(
                        File(
                            path: path, byteCount: Int(status.st_size), usedAt: status.st_mtim.tv_sec,
                            usedAtNanoseconds: status.st_mtim.tv_nsec, isStaged: name.contains(".")))
                }
            }
        }
        return files
    }

    // MARK: Entries

    package enum Kind: String, CaseIterable {
        case object = "objects"
        case plugin = "plugins"
        /// Plugins all of whose kernels were found to be sound before they were stored.
        case verified
    }

    /// Digits of a key that name the folder of its entry.
    private static let groupLength = 2

    private func path(_ kind: Kind) -> String { "\(folder)/\(kind.rawValue)" }

    package func path(_ kind: Kind, _ key: String) -> String {
        "\(path(kind))/\(key.prefix(Self.groupLength))/\(key.dropFirst(Self.groupLength))"
    }

    package func load(_ kind: Kind, _ key: String, logger: Logger) -> [UInt8]? {
        let path = path(kind, key)
        do {
            let bytes = try readFile(path, ofUser: geteuid())
            let payload = Array(bytes.dropLast(SHA256.byteCount))
            guard Self.digest(key, payload).elementsEqual(bytes.suffix(SHA256.byteCount)) else {
                logger.warning("\("The cache entry \(path) is damaged; compiling again." as Sentence)")
                return nil
            }
            markUsed(path)
            return payload
        } catch {
            // There is no such entry. Whether one can be written is found out after the build, and said once for all of them.
            if case .fileSystem(_, _, let number) = error, [ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP, EACCES].contains(number) { return nil }
            logger.warning("\("\(error) Compiling again." as Sentence)")
            return nil
        }
    }

    package func store(_ kind: Kind, _ key: String, _ payload: [UInt8]) throws(KernelBuildError) {
        let path = path(kind, key)
        try makeFolders(parentFolder(path))
        try replaceFile(path, with: payload + Self.digest(key, payload), durably: true)
    }

    /// The path of a verified plugin, for the loader; nil where there is none.
    /// - Parameter key: as `PluginBuilder.key(of:target:)`.
    package func verifiedPlugin(_ key: String) -> String? {
        let path = path(.verified, key)
        if access(path, F_OK) != 0 { return nil }
        markUsed(path)
        return path
    }

    /// Stores a plugin that is verified already.
    /// - Returns: its path, as `verifiedPlugin` gives it from now on.
    package func storeVerified(_ plugin: BuiltPlugin, _ key: String) throws(KernelBuildError) -> String {
        let path = path(.verified, key)
        try makeFolders(parentFolder(path))
        try replaceFile(path, with: plugin.bytes, durably: true)
        return path
    }

    /// Those used longest ago are evicted first.
    private func markUsed(_ path: String) { utimensat(AT_FDCWD, path, nil, 0) }

    package func remove(_ kind: Kind, _ key: String) { unlink(path(kind, key)) }

    private static func digest(_ key: String, _ payload: [UInt8]) -> [UInt8] {
        SHA256.digest(of: Array(key.utf8) + payload)
    }
}
