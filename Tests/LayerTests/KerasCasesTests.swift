import Foundation
import Testing
import VoxKerasConfig
import VoxTensorIO
import Voxelsmith
import _TestSupport

/// Layers with random weights and unequal axes, computed by Keras 3.15.1.
struct KerasCasesTests {
    private struct Case: Decodable {
        let `case`, filters: Int
        let kernelSize, strides, dilationRate, inputShape, outputShape: [Int]
        let outputPadding: [Int]?
        let padding, dataFormat: String
        let activation: String?
        let useBias: Bool
    }

    @Test func everyCaseAgreesWithKeras() throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let json = try Data(contentsOf: URL(fileURLWithPath: Fixture.layer("cases.json")))
        let cases = try decoder.decode([Case].self, from: json)
        let arrays = try NPZFile(path: Fixture.keras("cases.npz"))
        #expect(cases.count == 35)
        for entry in cases {
            let name = "c" + (entry.case < 10 ? "0" : "") + String(entry.case)
            let activation = try entry.activation.map { try ActivationNames.activation(named: $0) } ?? .linear
            let useBias = entry.useBias
            let layer = try Conv3DTranspose(
                filters: entry.filters, kernelSize: IntOrTriple(entry.kernelSize), strides: IntOrTriple(entry.strides),
                padding: KerasRules.padding(named: entry.padding), dataFormat: KerasRules.layout(named: entry.dataFormat),
                outputPadding: entry.outputPadding.map { IntOrTriple($0) }, dilationRate: IntOrTriple(entry.dilationRate),
                activation: activation, useBias: useBias, kernels: KernelRegistry())
            let x = try arrays.tensor(name + "_x")
            let y = try arrays.tensor(name + "_y")
            let weights = try (useBias ? ["_kernel", "_bias"] : ["_kernel"]).map { try arrays.tensor(name + $0) }
            #expect(x.shape == entry.inputShape, "\(name)")
            #expect(try layer.computeOutputShape(x.shape) == entry.outputShape, "\(name)")
            try layer.build(inputShape: x.shape)
            try layer.setWeights(weights)
            let received = try layer(x)
            #expect(received.shape == y.shape, "\(name)")

            // Both are float32 sums of the same products in some order, so each is within gamma_n of the exact sum, n being the
            // number of products and the bias. relu, sigmoid and tanh stretch no difference. Their own rounding, in Keras
            // that of a rational approximation, is a few units in the last place of a result of at most 1: 8 for the pair.
            let spec = try layer.config.spec(inputShape: x.shape)
            let exact = ScatterOracle.run(
                spec, batch: x.shape[0], input: x.doubles, operand: weights[0].doubles, bias: useBias ? weights[1].doubles : nil)
            let once = ErrorBound.bounds(chain: spec.longestChain + 1, type: .float32, magnitudes: exact.magnitudes)
            let slack = activation == .sigmoid || activation == .tanh ? 8 * ElementType.float32.unitRoundoff : 0
            let fromExact = ErrorBound.firstViolation(
                received: received.doubles, expected: exact.values, bounds: once.map { $0 + slack })
            #expect(fromExact == nil, "\(name) against exact sums")
            let fromKeras = ErrorBound.firstViolation(
                received: received.doubles, expected: y.doubles, bounds: once.map { 2 * $0 + slack })
            #expect(fromKeras == nil, "\(name) against Keras")
        }
    }
}
