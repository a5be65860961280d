// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "application",
    dependencies: [.package(name: "voxelsmith", path: "../..")],
    targets: [
        .executableTarget(
            name: "application", dependencies: [.product(name: "Voxelsmith", package: "voxelsmith")],
            plugins: [.plugin(name: "PregenerateKernels", package: "voxelsmith")])
    ],
    swiftLanguageModes: [.v6]
)
