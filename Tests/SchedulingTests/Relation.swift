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

    /// Most taps that some output could have, were the input endless: taps whose distance is a multiple of the stride. Of a convolution, these taps read
    /// sources of the same residue.
    var mostTapsOfAnOutput: Int {
        (0..<stride).map { r in (0..<kernel).count { $0 * dilation % stride == r } }.max() ?? 0
    }
}

/// An axis as an operation reads it, said a second time with the numbers of the relation.
struct ReadAxis {
    let sources: Int
    let results: Int
    let phases: Int
    let step: Int
    let crop: Int
    private let isConvolution: Bool

    init(_ axis: AxisGeometry, _ op: KernelOp) {
        isConvolution = op == .convolution
        (sources, results) = isConvolution ? (axis.output, axis.input) : (axis.input, axis.output)
        (phases, step, crop) = isConvolution ? (1, axis.stride, 0) : (axis.stride, 1, axis.crop)
    }

    /// What a source gives to a result through a tap, in terms of the relation.
    func contribution(source: Int, tap: Int, result: Int) -> Contribution {
        isConvolution ? Contribution(input: result, tap: tap, output: source) : Contribution(input: source, tap: tap, output: result)
    }
}

extension KernelSpec {
    /// The axes as the operation reads them.
    var readAxes: [ReadAxis] { geometry.axes.map { ReadAxis($0, op) } }
    /// Features of what is read, and of results.
    var features: (sources: Int, results: Int) {
        op == .convolution ? (geometry.filters, geometry.channels) : (geometry.channels, geometry.filters)
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
