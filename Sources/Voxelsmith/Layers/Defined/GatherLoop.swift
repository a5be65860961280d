import VoxLayerSpec
import VoxTensors

/// Copies the elements of one tensor to other places: each place of the result takes the element at the sum of an offset for each axis, or 0
/// where an axis has none.
struct GatherLoop: TensorLoop {
    /// Elements of a row that stand side by side in the input, or zeros.
    private struct Piece {
        let start: Int
        let count: Int
        /// nil for zeros.
        let source: Int?
    }

    /// Where a row comes from; offsets count from where the axes before have led.
    private enum Row {
        /// It stands side by side in the input from an offset on.
        case whole(Int)
        /// Units that lie a step apart, each some times in a row.
        case repeated(first: Int, step: Int, count: Int, times: Int)
        case pieces([Piece])
    }

    /// For each axis before the row and each place along it, the offset in the input; -1 for none.
    private let outer: [[Int]]
    private let row: Row
    /// Elements that stay side by side: the last axes as far as they are whole.
    private let unit: Int
    private let rowLength: Int
    /// Rows that are so long are not joined to longer ones, so that there are some for each thread.
    private static let longRow = 4096

    /// - Parameter sources: for each axis of the result and each place along it, the offset in the input; -1 for none.
    init(_ sources: [[Int]]) {
        var axes = sources
        var (unit, first) = (1, 0)
        while unit < Self.longRow, let last = axes.last, let start = Self.start(last, step: unit) {
            first += start
            unit = Checked.clampedProduct(unit, last.count)
            axes.removeLast()
        }
        if unit < Self.longRow, let last = axes.popLast() {
            row = Self.row(last.map { $0 < 0 ? nil : $0 + first }, unit)
            rowLength = Checked.clampedProduct(unit, last.count)
        } else {
            (row, rowLength) = (.whole(first), unit)
        }
        (outer, self.unit) = (axes, unit)
    }

    /// The first offset of an axis whose places are a step apart in the input too; nil for another one.
    private static func start(_ axis: [Int], step: Int) -> Int? {
        guard let first = axis.first, first >= 0, zip(axis, axis.dropFirst()).allSatisfy({ $0 >= 0 && $1 == $0 + step }) else { return nil }
        return first
    }

    private static func row(_ sources: [Int?], _ unit: Int) -> Row {
        let known = sources.compactMap(\.self)
        if known.count == sources.count, let first = known.first {
            let times = known.firstIndex { $0 != first } ?? known.count
            let step = times < known.count ? known[times] - first : 0
            let isEven = known.count % times == 0 && known.indices.allSatisfy { known[$0] == first + $0 / times * step }
            if isEven { return .repeated(first: first, step: step, count: known.count / times, times: times) }
        }
        var pieces: [Piece] = []
        for (place, source) in sources.enumerated() {
            if let last = pieces.last, source == last.source.map({ $0 + last.count }) {
                pieces[pieces.count - 1] = Piece(start: last.start, count: last.count + unit, source: last.source)
            } else {
                pieces.append(Piece(start: place * unit, count: unit, source: source))
            }
        }
        return .pieces(pieces)
    }

    /// Every place of an axis as it is.
    static func all(_ extent: Int, step: Int) -> [Int] { (0..<extent).map { $0 * step } }

    var itemCount: Int { Checked.clampedCount(outer.map(\.count)) }
    func start(ofItem item: Int) -> Int { item * rowLength }

    var cost: Double {
        let element = if case .repeated = row, unit == 1 { 1.0 } else { 0.4 }
        return Double(itemCount) * (Double(rowLength) * element + 20)
    }

    func compute<T: LoopElement>(_ items: Range<Int>, _ xs: [UnsafePointer<T>], _ y: UnsafeMutablePointer<T>) {
        // Counted on from row to row: rows may be shorter than what divisions take.
        var indices = [Int](repeating: 0, count: outer.count)
        var rest = items.lowerBound
        for axis in indices.indices.reversed() {
            indices[axis] = rest % outer[axis].count
            rest /= outer[axis].count
        }
        var previous: Int?
        for item in items {
            let target = y + item * rowLength
            let base = base(indices)
            if let base, base == previous {
                // The row before has just been put together.
                target.update(from: target - rowLength, count: rowLength)
            } else if let base {
                write(xs[0] + base, to: target)
            } else {
                target.update(repeating: T(double: 0), count: rowLength)
            }
            previous = base
            for axis in indices.indices.reversed() {
                indices[axis] += 1
                if indices[axis] < outer[axis].count { break }
                indices[axis] = 0
            }
        }
    }

    private func write<T: LoopElement>(_ x: UnsafePointer<T>, to y: UnsafeMutablePointer<T>) {
        var place = y
        switch row {
        case .whole(let first): y.update(from: x + first, count: rowLength)
        case .repeated(let first, let step, let count, let times) where unit == 1:
            for group in 0..<count {
                let value = x[first + group * step]
                for _ in 0..<times {
                    place.pointee = value
                    place += 1
                }
            }
        case .repeated(let first, let step, let count, let times):
            for group in 0..<count {
                for _ in 0..<times {
                    place.update(from: x + first + group * step, count: unit)
                    place += unit
                }
            }
        case .pieces(let pieces):
            for piece in pieces {
                if let source = piece.source {
                    (y + piece.start).update(from: x + source, count: piece.count)
                } else {
                    (y + piece.start).update(repeating: T(double: 0), count: piece.count)
                }
            }
        }
    }

    /// The offset of a row; nil for one of zeros.
    private func base(_ indices: [Int]) -> Int? {
        var base = 0
        for (axis, index) in indices.enumerated() {
            let offset = outer[axis][index]
            if offset < 0 { return nil }
            base += offset
        }
        return base
    }
}
