import Glibc
import VoxLayerSpec

/// A finished plugin, checked, in memory.
public struct BuiltPlugin: Sendable {
    /// The whole file, digest included.
    public let bytes: [UInt8]
    /// What the kernels were compiled for.
    public let targets: PluginTargets
    /// What its machine code looks like.
    public let inspection: ObjectInspection
    /// Translation units clang was called for; the others came from the cache.
    public let compiledUnits: Int
    /// Whether the plugin as a whole came from the cache.
    public let isFromCache: Bool
    /// From the call of `build` to its end.
    public let seconds: Double

    /// Writes the file in one step: staged beside `path`, flushed, mode 0644 whatever the umask, renamed.
    ///
    /// - Throws: `KernelBuildError.fileSystem`, also when what stands there is no regular file; nothing is left behind then.
    public func write(to path: String) throws(KernelBuildError) {
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            throw .fileSystem(operation: "replace what is no regular file,", path: path, errorNumber: EEXIST)
        }
        try replaceFile(path, with: bytes, durably: true)
    }
}
