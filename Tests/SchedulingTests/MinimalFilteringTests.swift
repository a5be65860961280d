import Testing
import VoxLayerSpec
import VoxScheduling
import VoxTensors

@Suite struct MinimalFilteringTests {
    private func spec(
        kernel: Int, stride: Int, input: Int = 16, channels: Int = 64, filters: Int = 64, dilation: Int = 1, policy: Policy = .fast
    ) throws -> KernelSpec {
        let reach = (kernel - 1) * dilation + 1
        let crop = max(0, reach - stride) / 2
        let axis = try AxisGeometry(
            input: input, output: input * stride, kernel: kernel, stride: stride, dilation: dilation, crop: crop)
        return KernelSpec(geometry: try Geometry(axes: [axis, axis, axis], channels: channels, filters: filters), policy: policy)
    }

    /// A^T ((G g) * (B^T d)) are the two correlations of d with g, exactly on small integers.
    @Test func transformsComputeTwoOutputs() throws {
        var random = SeededRandom(seed: 3)
        for taps in 1...3 {
            let (forward, weights, inverse) = (
                MinimalFilteringSchedule.forward[taps], MinimalFilteringSchedule.weights[taps], MinimalFilteringSchedule.inverse[taps]
            )
            for _ in 0..<100 {
                let d = random.integers(taps + 1, limit: 9)
                let g = random.integers(taps, limit: 9)
                func apply(_ matrix: [[Double]], _ vector: [Double]) -> [Double] {
                    matrix.map { row in zip(row, vector).reduce(0) { $0 + $1.0 * $1.1 } }
                }
                let received = apply(inverse, zip(apply(forward, d), apply(weights, g)).map(*))
                let expected = (0..<2).map { a in (0..<taps).reduce(0.0) { $0 + (a + $1 <= taps ? d[a + $1] * g[$1] : 0) } }
                #expect(received == expected, "F(2, \(taps))")
            }
        }
    }

    /// Sixteen inputs with kernel 4 and stride 2 need 48 products along an axis, with kernel 3 and stride 1 it is 32.
    @Test func productsAreCounted() throws {
        for (kernel, stride, products) in [(4, 2, 48), (3, 1, 32), (3, 2, 40)] {
            let spec = try spec(kernel: kernel, stride: stride)
            let schedule = try plan(
                spec, target: Target(.x86_64_v4), decision: .minimalFiltering(MinimalFiltering(block: [1, 1, 4], vectors: 2, rows: 8)))
            let resolved = try #require(schedule.minimalFiltering)
            #expect(resolved.transformedMultiplyAdds == products * products * products * 64 * 64, "k\(kernel) s\(stride)")
            #expect(schedule.spec.policy == .fast)
        }
    }

    /// Phases of fewer taps find some of their points among those of the longest window: with kernel 3 and stride 2 an axis has 4
    /// points instead of 3 and 2, with kernel 5 and stride 2 it has 6 instead of 4 and 3.
    @Test func pointsAreShared() throws {
        for (kernel, stride, points, places) in [
            (4, 2, 3, [[0, 1, 2]]), (3, 1, 4, [[0, 1, 2, 3]]), (3, 2, 4, [[0, 1, 2], [1, 3]]), (5, 2, 6, [[0, 1, 2, 3], [2, 4, 5]]),
        ] {
            let spec = try spec(kernel: kernel, stride: stride)
            let schedule = try plan(
                spec, target: Target(.x86_64_v4), decision: .minimalFiltering(MinimalFiltering(block: [1, 1, 4], vectors: 2, rows: 8)))
            let axis = try #require(schedule.minimalFiltering?.axes.first)
            #expect(axis.transform.count == points, "k\(kernel) s\(stride)")
            #expect(axis.classes.map(\.places) == places, "k\(kernel) s\(stride)")
            // A class reads the end of the window, through a transform of its own.
            for phases in axis.classes {
                let offset = axis.mostTaps - phases.taps
                for (row, place) in zip(MinimalFilteringSchedule.forward[phases.taps], phases.places) {
                    #expect(axis.transform[place] == Array(repeating: 0, count: offset) + row, "k\(kernel) s\(stride)")
                }
            }
        }
    }

