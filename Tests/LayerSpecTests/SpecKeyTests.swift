import Testing
import VoxLayerSpec
import VoxTensors
import _TestSupport

@Suite struct SpecKeyTests {
    static let example = "transposedConvolution;i80x96x80;o160x192x160;k4x4x4;s2x2x2;d1x1x1;p1x1x1;c16;f8;g1;last;f32/f32;bias;relu;direct"

    @Test func textOfAKnownProblem() throws {
        let config = try LayerConfig(
            name: "upsample", filters: 8, kernelSize: [4, 4, 4], strides: [2, 2, 2], padding: .same(outputPadding: nil),
            activation: .relu)
        #expect(try config.spec(inputShape: [1, 80, 96, 80, 16], policy: .direct).key.text == Self.example)
        #expect(try SpecKey(parsing: Self.example).spec.key.description == Self.example)
    }

    @Test func randomSpecsRoundTrip() throws {
        var random = SeededRandom(seed: 11)
        var keys: Set<SpecKey> = []
        var specs: Set<KernelSpec> = []
        for index in 0..<3000 {
            let spec = try randomSpec(&random, rank: 1 + index % 4)
            let key = try SpecKey(parsing: spec.key.text)
            #expect(key == spec.key)
            #expect(try key.spec == spec, "\(key)")
            keys.insert(key)
            specs.insert(spec)
        }
        #expect(keys.count == specs.count, "different problems have different keys")
        #expect(keys.count > 2900)
    }

    @Test func everyActivationRoundTrips() throws {
        let base = try SpecKey(parsing: Self.example).spec
        var texts: Set<String> = []
        let odd: [Activation] = [.elu(alpha: -1e-300), .leakyRelu(slope: 0.1 + 0.2), .hardSigmoid(slope: 123_456_789.123_456_78), .threshold(-1e9, value: 0.1), .rectified(negativeSlope: 1e-9, maximum: 1e38, threshold: -2)]
        for activation in Activation.samples + odd {
            let spec = base.with(epilogue: Epilogue(hasBias: true, activation: activation))
            #expect(try SpecKey(parsing: spec.key.text).spec == spec, "\(activation)")
            texts.insert(spec.key.text)
        }
        #expect(texts.count == Activation.samples.count + odd.count)
    }

    @Test func malformedKeysAreRefused() {
        let replacements: [(String, String)] = [
            ("transposedConvolution", "TransposedConvolution"), ("transposedConvolution", "forward"), ("i80x96x80", "80x96x80"), ("i80x96x80", "i80x96"), ("i80x96x80", "i080x96x80"),
            ("i80x96x80", "i+80x96x80"), ("i80x96x80", "i80x96x80x"), ("i80x96x80", "i"),
            ("i80x96x80", "i99999999999999999999x96x80"), ("c16", "c16x16"), ("c16", "c"), ("g1", "g01"), (";last", ";Last"),
            ("f32/f32", "f32"), ("f32/f32", "f32//f32"), ("f32/f32", "f32/f17"), (";bias", ";yes"), ("relu", "relu()"),
            ("relu", "relu(1.0)"), ("relu", "elu"), ("relu", "elu(1)"), ("relu", "elu(nan)"), ("relu", "elu(inf)"),
            ("relu", "elu(1.0"), ("relu", "gelu(sin)"), ("relu", ""), ("relu", "elu(0x1p0)"), ("relu", "relu(1.0,2.0)"), ("relu", "relu(none,2.0,0.0)"), ("relu", "threshold(1.0)"), ("relu", "elu(none)"), ("relu", "glu(axis -1)"), ("relu", "celu(1.0,2.0)"), ("direct", "Direct"),
            ("direct", "direct;"), ("direct", "direct "), ("k4x4x4;", ""),
        ]
        for (old, new) in replacements {
            let text = Self.example.replacing(old, with: new)
            #expect(text != Self.example)
            do {
                _ = try SpecKey(parsing: text)
                Issue.record("accepted \(text)")
            } catch SpecError.malformedKey(let received, _) {
                #expect(received == String(text.prefix(200)))
            } catch {
                Issue.record("\(text): \(error)")
            }
        }
        for text in ["", ";", String(repeating: ";", count: 14), String(repeating: "x", count: 5000)] {
            #expect(throws: SpecError.self, "\(text.prefix(40))") { try SpecKey(parsing: text) }
        }
        // Well formed, but no legal problem.
        #expect(throws: SpecError.tooSmall("stride", 0, minimum: 1)) {
            try SpecKey(parsing: Self.example.replacing("s2x2x2", with: "s2x0x2"))
        }
        #expect(throws: SpecError.groupsDoNotDivide(groups: 3, what: "channels", 16)) {
            try SpecKey(parsing: Self.example.replacing("g1", with: "g3"))
        }
    }

    /// Damaged keys throw or are legal; none of them may end the process.
    @Test func damagedKeysNeverTrap() {
        var random = SeededRandom(seed: 5)
        let alphabet = Array("0123456789;x-+./()abcfgiklnoprs".utf8)
        var refused = 0
        for _ in 0..<5000 {
            var bytes = Array(Self.example.utf8)
            for _ in 0...random.integer(0...2) { bytes[random.integer(0...bytes.count - 1)] = random.choice(alphabet) }
            let text = String(decoding: bytes, as: UTF8.self)
            do {
                let key = try SpecKey(parsing: text)
                #expect(key.text == text)
            } catch { refused += 1 }
        }
        #expect(refused > 3000, "\(refused) of 5000 refused")
    }
}
