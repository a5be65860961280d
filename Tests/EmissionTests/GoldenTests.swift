import Foundation
import Testing
import VoxKerasConfig
import VoxKernelBuild
import VoxKernelEmission
import VoxLayerSpec
import VoxScheduling
import _TestSupport

/// `Generated/` holds what the templates give for `Tools/suites/golden.json`.
@Suite struct GoldenTests {
    private static let remedy = "run `voxelsmith regenerate` and look at what changed"

    private func layers() throws -> [GoldenSuite.Layer] {
        try LayerSet(json: try Fixture.data(Fixture.suite("golden"))).layers.map { layer in
            let shape = try #require(layer.completeInputShape(batch: 1), "\(layer.config.name) has no input shape")
            return GoldenSuite.Layer(name: layer.config.name, spec: try layer.config.spec(inputShape: shape))
        }
    }

    private func present() throws -> [String: String] {
        let folder = "\(Fixture.root)/Generated"
        var files: [String: String] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: "\(folder)/\(name)", isDirectory: &isFolder), !isFolder.boolValue else { continue }
            files[name] = String(decoding: try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")), as: UTF8.self)
        }
        return files
    }

    @Test func generatedFilesAreUpToDate() throws {
        let layers = try layers()
        let (expected, present) = (try GoldenSuite.files(layers, templateDigest: templateDigest), try present())
        #expect(layers.count >= 23)
        #expect(expected.count > GoldenSuite.targets.count * (layers.count + 1), "a file for every layer and a table for each target, headers, a manifest")
        for name in expected.keys.sorted() {
            #expect(present.keys.contains(name), "Generated/\(name) is missing; \(Self.remedy)")
            // Compared here, so that a failure does not print both texts.
            let differs = present[name] != nil && present[name] != expected[name]
            #expect(!differs, "Generated/\(name) differs; \(Self.remedy)")
        }
        let orphans = present.keys.filter { expected[$0] == nil }.sorted()
        #expect(orphans.isEmpty, "Generated/ holds files that belong to nothing; \(Self.remedy)")
    }

    @Test func everyTargetIsThere() throws {
        let (files, layers) = (try present(), try layers())
        for target in GoldenSuite.targets {
            let table = try #require(files["\(target.name)/plugin.c"])
            let kernels = files.keys.filter { $0.hasPrefix("\(target.name)/vs_") }
            #expect(kernels.count == layers.count, "\(target.name)")
            for kernel in kernels {
                let symbol = kernel.dropFirst(target.name.count + 1).dropLast(2)
                #expect(table.contains("\(symbol)_run"), "\(kernel) is not in its table")
            }
        }
    }

    /// A change of a template shows in the checked-in C of every family, layout and operation.
    @Test func everyFamilyIsThereInBothLayouts() throws {
        for target in GoldenSuite.targets {
            let schedules = try layers().map { try plan($0.spec, target: target) }
            for op in [KernelOp.transposedConvolution, .convolution] {
                for family in kernelFamilies {
                    let own = schedules.filter { type(of: $0.decision.parameters).familyName == family.familyName && $0.spec.op == op }
                    #expect(Set(own.map(\.spec.layout)) == Set(Layout.allCases), "\(family.label) of \(op.rawValue) for \(target.name)")
                }
            }
            // Parts that add up, and a kernel that is one part.
            #expect(Set(schedules.filter { $0.spec.op == .convolution }.compactMap { $0.minimalFiltering?.addsUp }).count == 2, "\(target.name)")
        }
    }

    /// Layers may have any name; the manifest stays JSON.
    @Test func theManifestTakesAnyName() throws {
        let name = "a \"quoted\" \\ name,\n\t\u{1}\u{1f}\u{7f} ü 🙂 / end"
        let spec = try LayerConfig(
            name: name, filters: 3, kernelSize: [2, 2, 2], strides: [2, 2, 2], padding: .same(outputPadding: nil), activation: .linear, useBias: true
        ).spec(inputShape: [1, 2, 3, 4, 5])
        let files = try GoldenSuite.files([GoldenSuite.Layer(name: name, spec: spec)], templateDigest: templateDigest)
        struct Manifest: Decodable {
            struct Kernel: Decodable { let file, layer, template, key, schedule: String }
            let kernels: [Kernel]
        }
        let manifest = try JSONDecoder().decode(Manifest.self, from: Data(try #require(files[GoldenSuite.manifestFile]).utf8))
        #expect(manifest.kernels.count == GoldenSuite.targets.count && manifest.kernels.allSatisfy { $0.layer == name })
        #expect(manifest.kernels.allSatisfy { $0.key.hasPrefix("transposedConvolution;i2x3x4;") && files[$0.file] != nil })
    }
}
