import Testing
import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling
import VoxTensors
import _TestSupport

/// Generated kernels of both convolutions against each other, without an oracle, and where minimal filtering lets an input go.
@Suite struct AdjointKernelTests {
    /// A kernel's result without bias and activation.
    private func run(_ kernel: any Kernel, batch: Int, _ input: [Double], _ weights: [Double]) throws -> [Double] {
        let spec = kernel.spec
        let choice = KernelChoice(kernel: kernel, appliedActivation: .linear, isSpecialized: true, reason: "under test")
        let layer = try PreparedLayer(
            spec: spec, choice: choice, weights: Tensor(shape: spec.geometry.kernelShape, weights).cast(to: spec.elements.storage), bias: nil)
        return try layer.call(Tensor(shape: spec.inputShape(batch: batch), input).cast(to: spec.elements.storage), threads: 2).doubles
    }

    /// Problems of one geometry for both operations, each with a kernel of its own.
    private func pairs(_ target: Target, count: Int) throws -> [(convolution: Schedule, transposed: Schedule)] {
        var specs = RandomSpecs(seed: 61)
        var pairs: [(Schedule, Schedule)] = []
        while pairs.count < count {
            let drawn = switch pairs.count % 4 {
            case 0: specs.nextFast(target, .convolution).0
            case 1: specs.nextFast(target).0
            case 2: specs.nextSingleVoxel(target, .convolution).0
            default: specs.next(.convolution)
            }
            let schedules = [KernelOp.convolution, .transposedConvolution].compactMap { op in
                let spec = KernelSpec(op: op, geometry: drawn.geometry, layout: drawn.layout, elements: drawn.elements, policy: drawn.policy)
                // Minimal filtering wherever it can be had, though the planner would not choose it.
                let fast = Decision.minimalFiltering(MinimalFiltering(block: [1, 2, 2], vectors: 1, rows: 3))
                return (try? plan(spec, target: target, decision: fast)) ?? (try? plan(spec, target: target))
            }
            if schedules.count == 2 { pairs.append((schedules[0], schedules[1])) }
        }
        return pairs
    }

    /// <conv(y), x> = <y, tconv(x)>, exactly, on small integers.
    @Test func theTwoConvolutionsAreAdjoint() async throws {
        var families: [String: Int] = [:]
        for target in runnableTargets {
            let pairs = try pairs(target, count: TestLength.scaled(40))
            let kernels = try await TemporaryPlugins().kernels(pairs.flatMap { [$0.convolution, $0.transposed] }, target: target)
            try #require(kernels.count == 2 * pairs.count)
            var random = SeededRandom(seed: 62)
            for (number, pair) in pairs.enumerated() {
                let (convolution, transposed) = (kernels[2 * number], kernels[2 * number + 1])
                func draw(_ shape: [Int]) -> [Double] { random.integers(shape.reduce(1, *), limit: 1) }
                let y = draw(pair.convolution.spec.inputShape(batch: 2))
                let x = draw(pair.transposed.spec.inputShape(batch: 2))
                let weights = draw(pair.convolution.spec.geometry.kernelShape)
                let ofY = try run(convolution, batch: 2, y, weights)
                let ofX = try run(transposed, batch: 2, x, weights)
                let (left, right) = (zip(ofY, x).reduce(0) { $0 + $1.0 * $1.1 }, zip(y, ofX).reduce(0) { $0 + $1.0 * $1.1 })
                #expect(left == right, "\(pair.convolution.spec.key) \(pair.convolution.text), \(pair.transposed.text) on \(target.name)")
                for schedule in [pair.convolution, pair.transposed] {
                    families["\(type(of: schedule.decision.parameters).label) \(schedule.spec.op.rawValue)", default: 0] += 1
                }
            }
        }
        if TestLength.isWhole { #expect(families.count == 6 && families.values.allSatisfy { $0 >= 5 }, "\(families)") }
    }

    /// Minimal filtering of convolutions, every voxel of the input set to NaN in a sample of its own: the results that are no numbers are those
    /// that read the voxel, as a loop over the relation finds them.
    @Test func everyVoxelReachesItsReadersOnly() async throws {
        let target = try #require(runnableTargets.first)
        let kinds = [([3, 3, 3], [1, 1, 1]), ([3, 3, 3], [2, 2, 2]), ([4, 3, 5], [2, 1, 2]), ([5, 4, 4], [2, 2, 2]), ([2, 1, 7], [1, 2, 3])]
        let schedules = try kinds.map { kernel, stride in
            let axes = try (0..<3).map { axis in
                try AxisGeometry(
                    input: [3, 4, 5][axis], output: [3, 4, 5][axis] * stride[axis] + axis, kernel: kernel[axis], stride: stride[axis], dilation: 1,
                    crop: max(0, kernel[axis] - stride[axis]) / 2)
            }
            let spec = KernelSpec(op: .convolution, geometry: try Geometry(axes: axes, channels: 5, filters: 3), policy: .fast)
            return try plan(spec, target: target, decision: .minimalFiltering(MinimalFiltering(block: [1, 2, 2], vectors: 1, rows: 3)))
        }
        let kernels = try await TemporaryPlugins().kernels(schedules, target: target)
        for (schedule, kernel) in zip(schedules, kernels) {
            let geometry = schedule.spec.geometry
            var random = SeededRandom(seed: 63)
            let voxels = geometry.outputVolume
            var y = random.integers(voxels * voxels * geometry.filters, limit: 3)
            for voxel in 0..<voxels {
                for feature in 0..<geometry.filters { y[(voxel * voxels + voxel) * geometry.filters + feature] = .nan }
            }
            let weights = random.integers(geometry.kernelShape.reduce(1, *), limit: 3)
            let received = try run(kernel, batch: voxels, y, weights)
            var wrong = 0
            for (voxel, place) in (0..<voxels).flatMap({ voxel in (0..<geometry.inputVolume).map { (voxel, $0) } }) {
                let reads = Self.reads(geometry, place, voxel)
                for feature in 0..<geometry.channels where received[(voxel * geometry.inputVolume + place) * geometry.channels + feature].isNaN != reads {
                    wrong += 1
                }
            }
            #expect(wrong == 0, "\(schedule.spec.key)")
        }
    }

    /// Whether a result of a convolution reads a source, by trying the taps of every axis.
    private static func reads(_ geometry: Geometry, _ result: Int, _ source: Int) -> Bool {
        var (i, o) = (result, source)
        for axis in geometry.axes.reversed() {
            let (inner, outer) = (i % axis.input, o % axis.output)
            if !(0..<axis.kernel).contains(where: { inner * axis.stride + $0 * axis.dilation - axis.crop == outer }) { return false }
            (i, o) = (i / axis.input, o / axis.output)
        }
        return true
    }
}
