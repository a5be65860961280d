import Foundation
import PackagePlugin

/// The program that makes the kernels, and what it is told because of where it comes from. Both plugins have this file: `Plugins/PregenerateFolder` has
/// a link to it, as plugins cannot import modules.
struct Tool {
    let path: URL
    let arguments: [String]

    /// The variable that names an installed `voxelsmith`. `Package.swift` looks at it too, as SwiftPM builds the tools that a plugin depends on.
    private static let variable = "VOXELSMITH_TOOL"

    /// An installed program has its verifier beside it, and looks whether it is of this package's version each time it runs, since it may be replaced
    /// between two builds.
    /// - Throws: `Refusal`, and what SwiftPM throws where it has no such tool.
    init(_ context: PluginContext) throws {
        guard let installed = ProcessInfo.processInfo.environment[Self.variable], !installed.isEmpty else {
            path = try context.tool(named: "VoxelsmithCLI").url
            arguments = ["--verifier", try context.tool(named: "VoxelsmithVerify").url.path]
            return
        }
        guard installed.hasPrefix("/"), FileManager.default.isExecutableFile(atPath: installed) else { throw Refusal.noTool(path: installed) }
        path = URL(filePath: installed)
        arguments = ["--for-version", try Self.version()]
    }

    /// The version of this package, from where it stands.
    private static func version() throws -> String {
        let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let file = package.appending(path: "Sources/VoxelsmithCLI/Version.swift")
        guard let match = try String(contentsOf: file, encoding: .utf8).firstMatch(of: #/static let number = "([^"]+)"/#) else {
            throw Refusal.noVersion(path: file.path)
        }
        return String(match.1)
    }

    private enum Refusal: Error, CustomStringConvertible {
        case noTool(path: String)
        case noVersion(path: String)

        var description: String {
            switch self {
            case .noTool(let path): "\(variable) is \"\(path)\"; expected the absolute path of an installed voxelsmith, or no such variable."
            case .noVersion(let path): "Found no version in \(path); expected a line with its number."
            }
        }
    }
}
