import CVoxLoops
import VoxLayerSpec
import VoxTensors

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
