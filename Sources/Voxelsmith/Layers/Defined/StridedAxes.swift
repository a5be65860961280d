import VoxLayerSpec
import VoxTensors

/// The axes of a result, and how far each operand moves along them: 0 where it is repeated. Neighbouring axes along which every operand goes
/// on evenly are one, so that rows are long.
struct StridedAxes {
    /// At least one.
    private(set) var extents: [Int] = []
    /// For each operand, its steps along the axes.
    private(set) var steps: [[Int]]
    /// Long rows are cut, so that there are pieces for all threads.
    private static let longestRow = 4096

    /// - Parameters:
    ///   - shape: of the result; no extent is 0.
    ///   - steps: of each operand along each axis of the result.
    init(_ shape: [Int], _ steps: [[Int]]) {
        self.steps = steps.map { _ in [] }
        for (axis, extent) in shape.enumerated() where extent != 1 {
            if let last = extents.last, steps.indices.allSatisfy({ self.steps[$0][extents.count - 1] == Checked.clampedProduct(steps[$0][axis], extent) }) {
                extents[extents.count - 1] = Checked.clampedProduct(last, extent)
                for operand in steps.indices { self.steps[operand][extents.count - 1] = steps[operand][axis] }
            } else {
                extents.append(extent)
                for operand in steps.indices { self.steps[operand].append(steps[operand][axis]) }
            }
        }
        if extents.isEmpty {
            extents = [1]
            self.steps = steps.map { _ in [0] }
        }
    }

    /// The steps of an operand whose axes are the last ones of a result: none along extents of 1.
    static func steps(of shape: [Int], rank: Int) -> [Int] {
        let own = zip(shape, Tensor.steps(shape)).map { extent, step in extent == 1 ? 0 : step }
        return Array(repeating: 0, count: rank - shape.count) + own
    }

    private var length: Int { extents[extents.count - 1] }
    private var cuts: Int { (length - 1) / Self.longestRow + 1 }
    /// The number of rows, long ones being cut.
    var rowCount: Int { Checked.clampedProduct(Checked.clampedCount(extents.dropLast()), cuts) }
    /// The number of elements of the result.
    var elementCount: Int { Checked.clampedCount(extents) }

    /// Where a row begins in the result.
    func start(ofRow row: Int) -> Int { row / cuts * length + row % cuts * Self.longestRow }

    /// A part of the last axis, at one place of the others.
    struct Row {
        /// Where it begins in the result, whose rows follow each other.
        let start: Int
        let count: Int
        /// Where it begins in each operand.
        fileprivate(set) var places: [Int]
    }

    /// How far each operand moves along a row.
    var rowSteps: [Int] { steps.map { $0[extents.count - 1] } }

    /// Calls `body` with some of the rows, in ascending order.
    func forEachRow(_ rows: Range<Int>, _ body: (Row) -> Void) {
        let (length, cuts, rowSteps) = (length, cuts, rowSteps)
        var outer = rows.lowerBound / cuts
        var cut = rows.lowerBound % cuts
        var indices = [Int](repeating: 0, count: extents.count - 1)
        var rest = outer
        for axis in indices.indices.reversed() {
            indices[axis] = rest % extents[axis]
            rest /= extents[axis]
        }
        var places = steps.map { own in zip(indices, own).reduce(0) { $0 + $1.0 * $1.1 } }
        for _ in rows {
            let first = cut * Self.longestRow
            var row = Row(start: outer * length + first, count: min(Self.longestRow, length - first), places: places)
            if first > 0 { for operand in places.indices { row.places[operand] += first * rowSteps[operand] } }
            body(row)
            cut += 1
            if cut < cuts { continue }
            (cut, outer) = (0, outer + 1)
            advance(&indices, &places)
        }
    }

    /// Moves on to the next place of all axes but the last.
    private func advance(_ indices: inout [Int], _ places: inout [Int]) {
        for axis in indices.indices.reversed() {
            indices[axis] += 1
            for operand in places.indices { places[operand] += steps[operand][axis] }
            if indices[axis] < extents[axis] { return }
            for operand in places.indices { places[operand] -= steps[operand][axis] * extents[axis] }
            indices[axis] = 0
        }
    }
}
