import Foundation
import PackagePlugin

/// Has the kernels of a target made by its build, as its `voxelsmith.json` says (`Documentation/build-step.md`).
///
/// Only commands are declared here. `voxelsmith pregenerate` reads the file and says what is wrong with it.
@main
struct PregenerateKernels: BuildToolPlugin {
    /// A plugin file is declared for each of these, since `voxelsmith.json` may ask for others without SwiftPM planning the build anew. The
    /// files that nobody asks for are empty.
    private static let targets = ["x86-64-v4", "x86-64-v3", "x86-64-v2", "aarch64-neon"]

    func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
        guard let target = target as? SwiftSourceModuleTarget else { throw Refusal.noSwift(target: target.name) }
        let config = target.directoryURL.appending(path: "voxelsmith.json")
        guard FileManager.default.fileExists(atPath: config.path) else { throw Refusal.noConfig(target: target.name, path: config.path) }
        let layers = Self.layers(of: target.directoryURL, config: config)
        let output = context.pluginWorkDirectoryURL
        let tool = try Tool(context)
        let names = Self.targets.map { "kernels-\($0).so" } + ["Pregenerated.swift"]
        return [
            .buildCommand(
                displayName: "Pregenerating kernels for \(target.name)", executable: tool.path,
                arguments: [
                    "pregenerate", target.directoryURL.path, "--output", output.path, "--bundle", "\(context.package.displayName)_\(target.name)",
                ] + tool.arguments + ["--planned"] + layers,
                inputFiles: [config] + layers.map { target.directoryURL.appending(path: $0) },
                outputFiles: names.map { output.appending(path: $0) })
        ]
    }

    /// The files whose changes start a new build, as paths from the folder: every file in it whose name says that it may hold layers, since
    /// `voxelsmith.json` may name it later; and the files elsewhere that `voxelsmith.json` names, where they exist.
    private static func layers(of folder: URL, config: URL) -> [String] {
        let inside = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
        var layers = Set(
            inside.filter { path in
                ["json", "keras", "h5", "hdf5"].contains((path as NSString).pathExtension) && path != config.lastPathComponent
                    && !path.split(separator: "/").contains { $0.hasPrefix(".") }
            })
        struct Named: Decodable {
            let layers: [String]
            let tunings: String?
        }
        let named = try? JSONDecoder().decode(Named.self, from: Data(contentsOf: config))
        for path in (named?.layers ?? []) + [named?.tunings].compactMap({ $0 }) where FileManager.default.fileExists(atPath: folder.appending(path: path).path) { layers.insert(path) }
        return layers.sorted()
    }

    private enum Refusal: Error, CustomStringConvertible {
        case noSwift(target: String)
        case noConfig(target: String, path: String)

        var description: String {
            switch self {
            case .noSwift(let target): "The target \(target) lists PregenerateKernels and is not a Swift target; expected one, as the plugin adds a Swift file."
            case .noConfig(let target, let path):
                "The target \(target) lists PregenerateKernels and has no file \(path); expected one, such as {\"layers\": [\"model.keras\"]}."
            }
        }
    }
}
