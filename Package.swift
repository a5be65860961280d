// swift-tools-version: 6.1
import PackageDescription

/// The name of a module, from that of its room, the folder in `Sources`. Names of modules are unique over a whole package graph, so those that do
/// not begin with Voxelsmith have a prefix. Everything below speaks of rooms. `Tests/PackageTests/ModuleGraph.swift` repeats the rule.
func moduleName(_ room: String) -> String {
    if room.hasPrefix("Voxelsmith") || room.hasPrefix("_") { return room }
    let isC = room.hasPrefix("C") && room.dropFirst().first?.isUppercase == true
    return isC ? "CVox" + room.dropFirst() : "Vox" + room
}

/// What a target depends on: a room, or a product of another package.
func named(_ dependency: Target.Dependency) -> Target.Dependency {
    if case .byNameItem(let room, let condition) = dependency { .byNameItem(name: moduleName(room), condition: condition) } else { dependency }
}

/// A module of this package, Swift or C. `Tests/PackageTests` compares this list with the module table of `Documentation/architecture.md` and
/// with every `import` line.
func module(_ room: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: moduleName(room), dependencies: dependencies.map(named), path: "Sources/\(room)")
}

/// - Parameter fixtures: whether the target has a folder of files that tests read where they lie (`Tests/_TestSupport/Fixture.swift`).
func tests(_ name: String, _ dependencies: [Target.Dependency], fixtures: Bool = false) -> Target {
    .testTarget(
        name: name, dependencies: ["_TestSupport", "LayerSpec", "Tensors"].map(named) + dependencies.map(named),
        exclude: fixtures ? ["Fixtures"] : [])
}

let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")

/// What the plugins run. One that is told of an installed tool has none compiled (`Documentation/build-step.md`).
let pluginDependencies: [Target.Dependency] =
    Context.environment["VOXELSMITH_TOOL"]?.isEmpty == false ? [] : ["VoxelsmithCLI", "VoxelsmithVerify"]

