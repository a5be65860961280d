import Testing
import VoxLayerSpec
import VoxScheduling
import VoxTensors
import _TestSupport

/// Minimal filtering along one axis at a time, computed from the schedule's windows, points and ranges on small integers, where every
/// sum is exact, and compared with sums over the relation.
@Suite struct AxisTransformTests {
    @Test func axesComputeTheRelation() throws {
        var (specs, random) = (RandomSpecs(seed: 31), SeededRandom(seed: 32))
        var (merged, classes, parts) = (0, 0, 0)
        for target in Target.named {
            for number in 0..<120 {
                let (spec, decision) = specs.nextFast(target, number % 2 == 0 ? .transposedConvolution : .convolution)
                let schedule = try Schedule(spec: spec, target: target, decision: decision)
                let resolved = try #require(schedule.minimalFiltering)
                for (axis, geometry) in zip(resolved.axes, spec.geometry.axes) {
                    let read = ReadAxis(geometry, spec.op)
                    let input = random.integers(read.sources, limit: 9)
                    let weights = random.integers(geometry.kernel, limit: 9)
                    var expected = [Double](repeating: 0, count: read.results)
                    for term in geometry.triedContributions {
                        let (source, result) = spec.op == .convolution ? (term.output, term.input) : (term.input, term.output)
                        expected[result] += input[source] * weights[term.tap]
                    }
                    #expect(outputs(of: axis, read, spec.op, input, weights) == expected, "\(spec.key) \(schedule.text) \(geometry)")
                }
                if resolved.widthPhases > 1 { merged += 1 }
                if resolved.addsUp { parts += 1 } else if resolved.axes.contains(where: { $0.classes.count > 1 }) { classes += 1 }
            }
        }
        #expect(merged > 10 && classes > 50 && parts > 50)
    }

    /// What an axis gives; nil when a result is written twice or not at all.
    private func outputs(
        of axis: MinimalFilteringSchedule.Axis, _ read: ReadAxis, _ op: KernelOp, _ input: [Double], _ weights: [Double]
    ) -> [Double]? {
        var results = [Double?](repeating: nil, count: read.results)
        // The products of several parts of a convolution add up before they are transformed back.
        let adds = op == .convolution && axis.classes.count > 1
        for tile in 0..<axis.tiles {
            let position = axis.firstPosition + 2 * tile
            let window = (0..<axis.window).map { entry in
                let place = position * read.step - axis.lead + entry
                return input.indices.contains(place) ? input[place] : 0
            }
            let points = axis.transform.map { row in zip(row, window).reduce(0) { $0 + $1.0 * $1.1 } }
            var sums = [Double](repeating: 0, count: axis.mostTaps + 1)
            for phases in axis.classes {
                for phase in phases.phases {
                    let products = (0..<phases.points).map { point -> Double in
                        // What the kernel does not compute here is left over from elsewhere, or 0 where its place is cleared.
                        guard phase.needed[point].contains(tile) else { return adds ? 0 : .nan }
                        guard phase.computed[point].contains(tile) else { return 0 }
                        let factors = MinimalFilteringSchedule.weights[phases.taps][point]
                        return points[phases.places[point]] * zip(factors, phase.taps).reduce(0) { $0 + $1.0 * weights[$1.1] }
                    }
                    if adds {
                        for (product, place) in zip(products, phases.products(most: axis.mostTaps)) { sums[place] += product }
                    } else if !store(products, taps: phases.taps, at: position, read, offset: phase.offset, &results) {
                        return nil
                    }
                }
            }
            if adds && !store(sums, taps: axis.mostTaps, at: position, read, offset: 0, &results) { return nil }
        }
        return results.contains(nil) ? nil : results.compactMap(\.self)
    }

    /// Transforms products back to the two results of a tile that exist.
    /// - Returns: false where a result is there already.
    private func store(_ products: [Double], taps: Int, at position: Int, _ read: ReadAxis, offset: Int, _ results: inout [Double?]) -> Bool {
        for (number, row) in MinimalFilteringSchedule.inverse[taps].enumerated() {
            let output = (position + number) * read.phases + offset
            guard results.indices.contains(output) else { continue }
            if results[output] != nil { return false }
            results[output] = zip(row, products).reduce(0) { $1.0 == 0 ? $0 : $0 + $1.0 * $1.1 }
        }
        return true
    }
}
