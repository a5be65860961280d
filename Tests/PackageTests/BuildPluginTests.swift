import Testing
import VoxLayerSpec

/// The plugins cannot import the package's modules, so they repeat a few of their facts.
@Suite struct BuildPluginTests {
    @Test func thePluginDeclaresTheFilesThatTheToolMakes() throws {
        let plugin = try PackageFiles.text("Plugins/PregenerateKernels/PregenerateKernels.swift")
        let targets = Target.named.map { "\"\($0.name)\"" }.joined(separator: ", ")
        #expect(plugin.contains("targets = [\(targets)]"))
        let tool = try PackageFiles.text("Sources/Pregeneration/GeneratedSource.swift")
        for (declared, made) in [(#"kernels-\($0).so"#, #"kernels-\(target.name).so"#), ("Pregenerated.swift", "Pregenerated.swift")] {
            #expect(plugin.contains("\"\(declared)\"") && tool.contains("\"\(made)\""), "\(declared)")
        }
        #expect(plugin.contains("\"voxelsmith.json\""))
        #expect(try PackageFiles.text("Sources/Pregeneration/PregenerationPlan.swift").contains("fileName = \"voxelsmith.json\""))
        #expect(plugin.contains("\"pregenerate\""))
        #expect(try PackageFiles.text("Sources/VoxelsmithCLI/PregenerateCommand.swift").contains("commandName: \"pregenerate\""))
    }

    /// An installed tool is named by one variable, which the plugin and the manifest look at.
    @Test func anInstalledToolIsNamedByOneVariable() throws {
        let plugin = try PackageFiles.text("Plugins/PregenerateKernels/Tool.swift")
        #expect(try PackageFiles.text("Plugins/PregenerateFolder/Tool.swift") == plugin, "a link")
        let variable = try #require(plugin.firstMatch(of: /let variable = "(\w+)"/)?.1)
        #expect(try PackageFiles.text("Package.swift").contains("environment[\"\(variable)\"]"))
        #expect(try PackageFiles.text("Documentation/build-step.md").contains("\(variable)="))
        #expect(plugin.contains("\"--for-version\"") && plugin.contains("\"Sources/VoxelsmithCLI/Version.swift\""))
        #expect(try PackageFiles.text("Sources/VoxelsmithCLI/PregenerateCommand.swift").contains("\"for-version\""))
    }
}
