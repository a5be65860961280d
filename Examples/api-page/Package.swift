// swift-tools-version: 6.1
import PackageDescription

// A package of its own, as an application is: it sees the public products only.
let package = Package(
    name: "api-page",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "voxelsmith", path: "../..")],
    targets: [
        .executableTarget(
            name: "api-page",
            dependencies: [
                .product(name: "Voxelsmith", package: "voxelsmith"), .product(name: "VoxelsmithModelIO", package: "voxelsmith"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
