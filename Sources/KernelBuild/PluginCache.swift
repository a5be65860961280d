import Crypto
import Glibc
import Logging

/// Objects and plugins compiled before, by the digest of everything that went into them.
///
/// Each entry ends with a digest of its key and its bytes. An entry that is unreadable, too short or not what its digest says
/// counts as absent, so the worst a damaged cache does is cost a compilation. Files are 0644, folders 0755.
public struct PluginCache: Hashable, Sendable {
    /// The folder with everything of the cache in it.
    public let folder: String

    /// A cache in a folder, which is made when the first entry is stored.
    public init(folder: String) {
        self.folder = folder
    }

    /// `voxelsmith` under XDG_CACHE_HOME, or under ~/.cache; nil for a user without a home.
    public static func standard() -> PluginCache? {
        if let base = environmentVariable("XDG_CACHE_HOME"), base.hasPrefix("/") {
            return PluginCache(folder: base + "/voxelsmith")
        }
        guard let home = environmentVariable("HOME"), home.hasPrefix("/") else { return nil }
        return PluginCache(folder: home + "/.cache/voxelsmith")
    }

    package enum Kind: String {
        case object = "objects"
        case plugin = "plugins"
    }

    package func path(_ kind: Kind, _ key: String) -> String {
        "\(folder)/\(kind.rawValue)/\(key.prefix(2))/\(key.dropFirst(2))"
    }

    func load(_ kind: Kind, _ key: String, logger: Logger) -> [UInt8]? {
        let path = path(kind, key)
        do {
            let bytes = try readFile(path)
            let payload = Array(bytes.dropLast(SHA256.byteCount))
            guard Self.digest(key, payload).elementsEqual(bytes.suffix(SHA256.byteCount)) else {
                logger.warning("The cache entry \(path) is damaged; compiling again.")
                return nil
            }
            return payload
        } catch {
            if case .fileSystem(_, _, ENOENT) = error { return nil }
            logger.warning("\(error) Compiling again.")
            return nil
        }
    }

    func store(_ kind: Kind, _ key: String, _ payload: [UInt8]) throws(KernelBuildError) {
        let path = path(kind, key)
        try makeFolders(parentFolder(path))
        try replaceFile(path, with: payload + Self.digest(key, payload), durably: false)
    }

    private static func digest(_ key: String, _ payload: [UInt8]) -> SHA256.Digest {
        SHA256.hash(data: Array(key.utf8) + payload)
    }
}
