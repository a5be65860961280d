import Testing
import VoxLayerSpec

/// Parameters of activations: which are refused when a layer is made, and what the others are in a type.
@Suite struct ActivationParameterTests {
    private func config(_ activation: Activation, _ type: ElementType = .float32) throws -> LayerConfig {
        try LayerConfig(name: "l", filters: 1, kernelSize: [1, 1, 1], activation: activation, elementType: type)
    }

    private static func withOne(_ value: Double) -> [Activation] {
        [
            .elu(alpha: value), .celu(alpha: value), .hardSigmoid(slope: value), .hardShrink(threshold: value), .softShrink(threshold: value),
            .leakyRelu(slope: value), .squareplus(b: value), .threshold(value, value: 0), .threshold(0, value: value),
            .rectified(negativeSlope: value, maximum: nil, threshold: 0), .rectified(negativeSlope: 0, maximum: value, threshold: 0),
            .rectified(negativeSlope: 0, maximum: nil, threshold: value),
        ]
    }

    @Test func whatNoTypeHasIsRefused() {
        for value in [Double.nan, .infinity, -.infinity] {
            for activation in Self.withOne(value) {
                for type in ElementType.allCases { #expect(throws: SpecError.self, "\(activation) \(type)") { try config(activation, type) } }
            }
        }
        for value in [1e39, 3.5e38, -1e300] {
            for activation in Self.withOne(value) {
                for type in [ElementType.float32, .float16, .bfloat16] { #expect(throws: SpecError.self, "\(activation) \(type)") { try config(activation, type) } }
            }
        }
        #expect(throws: Never.self) { try config(.leakyRelu(slope: -1e300), .float64) }
        let largest = Double(Float.greatestFiniteMagnitude)
        for activation in Self.withOne(largest) { #expect(throws: Never.self, "\(activation)") { try config(activation) } }
    }

    @Test func whatIsUndefinedForSomeSumsIsRefused() {
        // 1e-50 is 0 as a float32, and celu divides by it.
        for alpha in [0, -0.0, -1, -1e-300, 1e-50] {
            let error = #expect(throws: SpecError.self) { try config(.celu(alpha: alpha)) }
            #expect(String(describing: error).contains("alpha of the activation celu \(alpha); expected more than 0"))
        }
        #expect(throws: Never.self) { try config(.celu(alpha: 1e-50), .float64) }
        #expect(throws: SpecError.invalidParameter("b of the activation squareplus", -1, expected: "0 or more")) { try config(.squareplus(b: -1)) }
        #expect(throws: SpecError.invalidParameter("max_value of the activation relu", -0.5, expected: "0 or more")) {
            try config(.rectified(negativeSlope: 0, maximum: -0.5, threshold: -1))
        }
        for legal: Activation in [
            .celu(alpha: 1e-38), .squareplus(b: 0), .rectified(negativeSlope: -1, maximum: 0, threshold: -2), .elu(alpha: -1), .elu(alpha: 0),
            .hardShrink(threshold: -1), .softShrink(threshold: -1), .threshold(-3, value: 7), .leakyRelu(slope: -2),
        ] { #expect(throws: Never.self, "\(legal)") { try config(legal) } }
    }

    /// A plugin cannot ask for what a layer cannot.
    @Test func keysWithSuchParametersAreRefused() throws {
        let text = try config(.celu(alpha: 1)).spec(inputShape: [1, 1, 1, 1, 1]).key.text
        for token in ["celu(-1.0)", "celu(0.0)", "squareplus(-4.0)", "relu(0.0,-1.0,0.0)", "elu(1e+39)"] {
            #expect(throws: SpecError.self, "\(token)") { try SpecKey(parsing: text.replacing("celu(1.0)", with: token)) }
        }
    }

    @Test func parametersAreNumbersOfTheType() {
        let rounded = Activation.rectified(negativeSlope: 0.1, maximum: 0.7, threshold: 0.3).rounded(to: .float32)
        #expect(rounded == .rectified(negativeSlope: Double(Float(0.1)), maximum: Double(Float(0.7)), threshold: Double(Float(0.3))))
        #expect(Activation.threshold(0.1, value: 0.2).rounded(to: .float16) == .threshold(Double(Float(0.1)), value: Double(Float(0.2))))
        for activation in Activation.samples {
            #expect(activation.rounded(to: .float64) == activation)
            #expect(activation.rounded(to: .float32).rounded(to: .float32) == activation.rounded(to: .float32))
        }
    }
}
