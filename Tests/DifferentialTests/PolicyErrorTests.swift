import Foundation
import Testing
import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling
import VoxTensors
import VoxVerification
import _TestSupport

/// Rounding errors of both policies on inputs of four kinds; the table of `Documentation/kernel-families.md`.
@Suite struct PolicyErrorTests {
    private enum Kind: String, CaseIterable {
        case uniform, normal, positive, heavyTailed = "heavy-tailed"

        func value(_ random: inout SeededRandom) -> Double {
            let gauss = (0..<12).reduce(0.0) { sum, _ in sum + random.real() } / 2
            return switch self {
            case .uniform: random.real()
            case .normal: gauss
            case .positive: abs(random.real())
            // Student's t with two degrees of freedom: without a variance.
            case .heavyTailed: gauss / (-log(max(1e-9, abs(random.real())))).squareRoot()
            }
        }
    }

    private struct Errors {
        /// Root of the mean square of the errors, of that of the results.
        let relative: Double
        /// The largest in units of its bound.
        let overBound: Double
    }

    @Test func errorsOfBothPolicies() async throws {
        let target = HostCPU.nativeTarget
        let plugins = try TemporaryPlugins()
        print("rms error / rms result, and the largest error / its bound: direct, then fast")
        for (kernel, stride) in [(4, 2), (3, 1), (3, 2), (5, 2)] {
            let config = try LayerConfig(
                name: "layer", filters: 32, kernelSize: [kernel, kernel, kernel], strides: [stride, stride, stride],
                padding: .same(outputPadding: nil), useBias: false)
            func spec(_ policy: Policy) throws -> KernelSpec { try config.spec(inputShape: [1, 8, 8, 8, 64], policy: policy) }
            let fast = Decision.minimalFiltering(MinimalFiltering(block: [2, 2, 4], vectors: 1, rows: 4))
            let schedules = [try plan(spec(.direct), target: target), try plan(spec(.fast), target: target, decision: fast)]
            let kernels = try await plugins.kernels(schedules, target: target)
            for kind in Kind.allCases {
                var random = SeededRandom(seed: 3)
                let x = (0..<8 * 8 * 8 * 64).map { _ in Double(Float(kind.value(&random))) }
                let weightKind = kind == .uniform ? Kind.uniform : .normal
                let weights = (0..<kernel * kernel * kernel * 32 * 64).map { _ in Double(Float(weightKind.value(&random))) }
                let exact = ScatterOracle.run(try spec(.direct), batch: 1, input: x, operand: weights, bias: nil)
                let errors = try kernels.map { try self.errors($0, x, weights, exact) }
                let texts = errors.map { String(format: "%.1e (%.4f)", $0.relative, $0.overBound) }
                print("kernel \(kernel), stride \(stride), \(kind.rawValue): \(texts.joined(separator: ", "))")
                for error in errors { #expect(error.overBound <= 1 && error.relative > 0, "kernel \(kernel), \(kind.rawValue)") }
            }
        }
    }

    private func errors(_ kernel: any Kernel, _ x: [Double], _ weights: [Double], _ exact: ScatterOracle.Result) throws -> Errors {
        let spec = kernel.spec
        let choice = KernelChoice(kernel: kernel, appliedActivation: .linear, isSpecialized: true, reason: "under test")
        let layer = try PreparedLayer(
            spec: spec, choice: choice, weights: Tensor(shape: spec.geometry.kernelShape, weights.map { Float($0) }), bias: nil)
        let y = try layer.call(Tensor(shape: spec.inputShape(batch: 1), x.map { Float($0) }), threads: 2).doubles
        var (squares, reference, worst) = (0.0, 0.0, 0.0)
        let bound = spec.policy == .fast ? MinimalFilteringBound(spec) : nil
        for (index, value) in exact.values.enumerated() {
            let error = abs(y[index] - value)
            squares += error * error
            reference += value * value
            if let bound {
                // Each costs as much as thousands of results.
                if index % 101 != 0 { continue }
                let magnitude = bound.magnitude(of: index, input: x, weights: weights, bias: nil)
                worst = max(worst, error / (ErrorBound.gamma(bound.chain, .float32) * magnitude))
            } else {
                worst = max(worst, error / (ErrorBound.gamma(spec.longestChain + 1, .float32) * exact.magnitudes[index]))
            }
        }
        return Errors(relative: (squares / reference).squareRoot(), overBound: worst)
    }
}
