import Foundation

/// A folder for the files of a test; removed with the last reference.
public final class TemporaryFolder: Sendable {
    private let url: URL

    public init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("voxelsmith-\(UUID().uuidString)")
        // Plugins in folders that others may write to are refused, whatever the umask.
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// The path of a file of this folder, whether it exists or not.
    public func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    /// Writes a file of this folder.
    /// - Returns: its path.
    public func write(_ bytes: [UInt8], as name: String) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path(name))
        return path(name)
    }
}
