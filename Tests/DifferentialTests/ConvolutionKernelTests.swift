import Testing
import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling
import VoxTensors
import _TestSupport

/// Generated kernels of ordinary convolutions, against the scatter oracle.
@Suite struct ConvolutionKernelTests {
    /// At least 1200 different kernels of all families, with any strides, dilations, groups and tails, in both layouts and element types, pass
    /// every check of the verifier: bounds, exact integers, containment, and the adjoint of the transposed operation among them.
    @Test func everyConvolutionPassesEveryCheck() async throws {
        let perTarget = TestLength.scaled(1220 / max(1, runnableTargets.count) + 1)
        let cases = try runnableTargets.enumerated().flatMap { number, target in
            try KernelRun.draw(perTarget, target, of: ProblemKind.convolutions, seed: UInt64(3000 + number), largest: 3_000_000)
        }
        let classes = KernelClasses(cases)
        classes.report("kernels of ordinary convolutions on \(runnableTargets.map(\.name))")
        let facts = Dictionary(cases.flatMap(Self.facts).map { ($0, 1) }, uniquingKeysWith: +)
        for (name, count) in facts.sorted(by: { $0.key < $1.key }) { print("  \(name): \(count)") }
        if TestLength.isWhole {
            #expect(classes.tuples.count >= 1200)
            for (name, minimum) in Self.minima {
                #expect(classes.counts.counts[name, default: 0] + facts[name, default: 0] >= minimum, "\(name)")
            }
        }
        let run = try await KernelRun.run(cases) { try PluginImage(path: $0).kernels() }
        print("convolution: \(run.kernels) kernels verified, \(run.checks) checks")
        #expect(run.kernels == cases.count)
        #expect(run.checks >= 8 * run.kernels)
    }

    /// Least number of kernels of each class.
    private static let minima = [
        "convolution by filter lanes": 500, "minimal filtering": 200, "batch rows": 60,
        "stride 1": 300, "stride 2": 300, "stride 3": 100, "stride above 3": 60, "stride above kernel": 60, "sources that no tap reads": 40,
        "results that read nothing": 8, "dilation": 60, "dilation and stride": 30, "axis of length 1": 80, "asymmetric crop": 200,
        "batch above 1": 200, "activation": 200, "unrolled rows": 40, "fetched planes": 30, "weight-stationary": 50, "row-stationary": 40,
        "streamed output": 40, "several filter blocks": 120, "two channels per vector": 30, "channels as lanes": 30, "filters as lanes": 150,
        "channels no multiple of lanes": 300, "filters no multiple of lanes": 300,
        "groups": 100, "groups, minimal filtering": 30, "depthwise": 15, "merged groups": 15, "merged groups of several channels": 5,
        "float64": 60, "float64, groups": 12, "float64, weight-stationary": 4, "float64, channels as lanes": 4, "float64, dilation": 4,
        "channels first": 200, "channels first, minimal filtering": 50, "channels first, weight-stationary": 12, "channels first, several chunks": 6,
        "channels first, several blocks": 30, "channels first, several groups": 20, "channels first, one channel": 5, "channels first, one filter": 5,
        "channels first, channels as lanes": 8, "channels first, batch above 1": 60, "channels first, stride": 80, "channels first, dilation": 15,
        "minimal filtering, parts that add up": 80, "minimal filtering, one part": 80, "minimal filtering, parts of two tap counts": 40,
        "minimal filtering, step above the taps": 10, "minimal filtering, parts that add up, channels first": 20,
        "minimal filtering, parts that add up, several filter blocks": 20, "minimal filtering, streamed output": 40, "split filters": 20,
    ]

    /// What `ClassCounts` does not count.
    private static func facts(_ one: KernelCase) -> [String] {
        let spec = one.schedule.spec
        let axes = spec.geometry.axes
        let parameters = one.schedule.filterLanes?.parameters
        let fast = one.schedule.minimalFiltering
        let addsUp = fast?.addsUp == true
        let isFirst = spec.layout == .channelsFirst
        let (hasStride, isDilated) = (axes.contains { $0.stride > 1 }, axes.contains { $0.dilation > 1 && $0.kernel > 1 })
        return [
            ("convolution by filter lanes", parameters != nil),
            ("sources that no tap reads", axes.contains { $0.output > ($0.input - 1) * $0.stride + $0.effectiveKernel - $0.crop }),
            ("results that read nothing", axes.contains { axis in (0..<axis.kernel).allSatisfy { axis.inputs(ofTap: $0).upperBound < axis.input } }),
            ("fetched planes", parameters?.prefetchesNextPlane == true && parameters?.order != .weightStationary),
            ("stride above 3", axes.contains { $0.stride > 3 }),
            ("dilation and stride", isDilated && hasStride),
            ("channels first, stride", isFirst && hasStride), ("channels first, dilation", isFirst && isDilated),
            ("minimal filtering, parts that add up", addsUp), ("minimal filtering, one part", fast?.addsUp == false),
            ("minimal filtering, parts of two tap counts", fast?.axes.contains { Set($0.classes.map(\.taps)).count > 1 } == true),
            ("minimal filtering, step above the taps", fast != nil && axes.contains { $0.stride > $0.kernel }),
            ("minimal filtering, parts that add up, channels first", addsUp && isFirst),
            ("minimal filtering, parts that add up, several filter blocks", addsUp && (fast?.blockCount ?? 0) > 1),
        ].filter(\.1).map(\.0) + Set(axes.map { "stride \($0.stride)" })
    }
}

extension ProblemKind {
    /// How ordinary convolutions are drawn; of a hundred kernels, as `all`.
    static let convolutions = [
        // Half of them as planned, half with parameters the planner would not choose.
        ProblemKind(name: "filter lanes", share: 53) { specs, target, _ in
            let spec = specs.next(.convolution)
            return (spec, specs.decision(spec, target))
        },
        ProblemKind(name: "minimal filtering", share: 27) { specs, target, _ in specs.nextFast(target, .convolution) },
        ProblemKind(name: "single voxel", share: 8) { specs, target, _ in specs.nextSingleVoxel(target, .convolution) },
        // What a user gets who asks for nothing.
        ProblemKind(name: "as planned", share: 12) { specs, _, _ in (specs.nextPlannedConvolution(), nil) },
    ]
}

extension RandomSpecs {
    /// A layer as networks have it, small, with the default policy.
    mutating func nextPlannedConvolution() -> KernelSpec {
        while true {
            let (kernel, stride) = random.choice([(3, 1), (3, 1), (3, 2), (2, 2), (4, 2), (5, 1), (5, 2), (7, 2), (1, 1), (1, 2)])
            let dilation = stride == 1 && random.chance(0.2) ? 2 : 1
            let axes = (0..<3).compactMap { _ -> AxisGeometry? in
                let results = random.integer(3...8)
                let crop = max(0, (kernel - 1) * dilation + 1 - stride) / 2
                return try? AxisGeometry(
                    input: results, output: results * stride, kernel: kernel, stride: stride, dilation: dilation, crop: crop)
            }
            guard axes.count == 3,
                let geometry = try? Geometry(
                    axes: axes, channels: random.choice([1, 3, 8, 16, 24, 32]), filters: random.choice([1, 8, 12, 16, 24, 32])),
                geometry.multiplyAddCount < 3_000_000
            else { continue }
            return KernelSpec(
                op: .convolution, geometry: geometry, layout: random.chance(0.3) ? .channelsFirst : .channelsLast,
                epilogue: Epilogue(hasBias: random.chance(0.5), activation: random.chance(0.5) ? .linear : .relu), policy: .fast)
        }
    }
}