    /// A convolution of 16 results along an axis: with stride 1 it has the products of the transposed one. With stride 2 the parts of its kernel have
    /// windows of every second input: kernel 3 has parts of two taps and of one, kernel 5 of three and two.
    @Test func partsOfAConvolutionHaveWindowsOfTheirOwn() throws {
        for (kernel, stride, window, taps, products) in [
            (3, 1, 4, [3], 32), (3, 2, 5, [2, 1], 40), (4, 2, 6, [2, 2], 48), (5, 2, 7, [3, 2], 56), (2, 1, 3, [2], 24), (1, 2, 3, [1], 16),
            (4, 3, 7, [2, 1, 1], 56),
        ] {
            // The other axes have kernel 3 and stride 1.
            let spec = try convolution(kernel: kernel, stride: stride, others: (kernel: 3, stride: 1))
            let schedule = try plan(
                spec, target: Target(.x86_64_v4), decision: .minimalFiltering(MinimalFiltering(block: [1, 1, 4], vectors: 2, rows: 8)))
            let resolved = try #require(schedule.minimalFiltering)
            let axis = try #require(resolved.axes.first)
            #expect(axis.window == window && axis.classes.map(\.taps) == taps, "k\(kernel) s\(stride)")
            #expect(axis.transform.count == taps.reduce(0) { $0 + $1 + 1 }, "k\(kernel) s\(stride)")
            #expect(axis.lead == max(0, kernel - stride) / 2 && axis.step == stride, "k\(kernel) s\(stride)")
            #expect(resolved.addsUp == (taps.count > 1), "k\(kernel) s\(stride)")
            // Each product of the largest part is there once; where few tiles' windows lie outside, all are computed.
            let most = axis.classes.flatMap(\.phases).flatMap(\.computed).reduce(0) { $0 + $1.count }
            #expect(most <= products && most >= products - 2 * taps.count, "k\(kernel) s\(stride): \(most)")
            #expect(axis.classes.map { $0.products(most: axis.mostTaps).last } == taps.map { _ in axis.mostTaps }, "k\(kernel) s\(stride)")
        }
    }

    private func convolution(kernel: Int, stride: Int, dilation: Int = 1, others: (kernel: Int, stride: Int)? = nil) throws -> KernelSpec {
        let axes = try [(kernel, stride), (others?.kernel ?? kernel, others?.stride ?? stride), (others?.kernel ?? kernel, others?.stride ?? stride)].map {
            try AxisGeometry(
                input: 16, output: 16 * $1, kernel: $0, stride: $1, dilation: dilation, crop: max(0, ($0 - 1) * dilation + 1 - $1) / 2)
        }
        return KernelSpec(op: .convolution, geometry: try Geometry(axes: axes, channels: 64, filters: 64))
    }

