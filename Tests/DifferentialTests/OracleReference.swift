import VoxLayerSpec
import VoxVerification
import _TestSupport

/// The scatter oracle as a reference: it shares no code with the geometry that kernels are generated from.
struct OracleReference: VerificationReference {
    func sums(_ spec: KernelSpec, batch: Int, input: [Double], weights: [Double], bias: [Double]?) throws -> [Double] {
        ScatterOracle.run(spec, batch: batch, input: input, operand: weights, bias: bias).values
    }

    func activate(_ x: Double, _ activation: Activation) -> Double { ScatterOracle.activate(x, activation) }
}
