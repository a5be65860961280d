import Foundation

/// The files of the package, as paths from its root. Tests run with the root as working directory.
enum PackageFiles {
    /// Folders and files that people read.
    static let roots = [
        "Sources", "Plugins", "Templates", "Tests", "Tools", "Documentation", "Examples", "Generated", "README.md", "CONTRIBUTING.md",
        "CHANGELOG.md", "SECURITY.md", "Package.swift", "Containerfile",
    ]

    private static let binaryExtensions: Set<String> = ["npy", "npz", "h5", "keras", "png", "pyc"]

    /// Every text file under `roots`, sorted.
    static func texts() throws -> [String] {
        try roots.flatMap { try files(under: $0) }.filter { !binaryExtensions.contains(($0 as NSString).pathExtension) }
    }

    /// The pages that readers of the repository find.
    static func pages() throws -> [String] {
        try ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"] + files(under: "Documentation").filter { $0.hasSuffix(".md") }
    }

    /// Every file under a folder, or the file itself; sorted, hidden ones left out.
    static func files(under root: String) throws -> [String] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: root, isDirectory: &isFolder) else { throw CocoaError(.fileNoSuchFile) }
        guard isFolder.boolValue else { return [root] }
        return try FileManager.default.subpathsOfDirectory(atPath: root).filter { path in
            var isFolder: ObjCBool = false
            let exists = FileManager.default.fileExists(atPath: "\(root)/\(path)", isDirectory: &isFolder)
            return exists && !isFolder.boolValue && !path.split(separator: "/").contains { $0.hasPrefix(".") }
        }.sorted().map { "\(root)/\($0)" }
    }

    /// Names of the folders in a folder, sorted.
    static func folders(in root: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root).filter { exists("\(root)/\($0)/.") }.sorted()
    }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// - Throws: when the file is no UTF-8.
    static func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    static func lines(_ path: String) throws -> [String] {
        try text(path).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}
