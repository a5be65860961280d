import CVoxLoops
import VoxLayerSpec
import VoxTensors

/// Copies the elements of one tensor to other places: each place of the result takes the element at the sum of an offset for each axis, or 0
/// where an axis has none.
struct GatherLoop: TensorLoop {
    /// For each axis of the result and each place along it, the offset in the input; -1 for none.
    let sources: [[Int]]
    private let rowLength: Int
    /// Whether a row is copied as it is.
    private let isContiguous: Bool

    init(_ sources: [[Int]]) {
        self.sources = sources
        let last = sources.last ?? [0]
        rowLength = last.count
        isContiguous = last.first != -1 && zip(last, last.dropFirst()).allSatisfy { $0 != -1 && $1 == $0 + 1 }
    }

    /// Every place of an axis as it is.
    static func all(_ extent: Int, step: Int) -> [Int] { (0..<extent).map { $0 * step } }

    var itemCount: Int { Checked.clampedCount(sources.dropLast().map(\.count)) }
    func start(ofItem item: Int) -> Int { item * rowLength }
    var cost: Double { Double(itemCount) * Double(rowLength) + 10 * Double(itemCount) }

    func compute<T: LoopElement>(_ items: Range<Int>, _ xs: [UnsafePointer<T>], _ y: UnsafeMutablePointer<T>) {
        let x = xs[0]
        let last = sources.last ?? [0]
        // Counted on from row to row: rows may be shorter than what divisions take.
        var indices = [Int](repeating: 0, count: max(sources.count - 1, 0))
        var rest = items.lowerBound
        for axis in indices.indices.reversed() {
            indices[axis] = rest % sources[axis].count
            rest /= sources[axis].count
        }
        for item in items {
            let target = y + item * rowLength
            if let base = base(indices) {
                if isContiguous {
                    target.update(from: x + base + last[0], count: rowLength)
                } else {
                    for index in 0..<rowLength { target[index] = last[index] < 0 ? T(double: 0) : x[base + last[index]] }
                }
            } else {
                target.update(repeating: T(double: 0), count: rowLength)
            }
            for axis in indices.indices.reversed() {
                indices[axis] += 1
                if indices[axis] < sources[axis].count { break }
                indices[axis] = 0
            }
        }
    }

    /// The offset of a row; nil for one of zeros.
    private func base(_ indices: [Int]) -> Int? {
        var base = 0
        for (axis, index) in indices.enumerated() {
            let offset = sources[axis][index]
            if offset < 0 { return nil }
            base += offset
        }
        return base
    }
}

/// Puts tensors side by side along one axis.
struct ConcatenateLoop: TensorLoop {
    /// The places of the axes before that one.
    private let outer: Int
    /// For each input, the elements that follow each other in the result.
    private let runs: [Int]
    private let total: Int

    init(_ shapes: [[Int]], axis: Int) {
        outer = Checked.clampedCount((shapes.first ?? []).prefix(axis))
        runs = shapes.map { Checked.clampedCount($0.dropFirst(axis)) }
        total = runs.reduce(0) { Checked.clampedSum($0, $1) }
    }

    var itemCount: Int { outer }
    func start(ofItem item: Int) -> Int { item * total }
    var cost: Double { Double(outer) * (Double(total) * 0.4 + 10) }

    func compute<T: LoopElement>(_ items: Range<Int>, _ xs: [UnsafePointer<T>], _ y: UnsafeMutablePointer<T>) {
        let bytes = Int32(MemoryLayout<T>.size)
        // So few rows at a time that the lines of the result are still in the caches when the next input comes.
        let most = max(1, Self.elementsAtATime / max(1, total))
        for first in stride(from: items.lowerBound, to: items.upperBound, by: most) {
            let rows = min(most, items.upperBound - first)
            var target = y + first * total
            for (x, run) in zip(xs, runs) {
                let block = vs_block(rows: Int64(rows), lanes: Int64(run), pitch: Int64(total))
                vs_fold(VS_COPY, bytes, block, target, x + first * run, Int64(run), 1)
                target += run
            }
        }
    }

    private static let elementsAtATime = 4096
}
