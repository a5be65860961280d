import Foundation
import PackagePlugin

/// `swift package pregenerate`: makes the plugins that the build would make (`Documentation/build-step.md`) in a folder, for `KernelRegistry.load(folder:)`.
@main
struct PregenerateFolder: CommandPlugin {
    func performCommand(context: PluginContext, arguments: [String]) throws {
        var rest = ArgumentExtractor(arguments)
        let names = rest.extractOption(named: "target")
        let folders = rest.extractOption(named: "output")
        guard folders.count <= 1, rest.remainingArguments.isEmpty else { throw Refusal.arguments(arguments) }
        let output = folders.first.map { URL(filePath: $0) } ?? context.pluginWorkDirectoryURL
        let tool = try Tool(context)
        for target in try Self.targets(of: context.package, names: names) {
            let folder = output.appending(path: target.name)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Self.run(tool, ["pregenerate", target.directoryURL.path, "--output", folder.path] + tool.arguments, for: target.name)
            print("\(target.name): \(folder.path)")
        }
    }

    /// The targets to make kernels for: those that are named, or else all with a `voxelsmith.json`.
    private static func targets(of package: Package, names: [String]) throws -> [SourceModuleTarget] {
        let all = package.targets.compactMap { $0 as? SourceModuleTarget }
        func hasConfig(_ target: SourceModuleTarget) -> Bool {
            FileManager.default.fileExists(atPath: target.directoryURL.appending(path: "voxelsmith.json").path)
        }
        if names.isEmpty {
            let found = all.filter(hasConfig)
            guard !found.isEmpty else { throw Refusal.noTarget(package: package.displayName) }
            return found
        }
        return try names.map { name in
            guard let target = all.first(where: { $0.name == name }), hasConfig(target) else { throw Refusal.noConfig(target: name) }
            return target
        }
    }

    private static func run(_ tool: Tool, _ arguments: [String], for target: String) throws {
        let process = Process()
        process.executableURL = tool.path
        process.arguments = arguments
        try process.run()
        process.waitUntilExit()
        guard process.terminationReason == .exit, process.terminationStatus == 0 else { throw Refusal.failed(target: target) }
    }

    private enum Refusal: Error, CustomStringConvertible {
        case arguments([String])
        case noTarget(package: String)
        case noConfig(target: String)
        case failed(target: String)

        var description: String {
            switch self {
            case .arguments(let arguments): "Received \(arguments); expected [--output DIR] [--target NAME ...]."
            case .noTarget(let package):
                "No target of the package \(package) has a file voxelsmith.json beside its sources; expected one, such as {\"layers\": [\"model.keras\"]}."
            case .noConfig(let target): "The package has no target \(target) with a file voxelsmith.json beside its sources; expected one that has."
            case .failed(let target): "No kernels were made for the target \(target), as was said above."
            }
        }
    }
}
