import VoxLayerSpec

/// Consecutive results of one axis that meet the same taps: the unit the interpreter works in.
///
/// Result number `n` of the run is at `firstResult + n * resultStep`; its tap `taps[j].tap` reads the source at
/// `taps[j].source + n * sourceStep`. All of these exist.
struct AxisRun {
    let firstResult: Int
    let resultStep: Int
    let count: Int
    let taps: [(tap: Int, source: Int)]
    let sourceStep: Int

    /// All results of an axis, each in exactly one run; taps ascending. The positions of each phase are cut where a tap's source begins or
    /// ceases to exist.
    static func runs(of axis: AxisGather) -> [AxisRun] {
        (0..<axis.phases).flatMap { phase in
            let positions = axis.positions(inPhase: phase)
            if positions.isEmpty { return [AxisRun]() }
            let taps = axis.taps(inPhase: phase).map { (tap: $0, positions: axis.positions(reachedBy: $0.lag)) }
            let cuts = taps.flatMap { [$0.positions.lowerBound, $0.positions.upperBound] }
            return pieces(of: positions, cuts: cuts).map { piece in
                let q = piece.lowerBound
                return AxisRun(
                    firstResult: axis.result(position: q, phase: phase), resultStep: axis.phases, count: piece.count,
                    taps: taps.compactMap { tap, _ in axis.source(position: q, lag: tap.lag).map { (tap.tap, $0) } }, sourceStep: axis.step)
            }
        }
    }

    private static func pieces(of range: Range<Int>, cuts: [Int]) -> [Range<Int>] {
        let inner = Set(cuts.filter { $0 > range.lowerBound && $0 < range.upperBound }).sorted()
        return zip([range.lowerBound] + inner, inner + [range.upperBound]).map { $0..<$1 }
    }
}

/// Elements from one position to the next along each axis of a row-major array.
/// - Parameter voxel: elements from one position to the next along the last axis.
func axisSteps(_ extents: [Int], voxel: Int) -> [Int] {
    var steps = extents
    var step = voxel
    for axis in extents.indices.reversed() {
        steps[axis] = step
        step *= extents[axis]
    }
    return steps
}
