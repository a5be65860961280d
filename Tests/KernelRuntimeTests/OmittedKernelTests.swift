import Foundation
import Testing
import VoxKernelRuntime
import VoxLayerSpec
import _TestSupport

/// Plugins with kernels that this processor cannot run beside others that it can.
@Suite struct OmittedKernelTests {
    #if arch(x86_64)
        private static let (foreign, missing) = ("VS_CPU_NEON", Target.Feature.neon)
    #else
        private static let (foreign, missing) = ("VS_CPU_AVX512F", Target.Feature.avx512f)
    #endif

    /// Three kernels: the first needs a feature of another machine, the last one that nobody knows.
    private static func build(in folder: TemporaryFolder) throws -> String {
        var plugin = HandWrittenPlugin(spec: try HandWrittenPlugin.pointwise(), name: "foreign", features: foreign)
        plugin.others = [("usable", "0"), ("unknown", "UINT64_C(1) << 60")]
        return try plugin.build(in: folder)
    }

    /// Holds the list of what was passed over against what is expected, in the order of the file.
    private static func expect(_ omitted: [PluginReport.Omission], of path: String) {
        #expect(omitted.map(\.kernel) == ["foreign", "unknown"])
        let reasons: [PluginReport.Reason] = [
            .unusable(.missingFeatures(path: path, kernel: "foreign", features: [missing])),
            .unusable(.unknownFeatures(path: path, kernel: "unknown", bits: 1 << 60)),
        ]
        #expect(omitted.map(\.reason) == reasons)
    }

    @Test func theOthersAreLoadedAndCompute() throws {
        let folder = try TemporaryFolder()
        let path = try Self.build(in: folder)
        let image = try PluginImage(path: path)
        #expect(image.file.descriptors.map(\.name) == ["foreign", "usable", "unknown"])
        Self.expect(image.omitted, of: path)
        let kernels = try image.kernels()
        #expect(kernels.map(\.name) == ["usable"])
        let y = try run(kernels[0], x: [Float](repeating: 1, count: 72), w: [1, 2, 3, 4, 5, 6], bias: [0, 0], batch: 1)
        #expect(y[..<2] == [6, 15])
        #expect(try image.kernel(at: 1).name == "usable")
        #expect(throws: PluginError.missingFeatures(path: path, kernel: "foreign", features: [Self.missing])) { try image.kernel(at: 0) }
    }

    /// A file that is refused is looked at again for the names of its kernels, with the same trust.
    @Test(.enabled(if: geteuid() == 0, "needs root")) func theyAreReportedBelowAFolderThatOnlyTheListTrusts() throws {
        let folder = try TemporaryFolder()
        let path = try HandWrittenPlugin(spec: HandWrittenPlugin.pointwise(), name: "foreign", features: Self.foreign).build(in: folder)
        let parent = URL(fileURLWithPath: path).resolvingSymlinksInPath().deletingLastPathComponent().path
        for entry in [path, parent] { chown(entry, 12345, 12345) }
        let report = try #require(try KernelRegistry(trustedFolders: [parent]).load(folder: parent).first)
        #expect(report.loaded.isEmpty && report.isForAnotherMachine)
        #expect(report.omitted.map(\.kernel) == ["foreign"])
        for entry in [path, parent] { chown(entry, 0, 0) }
    }

    @Test func theyAreReportedWithTheirReasons() throws {
        let folder = try TemporaryFolder()
        let path = try Self.build(in: folder)
        let registry = KernelRegistry()
        Self.expect(try registry.load(path: path).omitted, of: path)
        #expect(registry.kernelCount == 1)

        let report = try #require(try registry.load(folder: folder.path(".")).first)
        #expect(report.loaded == ["usable"])
        Self.expect(report.omitted, of: report.path)
        #expect(report.error == nil && !report.isForAnotherMachine)
        #expect(
            report.description.split(separator: "\n") == [
                "\(report.path): 1 kernel loaded, 2 not",
                "  foreign: Kernel foreign of plugin \(report.path) needs \(Self.missing.rawValue), which this processor lacks.",
                "  unknown: Kernel unknown of plugin \(report.path) needs processor features 0x1000000000000000, which this version does not know.",
            ])
        #expect(registry.kernelCount == 2)
        let choice = try registry.lookup(HandWrittenPlugin.pointwise(), mode: .specialized)
        #expect(choice.kernel.name == "usable")
    }
}
