import Foundation
import Logging
import Synchronization
import Testing
import VoxForge
import VoxKerasConfig
import VoxKernelBuild
import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling
import _TestSupport

/// Decisions that were measured on one machine serve kernels that are built on another.
@Suite struct FleetTuningTests {
    private let folder: TemporaryFolder
    private let layers: [ResolvedLayer]
    private let target = HostCPU.nativeTarget
    private let estimate: Schedule
    private let other: Schedule

    init() throws {
        folder = try TemporaryFolder()
        let layer = #"{"class_name": "Conv3DTranspose", "config": {"name": "up", "filters": 12, "kernel_size": 2, "strides": 2}, "#
            + #""build_config": {"input_shape": [1, 3, 4, 5, 8]}}"#
        layers = try LayersFile(path: folder.write(Array(layer.utf8), as: "up.json")).resolved()
        estimate = try plan(layers[0].spec, target: target)
        let candidates = try ScheduleSpace(layers[0].spec, target: target).candidates
        let text = estimate.text
        other = try #require(candidates.first { $0.text != text })
    }

    /// A tunings file with one decision, for another schedule than the estimate.
    private func tunings(threads: Int = 8, templates: String = generatorDigest) throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        let decision = try JSONValue(parsing: encoder.encode(other.decision))
        let record: JSONValue = [
            "key": .string(layers[0].spec.key.text), "cpu": "a processor of the fleet", "cores": 64,
            "instruction_set": .string(target.instructionSet.rawValue), "threads": .integer(threads), "compiler": "clang version 1",
            "templates": .string(templates), "decision": decision, "estimate_ms": 2, "best_ms": 1, "tried": 2, "dropped": 0,
        ]
        return try folder.write(
            Array("{\"format\": \"voxelsmith-tunings\", \"version\": 1, \"records\": [\(record.text)]}".utf8), as: "fleet.json")
    }

    /// - Returns: the schedule that was built, and what was said of decisions that were not used.
    private func built(_ schedules: ScheduleSource) async throws -> (schedule: String, foreign: [String]) {
        let foreign = Mutex<[String]>([])
        let builder = PluginBuilder(compiler: try await Compiler.find(), cache: nil, logger: Logger(label: "test"))
        let build = PluginBuild(target: target, builder: builder, output: folder.path("p.so"), verifier: nil, schedules: schedules)
        let report = try await build.run(layers, of: "up.json") { event in
            if case .foreignDecisions(_, _, let why) = event { foreign.withLock { $0.append(why) } }
        }
        return (try #require(report.kernels.first).schedule, foreign.withLock { $0 })
    }

    @Test func decisionsOfOtherMachinesAreUsedWhereTheyAreAskedFor() async throws {
        let path = try tunings()
        for threads in [nil, 8] { #expect(try await built(.fleet(path: path, threads: threads)) == (other.text, [])) }
        #expect(try await built(.fleet(path: path, threads: 2)) == (estimate.text, ["for another number of threads"]))
        #expect(try await built(.tunings(path: path, threads: 8)) == (estimate.text, ["of another machine"]))
    }

    /// The parameters of a schedule may mean something else there.
    @Test func decisionsOfOtherTemplatesAreNotUsed() async throws {
        let path = try tunings(templates: String(generatorDigest.reversed()))
        #expect(try await built(.fleet(path: path, threads: nil)) == (estimate.text, ["of other templates"]))
    }
}
