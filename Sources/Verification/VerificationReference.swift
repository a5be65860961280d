import Glibc
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors

/// What kernels are compared with: sums before the activation, and the activation, in double precision.
public protocol VerificationReference: Sendable {
    /// - Parameters:
    ///   - spec: a transposed convolution or a convolution, without an activation.
    ///   - batch: number of samples.
    ///   - input: in the spec's layout.
    ///   - weights: the kernel tensor.
    ///   - bias: nil when the epilogue has none.
    /// - Returns: the results, in the order of the result's elements.
    func sums(_ spec: KernelSpec, batch: Int, input: [Double], weights: [Double], bias: [Double]?) throws -> [Double]

    /// The activation of one value, in double precision.
    func activate(_ x: Double, _ activation: Activation) -> Double
}

extension VerificationReference {
    /// The sum of |x||w|, plus |bias|, of every result.
    func magnitudes(_ spec: KernelSpec, batch: Int, input: [Double], weights: [Double], bias: [Double]?) throws -> [Double] {
        try sums(spec, batch: batch, input: input.map(abs), weights: weights.map(abs), bias: bias.map { $0.map(abs) })
    }
}

/// The interpreter in float64: its error is 2^29 times smaller than that of a float32 kernel, and as large as a float64 kernel's.
public struct InterpreterReference: VerificationReference {
    /// The interpreter, with the best loops this machine runs.
    public init() {}

    /// Sums by the interpreter in float64.
    public func sums(_ spec: KernelSpec, batch: Int, input: [Double], weights: [Double], bias: [Double]?) throws -> [Double] {
        let double = KernelSpec(
            op: spec.op, geometry: spec.geometry, layout: spec.layout, elements: .float64, epilogue: spec.epilogue, policy: .direct)
        let layer = try PreparedLayer(
            spec: double, choice: .interpreter(double, reason: "reference"),
            weights: Tensor(shape: double.geometry.kernelShape, weights),
            bias: bias.map { try Tensor(shape: [double.biasCount], $0) })
        return try layer.call(Tensor(shape: double.inputShape(batch: batch), input)).doubles
    }

    /// `Activation.value(at:)`.
    public func activate(_ x: Double, _ activation: Activation) -> Double { activation.value(at: x) }
}
