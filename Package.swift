// swift-tools-version: 6.1
import PackageDescription

/// A Swift module of this package. `Tests/PackageTests` compares this list with the module table of
/// `Documentation/architecture.md` and with every `import` line.
func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies)
}

/// - Parameter fixtures: whether the target has a folder of files that tests read where they lie (`Tests/_TestSupport/Fixture.swift`).
func tests(_ name: String, _ dependencies: [Target.Dependency], fixtures: Bool = false) -> Target {
    .testTarget(
        name: name, dependencies: ["_TestSupport", "LayerSpec", "Tensors"] + dependencies, exclude: fixtures ? ["Fixtures"] : [])
}

let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")

let package = Package(
    name: "voxelsmith",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Voxelsmith", targets: ["Voxelsmith"]),
        .library(name: "VoxelsmithModelIO", targets: ["VoxelsmithModelIO"]),
        .library(name: "VoxelsmithForge", targets: ["Forge", "KerasConfig", "Scheduling", "KernelEmission", "KernelBuild"]),
        .executable(name: "voxelsmith", targets: ["VoxelsmithCLI"]),
        .executable(name: "runtime-client", targets: ["RuntimeClient"]),
        .plugin(name: "PregenerateKernels", targets: ["PregenerateKernels"]),
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
        .target(name: "CSHA256"),
        module("Hashing", ["CSHA256"]),

        // The build half: from a resolved layer to a plugin file.
        .target(
            name: "KernelTemplates", path: "Templates",
            resources: [
                // Whole folders: a new template needs its entry in Templates.swift only.
                .embedInCode("families"), .embedInCode("units"), .embedInCode("shared"),
                .embedInCode("../Sources/CKernelABI/include/voxelsmith_kernel_abi.h"),
            ]),
        module("Scheduling", ["LayerSpec"]),
        module("KernelEmission", ["LayerSpec", "Scheduling", "KernelTemplates"]),
        .target(name: "CLLVM"),
        module("KernelBuild", ["LayerSpec", "Scheduling", "KernelEmission", "CLLVM", "Hashing", logging, subprocess]),

        // The run half: from a plugin file to a layer call.
        .target(name: "CHostCPU"),
        module("Kernels", ["LayerSpec", "CHostCPU"]),
        .target(name: "CKernelABI"),
        .target(name: "CHostFiles"),
        module("PluginLoading", ["LayerSpec", "Kernels", "CKernelABI", "CHostFiles", "Hashing"]),
        .target(name: "CInterpreter"),
        module("Interpreter", ["LayerSpec", "Tensors", "Kernels", "CInterpreter"]),
        .target(name: "CHost"),
        module("KernelRuntime", ["LayerSpec", "Tensors", "Kernels", "PluginLoading", "Interpreter", "CHost", logging]),
        module("Voxelsmith", ["LayerSpec", "KerasConfig", "Tensors", "KernelRuntime", logging]),

        // Files.
        .target(name: "CHDF5"),
        .target(name: "CZip"),
        module("TensorIO", ["LayerSpec", "Tensors", "CHDF5", "CZip"]),
        module("VoxelsmithModelIO", ["LayerSpec", "KerasConfig", "Tensors", "TensorIO", "Voxelsmith", logging]),

        // Measuring, checking, and the command line.
        module("Verification", ["LayerSpec", "KerasConfig", "Tensors", "Scheduling", "KernelBuild", "KernelRuntime", "TensorIO"]),
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
                "VoxelsmithModelIO", "Verification", "Tuning",
            ]),
        module("Pregeneration", ["LayerSpec", "KerasConfig"]),
        .target(name: "CPNG"),
        .executableTarget(
            name: "VoxelsmithCLI",
            dependencies: [
                "LayerSpec", "KerasConfig", "Tensors", "Scheduling", "KernelEmission", "KernelBuild", "KernelRuntime",
                "Voxelsmith", "TensorIO", "VoxelsmithModelIO", "Verification", "Tuning", "Forge",
                "Pregeneration", "CPNG", arguments, logging,
            ]),
        // Makes kernels in the build of a package that depends on this one.
        .plugin(name: "PregenerateKernels", capability: .buildTool(), dependencies: ["VoxelsmithCLI"]),
        // An application with a ready plugin.
        .executableTarget(name: "RuntimeClient", dependencies: ["Voxelsmith"], path: "Examples/runtime-client", exclude: ["README.md", "layer.json"]),

        // Tests.
        .target(name: "_TestSupport", dependencies: ["LayerSpec", "Tensors", "Scheduling", "KernelRuntime", "Hashing"], path: "Tests/_TestSupport"),
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
            "LayerTests", ["Voxelsmith", "VoxelsmithModelIO", "TensorIO", "KernelRuntime", "KerasConfig", logging],
            fixtures: true),
        tests(
            "DifferentialTests",
            [
                "Verification", "Tuning", "KernelBuild", "KernelEmission", "Scheduling", "KernelRuntime", "KerasConfig", "Voxelsmith", "TensorIO",
                "VoxelsmithModelIO", "Hashing", logging,
            ]),
        tests(
            "MessageTests",
            [
                "Verification", "Tuning", "KernelBuild", "KernelEmission", "Scheduling", "KernelRuntime", "KerasConfig", "Voxelsmith", "TensorIO",
                "VoxelsmithModelIO", "Forge", "Pregeneration",
            ]),
        tests("PregenerationTests", ["Pregeneration"]),
        tests("CommandLineTests", ["TensorIO", "KerasConfig", "Hashing"]),
    ],
    swiftLanguageModes: [.v6]
)
