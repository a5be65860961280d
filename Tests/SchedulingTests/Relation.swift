import VoxLayerSpec

/// One multiply-add of an axis: output = input * stride + tap * dilation - crop, and all three exist.
struct Contribution: Hashable {
    let input: Int
    let tap: Int
    let output: Int
}

extension AxisGeometry {
    /// Every multiply-add of the axis, found by trying every input with every tap. Like `ScatterOracle` it reads the numbers of the axis
    /// and none of its functions, so that a mistake in the geometry cannot hide in it.
    var triedContributions: [Contribution] {
        var found: [Contribution] = []
        for i in 0..<input {
            for t in 0..<kernel {
                let o = i * stride + t * dilation - crop
                if o >= 0 && o < output { found.append(Contribution(input: i, tap: t, output: o)) }
            }
        }
        return found
    }

    /// Whether every output has a tap that reaches it, by trying.
    var reachesEveryOutput: Bool { Set(triedContributions.map(\.output)).count == output }

    /// Most taps that some output could have, were the input endless: taps whose distance is a multiple of the stride.
    var mostTapsOfAnOutput: Int {
        (0..<stride).map { r in (0..<kernel).count { $0 * dilation % stride == r } }.max() ?? 0
    }
}

/// A multiply-add of a plane: one of its rows with one of its columns.
struct PlaneContribution: Hashable, Comparable {
    let row: Contribution
    let column: Contribution

    static func < (a: PlaneContribution, b: PlaneContribution) -> Bool { a.sortKey < b.sortKey }

    // Axes of the tests are far shorter than 2^10.
    private var sortKey: Int { [row.output, row.tap, row.input, column.output, column.tap, column.input].reduce(0) { $0 << 10 | $1 } }
}