    /// One vector of filters leaves room for both phases of kernel 4, stride 2: their products are of the same windows, and of the tiles
    /// that either needs (16 positions from the first or from the second on are 8 tiles or 9).
    @Test func phasesAlongTheWidthShareARegisterTile() throws {
        let spec = try spec(kernel: 4, stride: 2, filters: 16)
        let schedule = try plan(spec, target: Target(.x86_64_v4))
        let resolved = try #require(schedule.minimalFiltering)
        #expect(resolved.parameters.mergesWidthPhases && resolved.widthPhases == 2 && resolved.tileFilters == 2 * resolved.blockFilters)
        #expect(schedule.text.contains(",v1,r14,merge=w"))
        let (height, width) = (try #require(resolved.axes[1].classes.first), try #require(resolved.axes[2].classes.first))
        #expect(height.phases.map { $0.needed[1] } == [0..<9, 0..<8])
        #expect(width.phases.map(\.needed) == [[0..<9, 0..<9, 0..<8], [0..<9, 0..<9, 0..<8]])
        // Kernel 3 has one phase of each number of taps, kernel 3 with stride 1 one in all; with 64 filters vectors suffice.
        for (kernel, stride, filters) in [(3, 2, 16), (3, 1, 16), (4, 2, 64)] {
            let other = try self.spec(kernel: kernel, stride: stride, filters: filters)
            let resolved = try #require(try plan(other, target: Target(.x86_64_v4)).minimalFiltering)
            #expect(!resolved.parameters.mergesWidthPhases && resolved.widthPhases == 1, "k\(kernel) s\(stride) f\(filters)")
        }
    }

    @Test func whatItDoesNotTakeIsSaid() throws {
        let parameters = MinimalFiltering(block: [1, 1, 4], vectors: 2, rows: 8)
        let target = Target(.x86_64_v4)
        let usual = try spec(kernel: 3, stride: 1)
        let double = KernelSpec(geometry: usual.geometry, elements: .float64)
        let refused: [(KernelSpec, MinimalFiltering, String)] = [
            (withoutKernels(usual), parameters, "minimal filtering takes transposedConvolution and convolution only"), (double, parameters, "float32"),
            (try convolution(kernel: 3, stride: 1, dilation: 2), parameters, "dilation 1"),
            (try convolution(kernel: 4, stride: 1), parameters, "at most 3 taps"),
            (try convolution(kernel: 2, stride: 2), parameters, "saves nothing"),
            (try convolution(kernel: 6, stride: 2), parameters, "its windows have 512 inputs; minimal filtering takes at most 343"),
            (try convolution(kernel: 3, stride: 2), MinimalFiltering(block: [1, 1, 4], vectors: 1, rows: 8, mergesWidthPhases: true), "register tile"),
            (try spec(kernel: 3, stride: 1, policy: .direct), parameters, "policy fast"),
            (try spec(kernel: 3, stride: 1, dilation: 2), parameters, "dilation 1"),
            (try spec(kernel: 2, stride: 3), parameters, "taps in every phase"),
            (try spec(kernel: 4, stride: 1), parameters, "at most 3 taps"),
            (try spec(kernel: 2, stride: 2), parameters, "saves nothing"),
            (usual, MinimalFiltering(block: [1, 1, 4], vectors: 4, rows: 8), "registers"),
            (usual, MinimalFiltering(block: [1, 0, 4], vectors: 2, rows: 8), "below 1"),
            (usual, MinimalFiltering(block: [1, 4], vectors: 2, rows: 8), "not three block lengths"),
            (usual, MinimalFiltering(block: [1, 1, 4], vectors: 0, rows: 8), "below 1"),
            (usual, MinimalFiltering(block: [1, 1, 4], vectors: 2, rows: 0), "below 1"),
            (usual, MinimalFiltering(block: [1, 1, 4], vectors: 2, rows: 8, splits: 0), "below 1"),
            (usual, MinimalFiltering(block: [1, 1, 4], vectors: 2, rows: 8, unroll: 0), "below 1"),
            (try spec(kernel: 3, stride: 2), MinimalFiltering(block: [1, 1, 4], vectors: 1, rows: 8, mergesWidthPhases: true), "register tile"),
            (try spec(kernel: 4, stride: 2), MinimalFiltering(block: [1, 1, 4], vectors: 2, rows: 8, mergesWidthPhases: true), "registers"),
            (try spec(kernel: 3, stride: 1, input: 64), MinimalFiltering(block: [64, 64, 64], vectors: 2, rows: 8), "workspace"),
        ]
        for (problem, parameters, fragment) in refused {
            do {
                _ = try plan(problem, target: target, decision: .minimalFiltering(parameters))
                Issue.record("\(problem.key) has a schedule with \(parameters.text)")
            } catch {
                #expect("\(error)".contains(fragment), "\(error)")
            }
        }
    }
}
