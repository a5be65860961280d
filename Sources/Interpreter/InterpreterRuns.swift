import LayerSpec

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

    /// All results of an axis, each in exactly one run; taps ascending.
    static func runs(of axis: AxisGeometry, op: KernelOp) -> [AxisRun] {
        switch op {
        case .forward: forward(axis)
        case .inputGradient: inputGradient(axis)
        case .filterGradient: []
        }
    }

    /// Output positions `q` of each phase, cut where a tap's input `q - lag` begins or ceases to exist.
    private static func forward(_ axis: AxisGeometry) -> [AxisRun] {
        var runs: [AxisRun] = []
        for phase in 0..<axis.stride {
            let positions = axis.positions(inPhase: phase)
            if positions.isEmpty { continue }
            let taps = axis.taps(inPhase: phase)
            let cuts = taps.flatMap { [$0.lag, $0.lag + axis.input] }
            for piece in pieces(of: positions, cuts: cuts) {
                let q = piece.lowerBound
                runs.append(
                    AxisRun(
                        firstResult: axis.output(position: q, phase: phase), resultStep: axis.stride, count: piece.count,
                        taps: taps.filter { q >= $0.lag && q < $0.lag + axis.input }.map { ($0.tap, q - $0.lag) },
                        sourceStep: 1))
            }
        }
        return runs
    }

    /// Input positions, cut where a tap's output begins or ceases to exist.
    private static func inputGradient(_ axis: AxisGeometry) -> [AxisRun] {
        let taps = (0..<axis.kernel).map { (tap: $0, inputs: axis.inputs(ofTap: $0)) }.filter { !$0.inputs.isEmpty }
        let cuts = taps.flatMap { [$0.inputs.lowerBound, $0.inputs.upperBound] }
        return pieces(of: 0..<axis.input, cuts: cuts).map { piece in
            let i = piece.lowerBound
            return AxisRun(
                firstResult: i, resultStep: 1, count: piece.count,
                taps: taps.filter { $0.inputs.contains(i) }.map { ($0.tap, axis.output(ofInput: i, tap: $0.tap)) },
                sourceStep: axis.stride)
        }
    }

    private static func pieces(of range: Range<Int>, cuts: [Int]) -> [Range<Int>] {
        let inner = Set(cuts.filter { $0 > range.lowerBound && $0 < range.upperBound }).sorted()
        return zip([range.lowerBound] + inner, inner + [range.upperBound]).map { $0..<$1 }
    }
}

extension AxisGeometry {
    /// The relation itself.
    func output(ofInput i: Int, tap t: Int) -> Int { i * stride + t * dilation - crop }
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
