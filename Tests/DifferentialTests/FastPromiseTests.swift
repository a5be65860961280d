import Foundation
import Testing
import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling
import VoxTensors
import VoxVerification
import _TestSupport

/// What policy `fast` promises, and what it does not; the table of `Documentation/kernel-families.md`.
@Suite struct FastPromiseTests {
    /// Inputs are up to `size`, but with some probability a voxel has the value `spike` in all its channels. Weights are up to `weights`; with
    /// `hasMiddleTapsOnly`, all but those of the middle taps are 0: one tap for each output along an axis, as in a filter that passes its
    /// input on.
    private struct Case {
        var spike = 0.0
        var probability = 0.0
        var size = 1.0
        var weights = 1.0
        var hasMiddleTapsOnly = false
        /// Whether inputs and weights are within `FastRange`.
        var isInRange = true

        var name: String {
            let inputs = probability == 0 ? "up to \(size)" : "\(100 * probability) % of the voxels \(spike), others up to \(size)"
            return "\(inputs), weights up to \(weights)\(hasMiddleTapsOnly ? " in the middle taps" : "")"
        }
    }

    private static let largest = Double(FastRange.largestMagnitude)

    private static let cases: [Case] = [
        Case(), Case(hasMiddleTapsOnly: true), Case(spike: 30000, probability: 0.01),
        Case(spike: 30000, probability: 0.01, hasMiddleTapsOnly: true), Case(spike: 1e5, probability: 0.05),
        Case(spike: 1e5, probability: 0.05, hasMiddleTapsOnly: true), Case(size: largest, weights: 1e-36),
        Case(spike: largest, probability: 1, weights: 1e-38), Case(size: 1e-36, weights: largest),
        Case(size: 3e38, weights: 1e-38, isInRange: false),
    ]

    private struct Outcome {
        /// The largest error in units of its norm-wise bound, and of the largest result.
        var overBound = 0.0
        var ofLargest = 0.0
        /// Results off by more than 1 % of themselves, and those that are infinite or no number.
        var offByAPercent = 0
        var notFinite = 0
        var count = 0

        var text: String {
            String(format: "%.3f | %.1e | %.1f %% | %d", overBound, ofLargest, 100 * Double(offByAPercent) / Double(count), notFinite)
        }
    }

    private static func spec(_ op: KernelOp = .transposedConvolution, kernel: Int, stride: Int, _ policy: Policy) throws -> KernelSpec {
        let layer = try LayerConfig(
            name: "layer", filters: 16, kernelSize: [kernel, kernel, kernel], strides: [stride, stride, stride],
            padding: .same(outputPadding: nil), useBias: false
        ).spec(inputShape: [1, 6, 6, 6, 16], policy: policy)
        // The convolution that leads from the layer's output to its input.
        return KernelSpec(op: op, geometry: layer.geometry, layout: layer.layout, elements: layer.elements, epilogue: layer.epilogue, policy: policy)
    }

    private static func kernels(
        _ op: KernelOp = .transposedConvolution, kernel: Int, stride: Int, _ plugins: TemporaryPlugins
    ) async throws -> [SpecializedKernel] {
        let target = HostCPU.nativeTarget
        let fast = Decision.minimalFiltering(MinimalFiltering(block: [2, 2, 4], vectors: 1, rows: 4))
        let schedules = [
            try plan(spec(op, kernel: kernel, stride: stride, .direct), target: target),
            try plan(spec(op, kernel: kernel, stride: stride, .fast), target: target, decision: fast),
        ]
        return try await plugins.kernels(schedules, target: target)
    }

    @Test func theBoundHoldsWithinTheRange() async throws {
        let plugins = try TemporaryPlugins()
        print("error / bound | error / largest result | off by more than 1 % | not finite: direct, then fast")
        for (op, kernel, stride) in [(KernelOp.transposedConvolution, 3, 1), (.transposedConvolution, 4, 2), (.convolution, 3, 1), (.convolution, 3, 2)] {
            let kernels = try await Self.kernels(op, kernel: kernel, stride: stride, plugins)
            let spec = try Self.spec(op, kernel: kernel, stride: stride, .direct)
            for one in Self.cases {
                var random = SeededRandom(seed: 8)
                var x: [Double] = []
                for _ in 0..<spec.gather.sourceVolume {
                    let isSpike = random.chance(one.probability)
                    for _ in 0..<16 { x.append(Double(Float(isSpike ? one.spike : one.size * random.real()))) }
                }
                let weights = (0..<kernel * kernel * kernel * 256).map { index in
                    let taps = [index / 256 / kernel / kernel, index / 256 / kernel % kernel, index / 256 % kernel]
                    let isMiddle = taps.allSatisfy { $0 == (kernel - 1) / 2 || $0 == kernel / 2 }
                    return Double(Float(one.weights * random.real())) * (isMiddle || !one.hasMiddleTapsOnly ? 1 : 0)
                }
                let exact = ScatterOracle.run(spec, batch: 1, input: x, operand: weights, bias: nil)
                let outcomes = try kernels.map { try outcome($0, x, weights, exact) }
                print("\(op.rawValue), kernel \(kernel), stride \(stride), \(one.name): \(outcomes.map(\.text).joined(separator: " || "))")
                #expect(outcomes[0].overBound <= 1 && outcomes[0].notFinite == 0, "\(op.rawValue), direct, \(one.name)")
                if one.isInRange {
                    #expect(outcomes[1].overBound <= 1 && outcomes[1].notFinite == 0, "\(op.rawValue), fast, kernel \(kernel), \(one.name)")
                } else {
                    #expect(outcomes[1].notFinite > 0, "\(op.rawValue), beyond the range, \(one.name)")
                }
            }
        }
    }

