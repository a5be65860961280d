import Testing
import VoxHashing
import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling
import VoxTensors
import _TestSupport

/// The rules for plugins hold for what the generator makes, for every target, and nothing damaged passes for it.
@Suite struct EmittedPluginTrustTests {
    @Test func emittedPluginsAreTrustedAndTheirDamageIsNoticed() async throws {
        let plugins = try TemporaryPlugins()
        for target in Target.named {
            var specs = RandomSpecs(seed: 900)
            let schedules = (0..<3).compactMap { _ in try? plan(specs.next(), target: target, decision: nil) }
            let bytes = try await plugins.build(schedules, target: target).bytes
            #expect(try PluginFile(bytes: bytes, path: "p").descriptors.count == schedules.count, "\(target.name)")

            var random = SeededRandom(seed: 901)
            for round in 0..<1000 {
                var damaged = bytes
                let place = random.integer(0...bytes.count - 1)
                damaged[place] ^= 1 << UInt8(round % 8)
                #expect(throws: PluginError.self, "\(target.name), bit \(round % 8) of byte \(place)") {
                    try PluginFile(bytes: damaged, path: "p")
                }
            }
            // Under a true digest the parser sees the damage; whatever it makes of it, it ends.
            let contents = Array(bytes.dropLast(32))
            let result = Fuzzing("plugin-\(target.name)", count: 1000).run([contents]) { index, damaged in
                do throws(PluginError) {
                    return try PluginFile(bytes: damaged + SHA256.digest(of: damaged), path: "p").descriptors.isEmpty ? "empty" : "read"
                } catch {
                    #expect(error.description.hasSuffix("."), "case \(index): \(error)")
                    return Mirror(reflecting: error).children.first?.label ?? "error"
                }
            }
            #expect(result["empty"] == 0 && result["read"] > 0, "\(result.counts)")
            #expect(result.slowest.seconds < 5, "\(result.slowest)")
        }
    }
}
