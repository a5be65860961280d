import Testing
import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling
import VoxTensors
import _TestSupport

/// Generated kernels of ordinary convolutions, against the scatter oracle.
@Suite struct ConvolutionKernelTests {
    /// At least 300 problems of strides 1 to 3, with groups, tails, every lane mode and order, pass every check of the verifier.
    @Test func everyConvolutionPassesEveryCheck() async throws {
        let perTarget = TestLength.scaled(300 / max(1, runnableTargets.count) + 1)
        let cases = try runnableTargets.enumerated().flatMap { number, target in
            try KernelRun.draw(perTarget, target, of: [.convolution], seed: UInt64(3000 + number), largest: 2_000_000)
        }
        let classes = KernelClasses(cases)
        classes.report("kernels of ordinary convolutions on \(runnableTargets.map(\.name))")
        let facts = Dictionary(cases.flatMap(Self.facts).map { ($0, 1) }, uniquingKeysWith: +)
        if TestLength.isWhole {
            for name in Self.classes { #expect(classes.counts.counts[name, default: 0] + facts[name, default: 0] >= 8, "\(name)") }
        }
        let run = try await KernelRun.run(cases) { try PluginImage(path: $0).kernels() }
        print("convolution: \(run.kernels) kernels verified, \(run.checks) checks")
        #expect(run.kernels == cases.count)
        #expect(run.checks >= 8 * run.kernels)
    }

    private static let classes = [
        "stride 1", "stride 2", "stride 3", "stride above kernel", "sources that no tap reads", "batch above 1", "groups", "merged groups",
        "two channels per vector", "channels as lanes", "filters as lanes", "several filter blocks", "unrolled rows", "fetched planes",
        "weight-stationary", "row-stationary", "channels no multiple of lanes", "filters no multiple of lanes", "activation", "asymmetric crop",
    ]

    /// What `ClassCounts` does not count.
    private static func facts(_ one: KernelCase) -> [String] {
        let axes = one.schedule.spec.geometry.axes
        let parameters = one.schedule.filterLanes?.parameters
        return [
            ("sources that no tap reads", axes.contains { $0.output > ($0.input - 1) * $0.stride + $0.effectiveKernel - $0.crop }),
            ("fetched planes", parameters?.prefetchesNextPlane == true && parameters?.order != .weightStationary),
        ].filter(\.1).map(\.0) + Set(axes.map { "stride \($0.stride)" })
    }
}

extension ProblemKind {
    /// Ordinary convolutions; half of them as planned.
    static let convolution = ProblemKind(name: "convolution", share: 1) { specs, target, _ in
        let spec = specs.nextConvolution()
        return (spec, specs.decision(spec, target))
    }
}

extension RandomSpecs {
    /// An ordinary convolution that filter lanes take.
    mutating func nextConvolution() -> KernelSpec {
        while true {
            let axes = (0..<3).compactMap { _ -> AxisGeometry? in
                let kernel = random.choice([1, 2, 3, 3, 3, 4, 5])
                let stride = random.integer(1...3)
                let results = random.chance(0.12) ? 1 : random.integer(2...9)
                let reach = (results - 1) * stride + kernel
                let crop = random.chance(0.4) ? 0 : random.integer(0...max(0, min(reach - 1, kernel)))
                let end = random.chance(0.5) ? crop : random.integer(-2...kernel)
                return try? AxisGeometry(input: results, output: reach - crop - end, kernel: kernel, stride: stride, dilation: 1, crop: crop)
            }
            let groups = random.chance(0.35) ? random.choice([2, 3, 5, 16, 24]) : 1
            let features = groups > 3 ? [1, 1, 2, 3, 4] : [1, 2, 3, 5, 8, 15, 16, 17, 24, 33, 40, 65]
            guard axes.count == 3,
                let geometry = try? Geometry(
                    axes: axes, channels: groups * random.choice(features), filters: groups * random.choice(features), groups: groups),
                geometry.multiplyAddCount > 0, geometry.multiplyAddCount < 2_000_000
            else { continue }
            let activation = random.chance(0.6) ? Activation.linear : random.choice([.relu, .sigmoid, .elu(alpha: 1)])
            let spec = KernelSpec(
                op: .convolution, geometry: geometry, epilogue: Epilogue(hasBias: random.chance(0.7), activation: activation), policy: .direct)
            if FilterLanes.reasonAgainst(spec) == nil { return spec }
        }
    }
}