    private func outcome(_ kernel: any Kernel, _ x: [Double], _ weights: [Double], _ exact: ScatterOracle.Result) throws -> Outcome {
        let spec = kernel.spec
        let y = try Self.run(kernel, x, weights)
        let bound = spec.policy == .fast ? MinimalFilteringBound(spec) : nil
        let largest = exact.values.reduce(0) { max($0, abs($1)) }
        var outcome = Outcome(count: y.count)
        for (index, value) in exact.values.enumerated() {
            if !y[index].isFinite {
                outcome.notFinite += 1
                continue
            }
            let error = abs(y[index] - value)
            outcome.ofLargest = max(outcome.ofLargest, error / largest)
            if error > 0.01 * abs(value) { outcome.offByAPercent += 1 }
            if let bound {
                if index % 53 != 0 { continue }  // each costs as much as thousands of results
                let magnitude = bound.magnitude(of: index, input: x, weights: weights, bias: nil)
                outcome.overBound = max(outcome.overBound, error / (ErrorBound.gamma(bound.chain, .float32) * magnitude))
            } else {
                outcome.overBound = max(
                    outcome.overBound, error / (ErrorBound.gamma(spec.longestChain + 1, .float32) * exact.magnitudes[index]))
            }
        }
        return outcome
    }

    private static func run(_ kernel: any Kernel, _ x: [Double], _ weights: [Double]) throws -> [Double] {
        let choice = KernelChoice(kernel: kernel, appliedActivation: .linear, isSpecialized: true, reason: "under test")
        return try run(choice, kernel.spec, x, weights)
    }

    private static func run(_ choice: KernelChoice, _ spec: KernelSpec, _ x: [Double], _ weights: [Double]) throws -> [Double] {
        let layer = try PreparedLayer(
            spec: spec, choice: choice, weights: Tensor(shape: spec.geometry.kernelShape, weights.map { Float($0) }), bias: nil)
        return try layer.call(Tensor(shape: spec.inputShape(batch: 1), x.map { Float($0) }), threads: 2).doubles
    }

    /// A weight that is no number, or infinite, or so large that the transforms could leave the range, reaches the same results under both
    /// policies.
    @Test func badWeightsReachTheSameResults() async throws {
        let plugins = try TemporaryPlugins()
        let registry = KernelRegistry()
        let kernels = try await Self.kernels(kernel: 3, stride: 1, plugins)
        registry.register(kernels)
        let fastOnly = KernelRegistry()
        fastOnly.register(kernels.filter { $0.spec.policy == .fast })
        var random = SeededRandom(seed: 5)
        let x = random.reals(6 * 6 * 6 * 16).map { Double(Float($0)) }
        let clean = random.reals(27 * 256).map { Double(Float($0)) }
        for bad in [Float.nan, .infinity, -.infinity, 5e37, -.greatestFiniteMagnitude] {
            var weights = clean
            weights[random.integer(0...weights.count - 1)] = Double(bad)
            func results(_ registry: KernelRegistry, _ policy: Policy) throws -> [UInt64] {
                let spec = try Self.spec(kernel: 3, stride: 1, policy)
                let tensor = try Tensor(shape: spec.geometry.kernelShape, weights.map { Float($0) })
                let choice = try registry.lookup(spec, mode: .auto, weights: tensor)
                return try Self.run(choice, spec, x, weights).map { $0.isNaN ? Double.nan.bitPattern : $0.bitPattern }
            }
            let direct = try results(registry, .direct)
            #expect(try results(registry, .fast) == direct, "\(bad)")
            // The interpreter stands in, whose sums may be added in another order.
            let standIn = try results(fastOnly, .fast)
            for (one, other) in zip(standIn, direct) {
                let (a, b) = (Double(bitPattern: one), Double(bitPattern: other))
                #expect(a.isNaN == b.isNaN && a.isInfinite == b.isInfinite, "\(bad)")
            }
        }
        let spec = try Self.spec(kernel: 3, stride: 1, .fast)
        let good = try Tensor(shape: spec.geometry.kernelShape, clean.map { Float($0) })
        #expect(try registry.lookup(spec, mode: .auto, weights: good).kernel.spec.policy == .fast)
    }

    /// The range is what three axes can do: the rows of both transforms add up to 2 at most.
    @Test func theRangeFollowsFromTheTransforms() {
        var growth = 1.0
        for transforms in [MinimalFilteringSchedule.forward, MinimalFilteringSchedule.weights] {
            let rows = transforms.flatMap { $0 }.map { row in row.reduce(0) { $0 + abs($1) } }
            growth = max(growth, rows.max() ?? 0)
        }
        #expect(growth == 2)
        #expect(Double(FastRange.largestMagnitude) * growth * growth * growth == Double(Float.greatestFiniteMagnitude))
        // Outputs are sums of products without factors of their own: they are no greater than the bound's own magnitude.
        #expect(MinimalFilteringSchedule.inverse.joined().joined().allSatisfy { [0, 1, -1].contains($0) })
    }
}
