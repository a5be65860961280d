import Testing

@Suite struct ImportGraphTests {
    private let manifest: Manifest
    private let table: [String: Set<String>]

    init() throws {
        manifest = Manifest(try PackageFiles.text("Package.swift"))
        table = ModuleTable.read(try PackageFiles.text("Documentation/architecture.md"))
    }

    /// Modules outside `Sources`.
    private static let foldersElsewhere = [
        "KernelTemplates": "Templates", "RuntimeClient": "Examples/runtime-client", "OnDemand": "Examples/on-demand",
    ]

    private func folder(of target: String) -> String {
        if let folder = Self.foldersElsewhere[target] { return folder }
        return manifest.testTargets.contains(target) || target.hasPrefix("_") ? "Tests/\(target)" : "Sources/\(target)"
    }

    /// By Swift file, what it imports.
    private func imports(of target: String) throws -> [String: Set<String>] {
        var imports: [String: Set<String>] = [:]
        for path in try PackageFiles.files(under: folder(of: target)) where path.hasSuffix(".swift") {
            imports[path] = Imports.modules(in: try PackageFiles.lines(path))
        }
        return imports
    }

    /// Targets that are shipped, not tests or what serves tests.
    private var modules: [String] {
        manifest.dependencies.keys.filter { !manifest.testTargets.contains($0) && !$0.hasPrefix("_") }.sorted()
    }

    @Test func everyFolderIsATargetAndEveryTargetAFolder() throws {
        #expect(modules.filter { Self.foldersElsewhere[$0] == nil } == (try PackageFiles.folders(in: "Sources")))
        let tests = manifest.dependencies.keys.filter { !modules.contains($0) }.sorted()
        #expect(tests == (try PackageFiles.folders(in: "Tests")))
    }

    @Test func manifestEqualsTheModuleTable() {
        #expect(modules == table.keys.sorted())
        for module in modules {
            let (declared, allowed) = (manifest.dependencies[module] ?? [], table[module] ?? [])
            let different = declared.symmetricDifference(allowed).sorted()
            #expect(different == [], "\(module): Package.swift and Documentation/architecture.md differ")
        }
    }

    @Test func everyImportIsDeclared() throws {
        var count = 0
        for (target, dependencies) in manifest.dependencies {
            let imports = try imports(of: target)
            count += imports.values.reduce(0) { $0 + $1.count }
            let undeclared = Imports.undeclared(imports, dependencies: dependencies)
            #expect(undeclared == [])
        }
        #expect(count > 100)
    }

    /// Every C module has one owner, which turns it into Swift.
    @Test func cModulesAreImportedByOneModule() throws {
        let cModules = try PackageFiles.folders(in: "Sources").filter { PackageFiles.exists("Sources/\($0)/include") }
        #expect(cModules == ["CHDF5", "CHost", "CHostCPU", "CHostFiles", "CInterpreter", "CKernelABI", "CLLVM", "CLoops", "CPNG", "CSHA256", "CZip"])
        for cModule in cModules {
            let importers = try modules.filter { module in try imports(of: module).values.contains { $0.contains(cModule) } }
            #expect(importers.count == 1, "\(cModule) is imported by \(importers)")
            #expect(modules.filter { manifest.dependencies[$0]?.contains(cModule) == true } == importers)
        }
    }

    /// An application that ships ready plugins links no generator, no compiler, no file formats.
    @Test func theRunHalfReachesNeitherTheBuildHalfNorFiles() {
        let runHalf: Set = ["KernelRuntime", "PluginLoading", "Interpreter", "Kernels", "KerasConfig", "KerasObjects", "LayerSpec", "Tensors", "Hashing"]
        let reached = manifest.closure(of: "Voxelsmith")
        #expect(reached.isSuperset(of: runHalf))
        let forbidden: Set = [
            "Scheduling", "KernelTemplates", "KernelEmission", "KernelBuild", "Subprocess", "CLLVM", "TensorIO", "CHDF5",
            "CZip", "CPNG", "VoxelsmithModelIO", "Verification", "Tuning", "Forge", "ArgumentParser",
        ]
        for module in runHalf.union(["Voxelsmith", "RuntimeClient"]) {
            #expect(manifest.closure(of: module).intersection(forbidden) == [], "\(module)")
        }
        // The other way round the build half runs nothing.
        #expect(manifest.closure(of: "KernelBuild").intersection(
            ["KernelRuntime", "PluginLoading", "Interpreter", "Kernels", "Voxelsmith", "TensorIO", "Tensors"]) == [])
    }

    /// Loading Foundation costs every process some milliseconds; these modules are in all of them.
    @Test func coreModulesAvoidFoundation() throws {
        for module in [
            "LayerSpec", "Tensors", "Hashing", "Scheduling", "KernelEmission", "Kernels", "PluginLoading", "Interpreter", "KernelRuntime", "KernelTemplates",
            "Verification", "VoxelsmithVerify",
        ] {
            for (path, modules) in try imports(of: module) {
                #expect(modules.isDisjoint(with: ["Foundation", "FoundationEssentials"]), "\(path)")
            }
        }
    }

    /// The manifest, the table and the imports have the names of modules, by one rule.
    @Test func moduleNamesHaveThePrefix() throws {
        for (room, name) in [("Tensors", "VoxTensors"), ("CHDF5", "CVoxHDF5"), ("Voxelsmith", "Voxelsmith"), ("VoxelsmithCLI", "VoxelsmithCLI")] {
            #expect(ModuleName.name(ofRoom: room) == name && ModuleName.room(ofModule: name) == room)
        }
        let page = try PackageFiles.text("Documentation/architecture.md")
        for room in modules {
            #expect(page.contains("\n| `\(ModuleName.name(ofRoom: room))` | "), "\(room)")
            #expect(ModuleName.room(ofModule: ModuleName.name(ofRoom: room)) == room)
        }
    }

    @Test func readersSeeWhatIsThere() {
        let manifest = Manifest(
            """
            let crypto: Target.Dependency = .product(name: "Crypto", package: "c")
            func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
                .testTarget(name: name, dependencies: ["S"] + dependencies)
            }
            let package = Package(
                targets: [
                    module("A"),  // module("Hidden"),
                    module("B", ["A", crypto]),
                    .target(name: "T", path: "x", resources: [.embedInCode("file")]),
                    .executableTarget(
                        name: "X", dependencies: [
                            "B", "T",
                        ]),
                    tests("ATests", ["A"], resources: [.copy("Fixtures")]),
                ]
            )
            """)
        #expect(
            manifest.dependencies == ["A": [], "B": ["A", "Crypto"], "T": [], "X": ["B", "T"], "ATests": ["A", "S"]])
        #expect(manifest.testTargets == ["ATests"])
        #expect(manifest.closure(of: "X") == ["A", "B", "T", "Crypto"])

        let table = ModuleTable.read("| module | what it holds | may import |\n|---|---|---|\n| `A` | a | - |\n| `B` | b | `A`, `C` |\n\n| x | y | z |\n")
        #expect(table == ["A": [], "B": ["A", "C"]])

        let modules = Imports.modules(in: [
            "import A", "  @testable public import B  // why", "@_exported import C", "import struct D.E", "// import F", "let import2 = 1",
            "let program = \"\"\"", "import sys", "\"\"\"",
        ])
        #expect(modules == ["A", "B", "C", "D"])
        #expect(Imports.undeclared(["f.swift": ["A", "Glibc", "Z"]], dependencies: ["A"]) == ["f.swift imports Z"])
    }
}
