import Foundation
import Testing
import VoxKernelRuntime
import VoxLayerSpec
import _TestSupport

/// Folders of plugins: what is loaded, what is left out and why, and where the folder of a build is found.
@Suite struct PluginFolderTests {
    private static let relu = Epilogue(hasBias: true, activation: .relu)

    /// Features of a target, as the C of a plugin names them. Hand-written plugins only claim to need them, so every machine runs them.
    private static func features(_ set: Target.InstructionSet) -> String {
        Target(set).requiredFeatures.map { "VS_CPU_\($0.rawValue.uppercased())" }.joined(separator: "|")
    }

    @discardableResult private static func plugin(
        _ name: String, _ set: Target.InstructionSet, policy: Policy = .fast, filters: Int = 2, in folder: TemporaryFolder
    ) throws -> String {
        let spec = try HandWrittenPlugin.pointwise(filters: filters, epilogue: relu, policy: policy)
        return try HandWrittenPlugin(spec: spec, name: name, features: features(set)).build(in: folder, as: name + ".so")
    }

    private static func registry(_ set: Target.InstructionSet = .x86_64_v4) -> KernelRegistry {
        KernelRegistry(features: Set(Target(set).requiredFeatures))
    }

    @Test func theWidestIsLoadedAndTheOthersAreReported() throws {
        let folder = try TemporaryFolder()
        try Self.plugin("a_narrow", .x86_64_v3, in: folder)
        try Self.plugin("b_wide", .x86_64_v4, in: folder)
        try Self.plugin("c_other", .x86_64_v3, filters: 5, in: folder)
        let registry = Self.registry()
        let reports = try registry.load(folder: folder.path("."))
        #expect(reports.map { ($0.path as NSString).lastPathComponent } == ["a_narrow.so", "b_wide.so", "c_other.so"])
        #expect(reports.map(\.loaded) == [[], ["b_wide"], ["c_other"]])
        #expect(reports.map(\.error) == [nil, nil, nil])
        #expect(reports[0].omitted.map(\.kernel) == ["a_narrow"])
        guard case .surpassed("b_wide", let path, _)? = reports[0].omitted.first?.reason else {
            Issue.record("\(reports[0])")
            return
        }
        #expect(path == reports[1].path)
        #expect(reports[0].description.contains("0 kernels loaded, 1 not") && reports[0].description.contains("a_narrow: Kernel b_wide of "))
        #expect(registry.kernelCount == 2)
        #expect(try registry.lookup(HandWrittenPlugin.pointwise(epilogue: Self.relu, policy: .fast)).kernel.name == "b_wide")
    }

    /// By itself a lookup takes a fast kernel before a direct one, whatever their registers.
    @Test func aWideDirectKernelSurpassesANarrowFastOne() throws {
        let folder = try TemporaryFolder()
        try Self.plugin("narrow_fast", .x86_64_v3, policy: .fast, in: folder)
        try Self.plugin("wide_direct", .x86_64_v4, policy: .direct, in: folder)
        let registry = Self.registry()
        #expect(try registry.load(folder: folder.path(".")).map(\.loaded) == [[], ["wide_direct"]])
        #expect(try registry.lookup(HandWrittenPlugin.pointwise(epilogue: Self.relu, policy: .fast)).kernel.name == "wide_direct")
    }

    /// A layer of policy `direct` would be left to the interpreter without it.
    @Test func aNarrowDirectKernelStaysBesideAWideFastOne() throws {
        let folder = try TemporaryFolder()
        try Self.plugin("narrow_direct", .x86_64_v3, policy: .direct, in: folder)
        try Self.plugin("wide_fast", .x86_64_v4, policy: .fast, in: folder)
        let registry = Self.registry()
        #expect(try registry.load(folder: folder.path(".")).map(\.loaded) == [["narrow_direct"], ["wide_fast"]])
        for (policy, name) in [(Policy.fast, "wide_fast"), (.direct, "narrow_direct")] {
            #expect(try registry.lookup(HandWrittenPlugin.pointwise(epilogue: Self.relu, policy: policy)).kernel.name == name)
        }
    }

    @Test func filesForOtherMachinesAreReportedKernelByKernel() throws {
        let folder = try TemporaryFolder()
        let wide = try Self.plugin("wide", .x86_64_v4, in: folder)
        try Self.plugin("narrow", .x86_64_v3, in: folder)
        let registry = Self.registry(.x86_64_v3)
        let reports = try registry.load(folder: folder.path("."))
        #expect(reports.map(\.loaded) == [["narrow"], []])
        let missing: [Target.Feature] = [.avx512f, .avx512vl, .avx512bw, .avx512dq, .avx512cd]
        let path = reports[1].path
        #expect((path as NSString).standardizingPath == (wide as NSString).standardizingPath)
        guard case .missingFeatures(path, "wide", let features)? = reports[1].error else {
            Issue.record("\(reports[1])")
            return
        }
        #expect(Set(features) == Set(missing))
        #expect(reports[1].isForAnotherMachine && !reports[0].isForAnotherMachine)
        #expect(reports[1].omitted.map(\.kernel) == ["wide"])
        #expect(reports[1].omitted.map(\.reason) == [.unusable(try #require(reports[1].error))])
        #expect(registry.kernelCount == 1)
    }

