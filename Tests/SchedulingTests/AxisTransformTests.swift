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
        var (merged, classes) = (0, 0)
        for target in Target.named {
            for _ in 0..<60 {
                let (spec, decision) = specs.nextFast(target)
                let schedule = try Schedule(spec: spec, target: target, decision: decision)
                let resolved = try #require(schedule.minimalFiltering)
                for (axis, geometry) in zip(resolved.axes, spec.geometry.axes) {
                    let input = random.integers(geometry.input, limit: 9)
                    let weights = random.integers(geometry.kernel, limit: 9)
                    var expected = [Double](repeating: 0, count: geometry.output)
                    for term in geometry.triedContributions { expected[term.output] += input[term.input] * weights[term.tap] }
                    #expect(outputs(of: axis, geometry, input, weights) == expected, "\(spec.key) \(schedule.text) \(geometry)")
                }
                if resolved.widthPhases > 1 { merged += 1 }
                if resolved.axes.contains(where: { $0.classes.count > 1 }) { classes += 1 }
            }
        }
        #expect(merged > 10 && classes > 50)
    }

    /// What an axis gives; nil when a result is written twice or not at all.
    private func outputs(
        of axis: MinimalFilteringSchedule.Axis, _ geometry: AxisGeometry, _ input: [Double], _ weights: [Double]
    ) -> [Double]? {
        var results = [Double?](repeating: nil, count: geometry.output)
        for tile in 0..<axis.tiles {
            let position = axis.firstPosition + 2 * tile
            let window = (0...axis.mostTaps).map { entry in
                let place = position - axis.mostTaps + 1 + entry
                return input.indices.contains(place) ? input[place] : 0
            }
            let points = axis.transform.map { row in zip(row, window).reduce(0) { $0 + $1.0 * $1.1 } }
            for phases in axis.classes {
                for phase in phases.phases {
                    let products = (0..<phases.points).map { point -> Double in
                        // What the kernel does not compute here is left over from elsewhere, or 0 where its place is cleared.
                        guard phase.needed[point].contains(tile) else { return .nan }
                        guard phase.computed[point].contains(tile) else { return 0 }
                        let factors = MinimalFilteringSchedule.weights[phases.taps][point]
                        return points[phases.places[point]] * zip(factors, phase.taps).reduce(0) { $0 + $1.0 * weights[$1.1] }
                    }
                    for (number, row) in MinimalFilteringSchedule.inverse[phases.taps].enumerated() {
                        let output = (position + number) * geometry.stride + phase.offset
                        guard results.indices.contains(output) else { continue }
                        if results[output] != nil { return nil }
                        results[output] = zip(row, products).reduce(0) { $1.0 == 0 ? $0 : $0 + $1.0 * $1.1 }
                    }
                }
            }
        }
        return results.contains(nil) ? nil : results.compactMap(\.self)
    }
}
