import VoxLayerSpec
import VoxScheduling

/// The generated C that is checked in under `Generated/`: a small suite of layers for two targets, and a manifest.
public enum GoldenSuite {
    /// Targets of the suite: a 32-register and a 16-register machine.
    public static let targets: [Target] = [Target(.x86_64_v4), Target(.x86_64_v3)]

    /// The file that lists the others.
    public static let manifestFile = "manifest.json"

    /// A layer of the suite.
    public struct Layer: Sendable {
        /// The name it has in the suite, and in the manifest.
        public let name: String
        /// Its resolved problem.
        public let spec: KernelSpec

        /// A layer for `files(_:templateDigest:)`.
        public init(name: String, spec: KernelSpec) {
            self.name = name
            self.spec = spec
        }
    }

    /// Every file of the suite, by its path below `Generated/`. Pure: depends on the layers and the templates only.
    /// - Throws: `SchedulingError` or `EmissionError`.
    public static func files(_ layers: [Layer], templateDigest: (String) -> String) throws -> [String: String] {
        var files: [String: String] = [:]
        var entries: [String] = []
        for target in targets {
            var units: [KernelUnit] = []
            for layer in layers {
                let unit = try KernelUnit(try plan(layer.spec, target: target))
                units.append(unit)
                entries.append(
                    """
                        {
                          "file": \(jsonString("\(target.name)/\(unit.source.fileName)")),
                          "layer": \(jsonString(layer.name)),
                          "template": \(jsonString(unit.templateFile)),
                          "key": \(jsonString(unit.schedule.spec.key.text)),
                          "schedule": \(jsonString(unit.schedule.text))
                        }
                    """)
            }
            let plugin = try PluginSource(units, templateDigest: templateDigest)
            for file in plugin.kernels + [plugin.table] { files["\(target.name)/\(file.fileName)"] = file.text }
        }
        for header in PluginSource.headers { files[header.fileName] = header.text }
        files[manifestFile] = """
            {
              "note": "Written by `voxelsmith regenerate`; do not edit.",
              "kernels": [
            \(entries.joined(separator: ",\n"))
              ]
            }

            """
        return files
    }
}