    @Test func damagedAndUntrustedFilesCostTheirOwnKernelsOnly() throws {
        let folder = try TemporaryFolder()
        let good = try Self.plugin("good", .x86_64_v3, in: folder)
        var bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: good)))
        bytes[bytes.count / 2] ^= 1
        _ = try folder.write(bytes, as: "damaged.so")
        _ = try folder.write([], as: "empty.so")
        _ = try folder.write(Array("text".utf8), as: "notes.txt")
        try FileManager.default.createDirectory(atPath: folder.path("folder.so"), withIntermediateDirectories: false)
        try FileManager.default.copyItem(atPath: good, toPath: folder.path("writable.so"))
        try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: folder.path("writable.so"))
        let registry = Self.registry()
        let reports = try registry.load(folder: folder.path("."))
        #expect(reports.map { ($0.path as NSString).lastPathComponent } == ["damaged.so", "empty.so", "folder.so", "good.so", "writable.so"])
        #expect(reports.map(\.loaded) == [[], [], [], ["good"], []])
        #expect(reports.map { $0.error == nil } == [false, false, false, true, false])
        #expect(reports.allSatisfy { !$0.isForAnotherMachine && $0.omitted.isEmpty })
        #expect(reports[0].description.contains("0 kernels loaded\n  Plugin "), "\(reports[0])")
        #expect(registry.kernelCount == 1)
    }

    /// With its name mended, another file might be loaded.
    @Test func aFileWhoseNameIsNoTextIsReported() throws {
        let folder = try TemporaryFolder()
        let good = try Self.plugin("good", .x86_64_v3, in: folder)
        let name = Array(folder.path("bad").utf8) + [0xFF] + Array(".so".utf8) + [0]
        let made = name.map { CChar(bitPattern: $0) }.withUnsafeBufferPointer { name in name.baseAddress.map { link(good, $0) } }
        try #require(made == 0)
        let reports = try Self.registry().load(folder: folder.path("."))
        #expect(reports.map(\.loaded) == [[], ["good"]])
        guard case .cannotOpen(_, "its name is not UTF-8")? = reports[0].error else {
            Issue.record("\(reports[0])")
            return
        }
    }

    @Test func aFolderThatCannotBeListedIsAnError() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write([1], as: "file")
        for path in [folder.path("none"), file] {
            #expect(throws: PluginError.self, "\(path)") { try Self.registry().load(folder: path) }
            do { try Self.registry().load(folder: path) } catch { #expect("\(error)".hasPrefix("Cannot list the folder of plugins \(path): ")) }
        }
        #expect(try Self.registry().load(folder: folder.path(".")).isEmpty)
    }

    /// The folder the build made, when there is none beside the program; only the plugins of this build.
    @Test func pregeneratedKernelsAreFoundWhereTheyWereBuilt() throws {
        let folder = try TemporaryFolder()
        try Self.plugin("kernels", .x86_64_v3, in: folder)
        try Self.plugin("earlier", .x86_64_v3, filters: 5, in: folder)
        let registry = Self.registry()
        let reports = try registry.loadPregenerated(
            bundle: "Nothing_here.resources", plugins: ["kernels.so", "gone.so"], image: #dsohandle, buildFolder: folder.path("."))
        #expect(reports.map(\.loaded) == [["kernels"], []])
        guard case .cannotOpen? = reports[1].error else {
            Issue.record("\(reports[1])")
            return
        }
        #expect(registry.kernelCount == 1)
    }

    @Test func aMissingBundleIsASentence() throws {
        let folder = try TemporaryFolder()
        do {
            try Self.registry().loadPregenerated(
                bundle: "Nothing_here.resources", plugins: ["kernels.so"], image: #dsohandle, buildFolder: folder.path("gone"))
            Issue.record("it was found")
        } catch {
            guard case .bundleMissing("Nothing_here.resources", let places) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(places.count >= 2 && places.last == folder.path("gone"))
            #expect(places.dropLast().allSatisfy { $0.hasPrefix("/") && $0.hasSuffix("/Nothing_here.resources") })
            #expect(error.description.hasPrefix("Found the folder Nothing_here.resources with the plugins of this program at none of /"))
        }
    }
}
