import Foundation
import Testing
import VoxTensorIO
import VoxTensors
import _TestSupport

/// `run` with plugins in which one bit differs.
@Suite struct FlippedPluginTests {
    /// 1000 bits, each alone: one warning, and the interpreter's answer.
    @Test func runGoesOnWithoutADamagedPlugin() async throws {
        let folder = try TemporaryFolder()
        let run = try folder.tinyRun()
        #expect(try await Child.run(["build", folder.path("layer.json"), "-o", folder.path("p.so")]).status == 0)
        #expect(try await Child.run(run + [folder.path("expected.npy"), "--kernel", "interpreter"]).status == 0)
        let expected = try Data(contentsOf: URL(fileURLWithPath: folder.path("expected.npy")))
        let sound = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path("p.so"))))
        var random = SeededRandom(seed: 72)
        for round in 0..<1000 {
            var damaged = sound
            let place = random.integer(0...sound.count - 1)
            damaged[place] ^= 1 << UInt8(round % 8)
            let plugin = try folder.write(damaged, as: "damaged.so")
            try? FileManager.default.removeItem(atPath: folder.path("y.npy"))
            let outcome = try await Child.run(run + [folder.path("y.npy"), "--plugin", plugin, "--threads", "1"], seconds: 60)
            #expect(outcome.status == 0 && outcome.errors.hasPrefix("voxelsmith: warning: Plugin "), "bit \(round % 8) of byte \(place): \(outcome)")
            #expect(isOneSentence(outcome.errors), "bit \(round % 8) of byte \(place): \(outcome)")
            #expect(FileManager.default.contents(atPath: folder.path("y.npy")) == expected, "bit \(round % 8) of byte \(place)")
        }
    }
}
