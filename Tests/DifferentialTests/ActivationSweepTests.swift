import Testing
import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling
import VoxTensors
import VoxVerification
import _TestSupport

/// Every activation with parameters of every size, signs and zeros included: what a layer takes is built, passes its own verification, and
/// is what the interpreter computes.
@Suite struct ActivationSweepTests {
    private static let sizes: [Double] = [0, 0.1, 0.3, 0.5, 1, 2, 6, 100, 1e-3, 1e-30, 1e-42, 1e30, 3.4e38]

    private static var activations: [Activation] {
        var all = Activation.samples.filter(\.isPointwise)
        for value in sizes + sizes.map({ -$0 }) {
            all += [
                .elu(alpha: value), .celu(alpha: value), .hardSigmoid(slope: value), .hardShrink(threshold: value), .softShrink(threshold: value),
                .leakyRelu(slope: value), .squareplus(b: value),
            ]
        }
        for threshold in [0, 0.1, -0.25, 3, 3.4e38] {
            for value in [0, 0.1, -1, 1e30] { all.append(.threshold(threshold, value: value)) }
            for slope in [0, 0.1, -0.5, 1e30] {
                for maximum in [nil, 0, 0.7, 6] { all.append(.rectified(negativeSlope: slope, maximum: maximum, threshold: threshold)) }
            }
        }
        return all
    }

    /// Of one voxel each, so that a result is the activation of an input.
    private static func specs(_ type: ElementType) -> [KernelSpec] {
        var seen: Set<Activation> = []
        return activations.filter { seen.insert($0).inserted }.compactMap { activation in
            let config = try? LayerConfig(
                name: "l", filters: 16, kernelSize: [1, 1, 1], activation: activation, elementType: type)
            guard activation.isFused(in: type) else { return nil }
            return try? config?.spec(inputShape: [1, 2, 3, 11, 8], policy: .direct)
        }
    }

    @Test func whatALayerTakesPassesItsVerification() async throws {
        let target = HostCPU.nativeTarget
        let plugins = try TemporaryPlugins()
        for type in ElementType.arithmeticTypes {
            let specs = Self.specs(type)
            #expect(specs.count > (type == .float32 ? 200 : 150))
            let kernels = try await plugins.kernels(try specs.map { try plan($0, target: target) }, target: target)
            for kernel in kernels {
                for reference: any VerificationReference in [InterpreterReference(), OracleReference()] {
                    let report = try KernelVerifier(kernel, reference: reference, batch: 2, seed: 9).verify()
                    for failure in report.failures {
                        Issue.record("\(kernel.spec.epilogue.activation) \(type): \(failure.name): \(failure.failure ?? "")")
                    }
                }
                try compareWithInterpreter(kernel)
            }
            print("\(kernels.count) settings in \(type)")
        }
    }

    /// On the parameters, their neighbours, and what is infinite or no number.
    private func compareWithInterpreter(_ kernel: SpecializedKernel) throws {
        let spec = kernel.spec
        let (type, activation) = (spec.elements.storage, spec.epilogue.activation)
        var values: [Double] = [0, -0.0, 1, -1, 3, -3, 1e-20, -1e-20, 1e30, -1e30, .infinity, -.infinity, .nan]
        for value in activation.parameters.compactMap(\.value) {
            if type == .float64 { values += [value, value.nextUp, value.nextDown, -value, (-value).nextUp, (-value).nextDown] } else {
                let value = Float(value)
                values += [value, value.nextUp, value.nextDown, -value, (-value).nextUp, (-value).nextDown].map { Double($0) }
            }
        }
        values = Array(values.prefix(66)) + [Double](repeating: 0.5, count: max(0, 66 - values.count))
        // The first channel is passed on, the others are zeros.
        let x = values.flatMap { [$0] + [Double](repeating: 0, count: 7) }
        let weights = (0..<16).flatMap { _ in [1.0] + [Double](repeating: 0, count: 7) }
        func tensor(_ shape: [Int], _ values: [Double]) throws -> Tensor {
            type == .float64 ? try Tensor(shape: shape, values) : try Tensor(shape: shape, values.map { Float($0) })
        }
        func results(_ choice: KernelChoice) throws -> [Double] {
            let layer = try PreparedLayer(
                spec: spec, choice: choice, weights: tensor(spec.geometry.kernelShape, weights), bias: tensor([16], [Double](repeating: 0, count: 16)))
            return try layer.call(tensor(spec.inputShape(batch: 1), x), threads: 1).doubles
        }
        let received = try results(KernelChoice(kernel: kernel, appliedActivation: .linear, isSpecialized: true, reason: "under test"))
        let expected = try results(.interpreter(spec, reason: "compared with"))
        for (index, value) in values.enumerated() {
            let (r, e) = (received[16 * index], expected[16 * index])
            let isSame: Bool
            switch activation {
            // Comparisons, and one rounding at most.
            case .linear, .relu, .hardTanh, .hardShrink, .softShrink, .threshold, .leakyRelu, .rectified(0, _, _):
                isSame = r == e || r.isNaN && e.isNaN
            default:
                // A difference inside of the formula may be beyond the type, for Keras as for the kernel; the interpreter computes in double.
                let largest = activation.parameters.compactMap(\.value).map(abs).max() ?? 0
                let mayOverflow = abs(value) + largest > (type == .float64 ? Double.greatestFiniteMagnitude : Double(Float.greatestFiniteMagnitude))
                isSame = r.isNaN == e.isNaN && (mayOverflow || r.isInfinite == e.isInfinite)
            }
            #expect(isSame, "\(activation) \(type) of \(value) is \(r) by the kernel, \(e) by the interpreter")
        }
    }
}