let package = Package(
    name: "voxelsmith",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Voxelsmith", targets: ["Voxelsmith"]),
        .library(name: "VoxelsmithModelIO", targets: ["VoxelsmithModelIO"]),
        .library(name: "VoxelsmithForge", targets: ["Forge", "KerasConfig", "Scheduling", "KernelEmission", "KernelBuild"].map(moduleName)),
        .executable(name: "voxelsmith", targets: ["VoxelsmithCLI"]),
        .executable(name: "voxelsmith-verify", targets: ["VoxelsmithVerify"]),
        .executable(name: "runtime-client", targets: ["RuntimeClient"].map(moduleName)),
        .executable(name: "on-demand", targets: ["OnDemand"].map(moduleName)),
        .plugin(name: "PregenerateKernels", targets: ["PregenerateKernels"]),
        .plugin(name: "PregenerateFolder", targets: ["PregenerateFolder"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        // What a layer is.
        module("LayerSpec"),
        module("KerasConfig", ["LayerSpec"]),
        module("Tensors", ["LayerSpec"]),
        module("CSHA256"),
        module("Hashing", ["CSHA256"]),

        // The build half: from a resolved layer to a plugin file.
        .target(
            name: moduleName("KernelTemplates"), path: "Templates",
            resources: [
                // Whole folders: a new template needs its entry in Templates.swift only.
                .embedInCode("families"), .embedInCode("units"), .embedInCode("shared"), .embedInCode("standalone"), .embedInCode("report"),
                .embedInCode("../Sources/CKernelABI/include/voxelsmith_kernel_abi.h"),
            ]),
        module("Scheduling", ["LayerSpec"]),
        module("KernelEmission", ["LayerSpec", "Scheduling", "KernelTemplates"]),
        module("CLLVM"),
        module("KernelBuild", ["LayerSpec", "Scheduling", "KernelEmission", "CLLVM", "Hashing", logging, subprocess]),

        // The run half: from a plugin file to a layer call.
        module("CHostCPU"),
        module("Kernels", ["LayerSpec", "CHostCPU"]),
        module("CKernelABI"),
        module("CHostFiles"),
        module("PluginLoading", ["LayerSpec", "Kernels", "CKernelABI", "CHostFiles", "Hashing"]),
        module("CInterpreter"),
        module("Interpreter", ["LayerSpec", "Tensors", "Kernels", "CInterpreter"]),
        module("CHost"),
        module("KernelRuntime", ["LayerSpec", "Tensors", "Kernels", "PluginLoading", "Interpreter", "CHost", logging]),
        module("KerasObjects", ["LayerSpec", "KerasConfig", "Tensors"]),
        module("Voxelsmith", ["LayerSpec", "KerasConfig", "KerasObjects", "Tensors", "KernelRuntime", logging]),

        // Files.
        module("CHDF5"),
        module("CZip"),
        module("TensorIO", ["LayerSpec", "Tensors", "CHDF5", "CZip"]),
        module("VoxelsmithModelIO", ["LayerSpec", "KerasConfig", "Tensors", "TensorIO", "Voxelsmith", logging]),

        // Measuring, checking, and the command line.
        module("Verification", ["LayerSpec", "Tensors", "Scheduling", "KernelRuntime"]),
        // Verifies one kernel in a process of its own; Forge starts it.
        .executableTarget(name: "VoxelsmithVerify", dependencies: ["LayerSpec", "KernelRuntime", "Verification"].map(named)),
        module(
            "Tuning",
            [
                "LayerSpec", "KerasConfig", "Tensors", "Scheduling", "KernelEmission", "KernelBuild", "KernelRuntime",
                "TensorIO", "Verification",
            ]),
        module(
            "Forge",
            [
                "LayerSpec", "KerasConfig", "Tensors", "Scheduling", "KernelEmission", "KernelBuild", "KernelRuntime", "TensorIO",
                "VoxelsmithModelIO", "Verification", "Tuning", logging,
            ]),
        module(
            "Inspection",
            ["LayerSpec", "Tensors", "Scheduling", "KernelEmission", "KernelBuild", "KernelRuntime", "Tuning"]),
        module("Pregeneration", ["LayerSpec", "KerasConfig"]),
        module("CPNG"),
        .executableTarget(
            name: "VoxelsmithCLI",
            dependencies: [
                "LayerSpec", "KerasConfig", "Tensors", "Scheduling", "KernelEmission", "KernelBuild", "KernelRuntime",
                "Voxelsmith", "TensorIO", "VoxelsmithModelIO", "Tuning", "Forge",
                "Inspection", "Pregeneration", "CPNG", arguments, logging,
            ].map(named)),
        // Makes kernels in the build of a package that depends on this one.
        .plugin(name: "PregenerateKernels", capability: .buildTool(), dependencies: pluginDependencies),
        // `swift package pregenerate`: the same into a folder.
        .plugin(
            name: "PregenerateFolder",
            capability: .command(intent: .custom(verb: "pregenerate", description: "Makes the kernels that voxelsmith.json of targets asks for, in a folder.")),
            dependencies: pluginDependencies),
        // An application with a ready plugin.
        .executableTarget(
            name: moduleName("RuntimeClient"), dependencies: ["Voxelsmith"],
            path: "Examples/runtime-client", exclude: ["README.md", "layer.json"]),
        // An application whose kernels are made while it runs.
        .executableTarget(
            name: moduleName("OnDemand"), dependencies: ["Voxelsmith", "Forge"].map(named),
            path: "Examples/on-demand", exclude: ["README.md"]),

        // Tests.
        .target(name: "_TestSupport", dependencies: ["LayerSpec", "Tensors", "Scheduling", "KernelRuntime", "Hashing"].map(named), path: "Tests/_TestSupport"),
        .target(name: "_CTestSupport", path: "Tests/_CTestSupport"),
        tests("PackageTests", []),
        tests("LayerSpecTests", []),
        tests("KerasConfigTests", ["KerasConfig"], fixtures: true),
        tests("TensorsTests", []),
        tests("HashingTests", ["Hashing"]),
        tests("SchedulingTests", ["Scheduling"]),
        tests(
            "EmissionTests",
            ["Scheduling", "KernelEmission", "KernelTemplates", "KernelBuild", "KerasConfig", "CKernelABI"]),
        tests("KernelBuildTests", ["KernelBuild", "KernelEmission", "Scheduling", "Hashing", logging]),
        tests("KernelRuntimeTests", ["KernelRuntime", "CKernelABI", "_CTestSupport", logging]),
        tests("TensorIOTests", ["TensorIO"], fixtures: true),
        tests(
            "LayerTests", ["Voxelsmith", "VoxelsmithModelIO", "TensorIO", "KernelRuntime", "KerasConfig", "_CTestSupport", logging],
            fixtures: true),
        tests(
            "DifferentialTests",
            [
                "Verification", "Tuning", "KernelBuild", "KernelEmission", "Scheduling", "KernelRuntime", "KerasConfig", "Voxelsmith", "TensorIO",
                "VoxelsmithModelIO", "Forge", "Hashing", logging,
            ]),
        tests(
            "MessageTests",
            [
                "Verification", "Tuning", "KernelBuild", "KernelEmission", "Scheduling", "KernelRuntime", "KerasConfig", "Voxelsmith", "TensorIO",
                "VoxelsmithModelIO", "Forge", "Inspection", "Pregeneration",
            ]),
        tests("ForgeTests", ["Forge", "KernelBuild", "KernelRuntime", "KerasConfig", "Scheduling", "Voxelsmith", logging]),
        tests("InspectionTests", ["Inspection", "Forge", "KernelBuild", "KernelEmission", "KernelRuntime", "Scheduling", logging]),
        tests("PregenerationTests", ["Pregeneration"]),
        tests("CommandLineTests", ["TensorIO", "KerasConfig", "Hashing"]),
    ],
    swiftLanguageModes: [.v6]
)
