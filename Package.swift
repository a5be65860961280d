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
        .library(name: "VoxelsmithGenerator", targets: ["KerasConfig", "KernelEmission", "KernelBuild"]),
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
                .embedInCode("families/FilterLanes/filter_lanes.c.mustache"),
                .embedInCode("families/FilterLanes/lane_channel_rest.c.mustache"),
                .embedInCode("families/FilterLanes/lane_channels.c.mustache"),
                .embedInCode("families/FilterLanes/lane_depth_taps.c.mustache"),
                .embedInCode("families/FilterLanes/lane_listed_rows.c.mustache"),
                .embedInCode("families/FilterLanes/lane_fetch.c.mustache"),
                .embedInCode("families/FilterLanes/lane_input_planes.c.mustache"),
                .embedInCode("families/FilterLanes/lane_item_order.c.mustache"),
                .embedInCode("families/FilterLanes/lane_operands.c.mustache"),
                .embedInCode("families/FilterLanes/lane_output_planes.c.mustache"),
                .embedInCode("families/FilterLanes/lane_pack.c.mustache"),
                .embedInCode("families/FilterLanes/lane_piece_row.c.mustache"),
                .embedInCode("families/FilterLanes/lane_rows.c.mustache"),
                .embedInCode("families/FilterLanes/lane_run.c.mustache"),
                .embedInCode("families/FilterLanes/lane_run_chunks.c.mustache"),
                .embedInCode("families/FilterLanes/lane_run_pieces.c.mustache"),
                .embedInCode("families/FilterLanes/lane_sizes.c.mustache"),
                .embedInCode("families/FilterLanes/lane_tables.c.mustache"),
                .embedInCode("families/FilterLanes/lane_tap.c.mustache"),
                .embedInCode("families/FilterLanes/lane_taps.c.mustache"),
                .embedInCode("families/FilterLanes/lane_tile.c.mustache"),
                .embedInCode("families/FilterLanes/lane_tile_row.c.mustache"),
                .embedInCode("families/FilterLanes/lane_vectors.c.mustache"),
                .embedInCode("families/FilterLanes/lane_weight_order.c.mustache"),
                .embedInCode("families/MinimalFiltering/minimal_filtering.c.mustache"),
                .embedInCode("families/MinimalFiltering/window_axes.c.mustache"),
                .embedInCode("families/MinimalFiltering/window_combination.c.mustache"),
                .embedInCode("families/MinimalFiltering/window_input_planes.c.mustache"),
                .embedInCode("families/MinimalFiltering/window_inverse.c.mustache"),
                .embedInCode("families/MinimalFiltering/window_output_planes.c.mustache"),
                .embedInCode("families/MinimalFiltering/window_pack.c.mustache"),
                .embedInCode("families/MinimalFiltering/window_phases.c.mustache"),
                .embedInCode("families/MinimalFiltering/window_products.c.mustache"),
                .embedInCode("families/MinimalFiltering/window_run.c.mustache"),
                .embedInCode("families/MinimalFiltering/window_sizes.c.mustache"),
                .embedInCode("families/MinimalFiltering/window_store_edge.c.mustache"),
                .embedInCode("families/MinimalFiltering/window_store_whole.c.mustache"),
                .embedInCode("families/MinimalFiltering/window_transform.c.mustache"),
                .embedInCode("families/MinimalFiltering/window_types.c.mustache"),
                .embedInCode("families/BatchRows/batch_rows.c.mustache"),
                .embedInCode("units/matrix_product.c.mustache"),
                .embedInCode("shared/plugin.c.mustache"),
                .embedInCode("shared/kernel_facts.c.mustache"),
                .embedInCode("shared/kernel_headers.c.mustache"),
                .embedInCode("shared/tensor_extents.c.mustache"),
                .embedInCode("shared/voxelsmith_vectors.h"),
                .embedInCode("shared/voxelsmith_layout.h"),
                .embedInCode("../Sources/CKernelABI/include/voxelsmith_kernel_abi.h"),
            ]),
        module("Scheduling", ["LayerSpec"]),
        module("KernelEmission", ["LayerSpec", "Scheduling", "KernelTemplates"]),
        .target(name: "CLLVM"),
        module("KernelBuild", ["LayerSpec", "Scheduling", "KernelEmission", "CLLVM", "Hashing", logging, subprocess]),

        // The run half: from a plugin file to a layer call.
        .target(name: "CKernelABI"),
        .target(name: "CHost"),
        .target(name: "CInterpreter"),
        module("KernelRuntime", ["LayerSpec", "Tensors", "CKernelABI", "CHost", "CInterpreter", "Hashing", logging]),
        module("Voxelsmith", ["LayerSpec", "KerasConfig", "Tensors", "KernelRuntime", logging]),

        // Files.
        .target(name: "CHDF5"),
        .target(name: "CZip"),
        module("TensorIO", ["LayerSpec", "Tensors", "CHDF5", "CZip"]),
        module("VoxelsmithModelIO", ["LayerSpec", "KerasConfig", "Tensors", "TensorIO", "Voxelsmith", logging]),

        // Measuring, checking, and the command line.
        module(
            "Tuning",
            [
                "LayerSpec", "KerasConfig", "Tensors", "Scheduling", "KernelEmission", "KernelBuild", "KernelRuntime",
                "TensorIO",
            ]),
        module("Pregeneration", ["LayerSpec", "KerasConfig"]),
        .target(name: "CPNG"),
        .executableTarget(
            name: "VoxelsmithCLI",
            dependencies: [
                "LayerSpec", "KerasConfig", "Tensors", "Scheduling", "KernelEmission", "KernelBuild", "KernelRuntime",
                "Voxelsmith", "TensorIO", "VoxelsmithModelIO", "Tuning", "Pregeneration", "CPNG", arguments, logging,
            ]),
        // Makes kernels in the build of a package that depends on this one.
        .plugin(name: "PregenerateKernels", capability: .buildTool(), dependencies: ["VoxelsmithCLI"]),
        // An application with a ready plugin.
        .executableTarget(name: "RuntimeClient", dependencies: ["Voxelsmith"], path: "Examples/runtime-client", exclude: ["README.md", "layer.json"]),

        // Tests.
        .target(name: "_TestSupport", dependencies: ["LayerSpec", "Tensors", "KernelRuntime", "Hashing"], path: "Tests/_TestSupport"),
        .target(name: "_CTestSupport", path: "Tests/_CTestSupport"),
        tests("PackageTests", []),
        tests("LayerSpecTests", []),
        tests("KerasConfigTests", ["KerasConfig"], fixtures: true),
        tests("TensorsTests", []),
        tests("HashingTests", ["Hashing"]),
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
                "Tuning", "KernelBuild", "KernelEmission", "Scheduling", "KernelRuntime", "KerasConfig", "Voxelsmith", "TensorIO",
                "VoxelsmithModelIO", "Hashing", logging,
            ]),
        tests(
            "MessageTests",
            [
                "Tuning", "KernelBuild", "KernelEmission", "Scheduling", "KernelRuntime", "KerasConfig", "Voxelsmith", "TensorIO",
                "VoxelsmithModelIO", "Pregeneration",
            ]),
        tests("PregenerationTests", ["Pregeneration"]),
        tests("CommandLineTests", ["TensorIO", "KerasConfig", "Hashing"]),
    ],
    swiftLanguageModes: [.v6]
)
