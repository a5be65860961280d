import Testing
import VoxLayerSpec
import VoxTensors
import _TestSupport

@Suite struct SpecKeyFuzzTests {
    /// Damaged keys are refused, or are keys of a problem that has this very key.
    @Test func damagedKeys() throws {
        var random = SeededRandom(seed: 3)
        let samples = try (0..<40).map { try Array(randomSpec(&random, rank: 1 + $0 % 4).key.text.utf8) }
        let result = Fuzzing("speckey", count: 5000).run(samples) { index, bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            do {
                let key = try SpecKey(parsing: text)
                let spec = try key.spec
                #expect(spec.key == key && key.text == text, "case \(index): \(text)")
                return "read"
            } catch {
                #expect("\(error)".hasSuffix("."), "case \(index): \(error)")
                return "refused"
            }
        }
        #expect(result["read"] > 0 && result["refused"] > 0, "\(result.counts)")
        #expect(result.slowest.seconds < 5, "\(result.slowest)")
    }
}
