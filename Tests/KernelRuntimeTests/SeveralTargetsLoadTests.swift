import Logging
import Synchronization
import Testing
import VoxKernelRuntime
import VoxLayerSpec
import _TestSupport

/// Plugins with kernels of one problem for several processors: which is loaded on each.
@Suite struct SeveralTargetsLoadTests {
    private static let sets: [Target.InstructionSet] = [.x86_64_v4, .x86_64_v3, .x86_64_v2]

    /// Kernels that are named for the targets whose features they claim to need, so that every machine runs them; the widest last.
    private static func plugin(in folder: TemporaryFolder) throws -> String {
        func features(_ set: Target.InstructionSet) -> String {
            set.machine.features.map { "VS_CPU_\($0.rawValue.uppercased())" }.joined(separator: "|")
        }
        var plugin = HandWrittenPlugin(spec: try HandWrittenPlugin.pointwise(), name: "x86-64-v3", features: features(.x86_64_v3))
        plugin.others = [("x86-64-v2", features(.x86_64_v2)), ("x86-64-v4", features(.x86_64_v4))]
        return try plugin.build(in: folder)
    }

    private static func present(_ set: Target.InstructionSet) -> Set<Target.Feature> { Set(set.machine.features) }

    @Test func theBestThatFitsIsLoaded() throws {
        let folder = try TemporaryFolder()
        let path = try Self.plugin(in: folder)
        for (place, set) in Self.sets.enumerated() {
            let image = try PluginImage(path: path, features: Self.present(set))
            #expect(try image.kernels().map(\.name) == [set.rawValue])
            // Lesser ones are surpassed, greater ones cannot be run; either way the problem has its kernel.
            #expect(Set(image.omitted.map(\.kernel)) == Set(Self.sets.map(\.rawValue)).subtracting([set.rawValue]))
            for omission in image.omitted {
                let other = try #require(Target.InstructionSet(rawValue: omission.kernel))
                // In the order of a descriptor's bits.
                let missing = Target.Feature.allCases.filter(other.machine.missing(from: Self.present(set)).contains)
                let expected: PluginReport.Reason = missing.isEmpty
                    ? .surpassed(by: set.rawValue, path: path, target: "by hand")
                    : .unusable(.missingFeatures(path: path, kernel: other.rawValue, features: missing))
                #expect(omission.reason == expected && omission.isReplaced, "\(omission)")
            }
            // A verifier looks at each kernel that can be run.
            #expect(image.file.descriptors.indices.count { (try? image.kernel(at: $0)) != nil } == Self.sets.count - place)

            let registry = KernelRegistry(features: Self.present(set))
            try registry.load(path: path)
            #expect(registry.kernelCount == 1)
            let choice = try registry.lookup(HandWrittenPlugin.pointwise(), mode: .specialized)
            #expect(choice.kernel.name == set.rawValue)
            let kernel = try #require(choice.kernel as? SpecializedKernel)
            let y = try run(kernel, x: [Float](repeating: 1, count: 72), w: [1, 2, 3, 4, 5, 6], bias: [0, 0], batch: 1)
            #expect(y[..<2] == [6, 15])
        }
    }

    @Test func aMachineThatFitsNoneHearsWhatTheLeastDemandingKernelNeeds() throws {
        let folder = try TemporaryFolder()
        let path = try Self.plugin(in: folder)
        for (present, missing) in [([], [.sse42, .popcnt]), ([.sse42, .avx, .avx2], [.popcnt])] as [(Set<Target.Feature>, [Target.Feature])] {
            let error = PluginError.missingFeatures(path: path, kernel: "x86-64-v2", features: missing)
            #expect(throws: error) { try PluginImage(path: path, features: present) }
            let registry = KernelRegistry(features: present)
            #expect(throws: error) { try registry.load(path: path) }
            #expect(registry.kernelCount == 0)
            #expect(
                error.description == """
                    Kernel x86-64-v2 of plugin \(path) needs \(missing.map(\.rawValue).joined(separator: ", ")), which this processor lacks.
                    """)
            let report = try #require(try registry.load(folder: folder.path(".")).first)
            #expect(report.isForAnotherMachine && report.loaded.isEmpty && report.omitted.count == 3)
            #expect(report.omitted.allSatisfy { !$0.isReplaced }, "\(report)")
        }
    }

    /// A folder's best kernel may stand in any of its files.
    @Test func filesForSeveralTargetsStandBesideOthers() throws {
        let folder = try TemporaryFolder()
        _ = try Self.plugin(in: folder)
        let spec = try HandWrittenPlugin.pointwise()
        _ = try HandWrittenPlugin(spec: spec, name: "plain", features: "VS_CPU_SSE42").build(in: folder, as: "a_plain.so")
        let other = try HandWrittenPlugin.pointwise(filters: 5)
        _ = try HandWrittenPlugin(spec: other, name: "foreign", features: "UINT64_C(1) << 60").build(in: folder, as: "b_foreign.so")
        let registry = KernelRegistry(features: Self.present(.x86_64_v3))
        let reports = try registry.load(folder: folder.path("."))
        #expect(reports.map(\.loaded) == [[], [], ["x86-64-v3"]])
        #expect(reports.map { $0.omitted.map(\.kernel) } == [["plain"], ["foreign"], ["x86-64-v2", "x86-64-v4"]])
        #expect(reports.map { $0.omitted.map(\.isReplaced) } == [[true], [false], [true, true]])
        #expect(registry.kernelCount == 1)
        #expect(try registry.lookup(spec).kernel.name == "x86-64-v3" && registry.lookup(other).kernel.name == "interpreter")
    }

    /// What is expected of a file for several machines is no news; a problem without a kernel is.
    @Test func onlyWhatIsMissingIsSaid() throws {
        final class Said: Sendable { let lines = Mutex<[String]>([]) }
        struct Handler: LogHandler {
            let said: Said
            var metadata: Logger.Metadata = [:]
            var logLevel = Logger.Level.notice
            subscript(metadataKey key: String) -> Logger.Metadata.Value? {
                get { metadata[key] }
                set { metadata[key] = newValue }
            }
            func log(event: LogEvent) { said.lines.withLock { $0.append("\(event.message)") } }
        }
        let folder = try TemporaryFolder()
        let said = Said()
        let logger = Logger(label: "test") { _ in Handler(said: said) }
        try KernelRegistry(features: Self.present(.x86_64_v3), logger: logger).load(path: Self.plugin(in: folder))
        #expect(said.lines.withLock { $0 } == [])

        var lacking = HandWrittenPlugin(spec: try HandWrittenPlugin.pointwise(), name: "usable")
        lacking.others = [("foreign", "UINT64_C(1) << 60")]
        lacking.othersKey = try HandWrittenPlugin.pointwise(filters: 5).key.text
        let path = try lacking.build(in: folder, as: "lacking.so")
        let image = try KernelRegistry(features: Self.present(.x86_64_v3), logger: logger).load(path: path)
        #expect(image.omitted.map(\.isReplaced) == [false])
        #expect(
            said.lines.withLock { $0 }
                == ["Passed over: Kernel foreign of plugin \(path) needs processor features 0x1000000000000000, which this version does not know."])
    }
}
