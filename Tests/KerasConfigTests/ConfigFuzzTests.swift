import Foundation
import KerasConfig
import LayerSpec
import Testing
import _TestSupport

@Suite struct ConfigFuzzTests {
    /// Damaged JSON is refused in a sentence, or describes layers whose shapes can be asked for.
    @Test func damagedConfigs() throws {
        let names = [
            "brain_superresolution.json", "keras224_model.json", "keras3_config.json", "keras3_functional.json", "keras3_get_config.json",
            "tf16_model.json", "tfkeras2_model.json",
        ]
        let samples = try names.map { Array(try fixture($0)) }
        let result = Fuzzing("json", count: 1500).run(samples) { index, bytes in
            do {
                for layer in try LayerSet(json: bytes).layers {
                    guard let shape = layer.completeInputShape(batch: 1) else { continue }
                    _ = try? layer.config.spec(inputShape: shape, policy: .direct).key.text
                }
                return "read"
            } catch {
                #expect(!"\(error)".isEmpty, "case \(index)")
                return "refused"
            }
        }
        #expect(result["read"] > 0 && result["refused"] > 0, "\(result.counts)")
        #expect(result.slowest.seconds < 5, "\(result.slowest)")
    }

    /// Parsing costs time by the value, so their number is limited before.
    @Test func tooManyValuesAreRefusedAtOnce() throws {
        for value in ["0,", "[],", "{},", "true,"] {
            let text = "[" + String(repeating: value, count: 1 << 20) + "0]"
            let start = ContinuousClock.now
            guard case .malformedJSON(let reason)? = refusal(Array(text.utf8)) else { Issue.record("\(value) was read"); continue }
            #expect(reason.contains("expected at most 100000"))
            #expect(ContinuousClock.now - start < .seconds(5), "\(value)")
        }
    }

    @Test func deepNestingEnds() throws {
        for depth in [100, 500, 600, 5000, 1_000_000] {
            for (opening, closing) in [("[", "]"), ("{\"a\":", "}")] {
                let text = String(repeating: opening, count: depth) + "0" + String(repeating: closing, count: depth)
                #expect(refusal(Array(text.utf8)) != nil, "\(depth) of \(opening)")
                #expect(refusal(Array(text.utf8.prefix(depth))) != nil, "\(depth) of \(opening), cut")
            }
        }
    }
}
