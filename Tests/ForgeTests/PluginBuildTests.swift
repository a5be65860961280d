import Foundation
import Logging
import Synchronization
import Testing
import VoxForge
import VoxKernelBuild
import VoxKernelRuntime
import VoxLayerSpec
import _TestSupport

/// From a file with layers to a plugin, by what other packages see of `Forge`. What people read of it is looked at in `CommandLineTests`.
@Suite struct PluginBuildTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// What happened, in order.
    private final class Events: Sendable {
        private let list = Mutex<[ForgeEvent]>([])
        var all: [ForgeEvent] { list.withLock { $0 } }
        func add(_ event: ForgeEvent) { list.withLock { $0.append(event) } }
    }

    private func file(_ layers: [(name: String, filters: Int, shape: String?)]) throws -> LayersFile {
        let texts = layers.map { layer in
            let shape = layer.shape.map { ", \"build_config\": {\"input_shape\": \($0)}" } ?? ""
            return """
                {"class_name": "Conv3DTranspose", "config": {"name": "\(layer.name)", "filters": \(layer.filters), "kernel_size": [2, 2, 2], \
                "strides": [2, 2, 2]}\(shape)}
                """
        }
        return LayersFile(path: try folder.write(Array("[\(texts.joined(separator: ", "))]".utf8), as: "layers.json"))
    }

    private func build(
        to name: String = "plugin.so", verifier: String? = nil, targets: PluginTargets = PluginTargets(HostCPU.nativeTarget),
        schedules: ScheduleSource = .estimate
    ) async throws -> PluginBuild {
        let builder = PluginBuilder(compiler: try await Compiler.find(), cache: nil, logger: Logger(label: "test"))
        return PluginBuild(targets: targets, builder: builder, output: folder.path(name), verifier: verifier, schedules: schedules)
    }

    @Test func fileBecomesAPlugin() async throws {
        let file = try file([("up", 3, "[1, 3, 4, 5, 8]"), ("same", 3, "[1, 3, 4, 5, 8]"), ("other", 5, "[1, 3, 4, 5, 8]")])
        let events = Events()
        let build = try await build()
        let report = try await build.run(file) { events.add($0) }
        #expect(report.kernels.map(\.layers) == [["up", "same"], ["other"]])
        #expect(report.interpreted.isEmpty && report.verification == nil && !report.isFromCache)
        let plugin = try PluginFile(path: build.output)
        #expect(plugin.digest == report.digest && plugin.byteCount == report.bytes)
        #expect(plugin.descriptors.map(\.key.text) == report.kernels.map(\.key))
        let scheduled = events.all.compactMap { if case .scheduled(let layer, _) = $0 { layer } else { nil } }
        #expect(scheduled == ["up", "same", "other"])
        let steps = events.all.compactMap { if case .compiling(_, let done, let steps) = $0 { (done, steps) } else { nil } }
        // Two kernels and what makes them a plugin.
        let last = try #require(steps.last)
        #expect(last.0 == last.1 && last.1 > 2, "\(steps)")
        #expect(steps.allSatisfy { $0.1 == last.1 } && steps.map(\.0) == steps.map(\.0).sorted(), "\(steps)")
    }

    /// Every layer has a kernel for each target; what concerns layers is said once.
    @Test func onePluginForSeveralTargets() async throws {
        let layers = try file([("up", 3, "[1, 3, 4, 5, 8]"), ("other", 5, "[1, 3, 4, 5, 8]")])
        let odd = try LayersFile(path: folder.write(
            Array(
                """
                {"class_name": "Conv3DTranspose", "config": {"name": "odd", "filters": 2, "kernel_size": [1, 1, 1], "strides": [1, 1, 70000]}, \
                "build_config": {"input_shape": [1, 3, 4, 5, 8]}}
                """.utf8), as: "odd.json"))
        let events = Events()
        let (v4, v3) = (Target(.x86_64_v4), Target(.x86_64_v3))
        let build = try await build(targets: PluginTargets([v3, v4]))
        let report = try await build.run(layers.resolved() + odd.resolved(), of: "layers") { events.add($0) }
        #expect(report.target == "x86-64-v4, x86-64-v3" && report.instructionSet == report.target)
        #expect(report.kernels.map(\.target) == [v4.name, v4.name, v3.name, v3.name])
        #expect(report.kernels.map(\.layers) == [["up"], ["other"], ["up"], ["other"]])
        #expect(report.interpreted.map(\.name) == ["odd"])
        #expect(events.all.count { if case .noKernel("odd", _) = $0 { true } else { false } } == 1)
        let scheduled = events.all.compactMap { if case .scheduled(let layer, let schedule) = $0 { layer + " " + schedule.target.name } else { nil } }
        #expect(scheduled == ["up x86-64-v4", "other x86-64-v4", "up x86-64-v3", "other x86-64-v3"])
        let plugin = try PluginFile(path: build.output)
        #expect(plugin.machine == .x86_64 && plugin.descriptors.map(\.name) == report.kernels.map(\.name))
        #expect(plugin.descriptors.map { Set($0.features) } == [v4, v4, v3, v3].map { Set($0.requiredFeatures) })
        #expect(Set(plugin.descriptors.map(\.name)).count == 4)
        // The kernels are those that plugins for one target have.
        for target in [v4, v3] {
            let single = try await self.build(to: target.name, targets: PluginTargets(target)).run(layers)
            #expect(single.kernels.map(\.name) == report.kernels.filter { $0.target == target.name }.map(\.name))
        }
    }

    /// Where one of the targets cannot be run here, nothing is measured for the others.
    @Test func whatCannotBeMeasuredIsSaidFirst() async throws {
        let foreign = Target.named.filter { !$0.machine.missing(from: HostCPU.features).isEmpty && $0.instructionSet.family == .x86_64 }
        guard let target = foreign.first else { try Test.cancel("this machine runs every target of its family") }
        let native = HostCPU.nativeTarget
        let targets = native.instructionSet.family == .x86_64 ? try PluginTargets([native, target]) : PluginTargets(target)
        let events = Events()
        let layers = try file([("up", 3, "[1, 3, 4, 5, 8]")])
        let build = try await build(targets: targets, schedules: .measuring(tunings: nil, threads: 1, timeLimit: 60))
        let error = await #expect(throws: (any Error).self) {
            try await build.run(layers) { events.add($0) }
        }
        #expect(error.map { "\($0)" }?.contains(target.name) == true, "\(String(describing: error))")
        #expect(!events.all.contains { if case .measuring = $0 { true } else { false } })
    }

    /// A verifier that finds nothing good leaves what was there before.
    @Test func unsoundPluginsAreNotPutInPlace() async throws {
        let file = try file([("up", 3, "[1, 3, 4, 5, 8]")])
        let events = Events()
        let build = try await build(verifier: "/bin/false")
        _ = try folder.write([1, 2, 3], as: "plugin.so")
        let name = try await self.build(to: "unverified.so").run(file).kernels.map(\.name)
        await #expect(throws: ForgeError.verificationFailed(kernels: name, path: build.output)) { try await build.run(file) { events.add($0) } }
        #expect(throws: PluginError.self) { try PluginFile(path: build.output) }
        let unsound = events.all.compactMap { if case .unsoundKernels(let verdicts) = $0 { verdicts.map(\.kernel) } else { nil } }
        #expect(unsound == [name])
    }

    @Test func errorsAreTyped() async throws {
        let (build, unverifiable) = (try await build(), try await self.build(verifier: folder.path("no/such/program")))
        await #expect(throws: ForgeError.noVerifier(path: folder.path("no/such/program"))) { try await unverifiable.run(file([("up", 3, "[1, 3, 4, 5, 8]")])) }
        let shapeless = try file([("known", 3, "[1, 3, 4, 5, 8]"), ("lost", 3, nil)])
        await #expect(throws: ForgeError.unknownShape(layer: "lost")) { try await build.run(shapeless) }
        let stated = LayersFile(path: shapeless.path, inputShapes: ["lost": [1, 4, 4, 4, 2]])
        #expect(try stated.resolved().map(\.name) == ["known", "lost"])
        await #expect(throws: ForgeError.nothingToGenerate(source: "no layers")) { try await build.run([], of: "no layers") }
        #expect(throws: PluginError.self) { try PluginFile(path: build.output) }
    }

    /// Layers need not come from a file: a layer and its input's shape will do, or the problem itself. The same problem is the same kernel.
    @Test func valuesBecomeAPlugin() async throws {
        let config = try LayerConfig(name: "up", filters: 3, kernelSize: [2, 2, 2], strides: [2, 2, 2])
        let layer = try ResolvedLayer(config, inputShape: [4, 3, 4, 5, 8])
        let spec = try config.spec(inputShape: [1, 3, 4, 5, 8])
        #expect(layer.batch == 4 && layer.config == config && layer.spec == spec)
        let problem = ResolvedLayer(try config.spec(inputShape: [1, 5, 4, 3, 8], policy: .direct), name: "a problem")
        let build = try await build()
        let report = try await build.run([layer, problem, ResolvedLayer(layer.spec, name: "the same")], of: "values")
        #expect(report.kernels.map(\.layers) == [["up", "the same"], ["a problem"]])
        let keys = try PluginFile(path: build.output).descriptors.map(\.key)
        #expect(try keys.map { try SpecKey(parsing: $0.text).text } == report.kernels.map(\.key))
        #expect(throws: SpecError.self) { try ResolvedLayer(config, inputShape: [1, 3, 4, 8]) }
    }

    /// Its compilers end, nothing enters the cache, and what was at its place is still there.
    @Test func aCancelledBuildEndsItsCompilers() async throws {
        let bench = try OnDemandBench()
        let mark = "\(Int.random(in: 100_000_000...999_999_999))"
        let compiler = try await Compiler.find(explicit: bench.compiler("exec sleep \(mark)"))
        let builder = PluginBuilder(compiler: compiler, cache: bench.cache, logger: Logger(label: "test"))
        let build = PluginBuild(
            targets: PluginTargets(HostCPU.nativeTarget), builder: builder, output: folder.path("plugin.so"), verifier: OnDemandBench.verifier)
        _ = try folder.write([1, 2, 3], as: "plugin.so")
        let layers = try (0..<3).map { ResolvedLayer(try OnDemandBench.spec($0), name: "\($0)") }
        let run = Task { try await build.run(layers, of: "values") }
        #expect(try await waits(for: "sleep \(mark)", toRun: true))
        run.cancel()
        await #expect(throws: CancellationError.self) { try await run.value }
        #expect(try await waits(for: "sleep \(mark)", toRun: false))
        #expect(FileManager.default.contents(atPath: build.output) == Data([1, 2, 3]))
        #expect(bench.cache.size().entries == 0)
    }
}
