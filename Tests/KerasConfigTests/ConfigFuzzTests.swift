import Foundation
import Testing
import VoxKerasConfig
import VoxLayerSpec
import _TestSupport

@Suite struct ConfigFuzzTests {
    /// Whether a layer has the numbers its JSON states.
    private func isFaithful(_ layer: LayerDescription) -> Bool {
        func agrees(_ name: String, _ values: [Int]) -> Bool {
            switch layer.attributes[name] {
            case .integer(let stated)?: values.allSatisfy { $0 == stated }
            case .array(let stated)? where stated.count == values.count: stated == values.map { .integer($0) }
            default: true  // left out, or in a form of its own
            }
        }
        return agrees("filters", [layer.config.filters]) && agrees("kernel_size", layer.config.kernelSize)
            && agrees("kernel_shape", layer.config.kernelSize) && agrees("strides", layer.config.strides)
    }

    /// Damaged JSON is refused in a sentence, or describes the layers it states, whose shapes can be asked for. Keras of every generation,
    /// ONNX-style layers, suites; half of the inputs are JSON still, with other values.
    @Test func damagedConfigs() throws {
        let names = [
            "brain_superresolution.json", "keras224_model.json", "keras3_config.json", "keras3_functional.json", "keras3_get_config.json",
            "onnx_conv_transpose.json", "tf14_model.json", "tf16_model.json", "tfkeras2_functional.json", "tfkeras2_model.json",
        ]
        let onnx = """
            {"class_name": "ConvTranspose", "config": {"kernel_shape": [3, 3, 3], "strides": [2, 2, 2], "pads": [1, 1, 1, 1, 1, 1],
             "auto_pad": "NOTSET", "output_padding": [1, 1, 1], "dilations": [1, 1, 1], "group": 1, "channels": 4, "filters": 6, "use_bias": true,
             "activation": "relu", "name": "up"}, "build_config": {"input_shape": [1, 4, 3, 4, 5]}}
            """
        let samples = try names.map { Array(try fixture($0)) } + [Array(onnx.utf8)]
        let result = Fuzzing("json", count: 3000).run { random in
            let sample = samples[random.integer(0...samples.count - 1)]
            return random.integer(0...1) == 0 ? Fuzzing.alteredJSON(sample, &random) : Fuzzing.damaged(sample, &random)
        } body: { index, bytes in
            do {
                let set = try LayerSet(json: bytes)
                for layer in set.layers {
                    #expect(isFaithful(layer), "case \(index): \(layer)")
                    guard let shape = layer.completeInputShape(batch: 1) else { continue }
                    _ = try? layer.config.spec(inputShape: shape, policy: .direct).key.text
                }
                // The same again when the document is written anew.
                let again = try LayerSet(json: JSONValue(parsing: bytes).text.utf8)
                #expect(again.layers == set.layers, "case \(index)")
                return "read"
            } catch {
                #expect(!"\(error)".isEmpty, "case \(index)")
                return "refused"
            }
        }
        #expect(result.share(of: "read") >= 0.1 && result["refused"] > 0, "\(result.counts)")
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
