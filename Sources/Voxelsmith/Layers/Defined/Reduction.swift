import CVoxLoops
import VoxLayerSpec
import VoxTensors

/// Numbers of all elements of a tensor that share their place along the kept axes. Elements are taken in an order that depends on the
/// shape alone, in double precision, whatever the number of threads.
struct Reduction {
    enum Function {
        case mean
        /// Means, and behind all of them the variances: means of the squares of what is left without the mean.
        case moments
        case sum
        /// A NaN among the elements is the largest, and the smallest.
        case maximum, minimum
        case sumOfSquares
    }

    /// How it is computed by blocks; nil for axes that alternate more often.
    private let laneSums: LaneSums?

    private typealias Axis = (extent: Int, step: Int)

    let function: Function
    private let shape: [Int]
    /// The places of the kept axes, and their extents.
    let kept: (places: [Int], extents: [Int])
    /// The kept axes but for `lanes`.
    private let outer: [Axis]
    /// The extent of the last axis if it is kept, whose neighbours are taken together; else 1.
    private let lanes: Int
    private let reduced: [Axis]
    private let count: Int
    private static let mostLanes = 32

    /// - Parameters:
    ///   - shape: of the tensor, or another one of as many elements.
    ///   - places: the axes that are reduced.
    init(_ function: Function, _ shape: [Int], over places: [Int]) {
        (self.function, self.shape) = (function, shape)
        let axes: [Axis] = zip(shape, Tensor.steps(shape)).map { (extent: $0, step: $1) }
        let keptPlaces = shape.indices.filter { !places.contains($0) }
        kept = (keptPlaces, keptPlaces.map { shape[$0] })
        let isLastKept = keptPlaces.last == shape.count - 1
        lanes = isLastKept ? shape[shape.count - 1] : 1
        outer = (isLastKept ? keptPlaces.dropLast() : keptPlaces[...]).map { axes[$0] }
        let own = shape.indices.filter(places.contains).map { axes[$0] }
        reduced = own.isEmpty ? [(1, 0)] : own
        count = Checked.clampedCount(reduced.map(\.extent))
        laneSums = LaneSums(shape, over: places)
    }

    private var blockCount: Int { lanes == 0 ? 0 : (lanes - 1) / Self.mostLanes + 1 }
    private var keptCount: Int { Checked.clampedCount(kept.extents) }

    /// The numbers that a call gives.
    var resultCount: Int { Checked.clampedProduct(keptCount, function == .moments ? 2 : 1) }
    /// Numbers of double precision that a call needs memory for besides them.
    var workCount: Int { laneSums?.partCount ?? 0 }

    /// How often loops want each result, one time after the other; then they see it along the axes `spread`.
    var repeats: Int { laneSums?.repeats ?? 1 }
    /// The axes along which repeated results go on.
    var spread: [Int] {
        guard repeats > 1, let last = kept.places.last(where: { shape[$0] > 1 }) else { return kept.places }
        return (kept.places + shape.indices.filter { $0 > last && !kept.places.contains($0) }).sorted()
    }

    /// - Parameters:
    ///   - x: elements of the shape, of float32 or float64 as `type` says.
    ///   - y: room for `resultCount` numbers.
    ///   - work: room for `workCount` numbers.
    func run(
        _ x: UnsafeRawPointer, _ type: ElementType, to y: UnsafeMutablePointer<Double>, work: UnsafeMutablePointer<Double>, threads: Int
    ) {
        let keptCount = keptCount
        guard let laneSums else {
            let items = Checked.clampedProduct(Checked.clampedCount(outer.map(\.extent)), blockCount)
            let cost = Double(keptCount) * Double(count) * (function == .moments ? 3 : 1.5)
            return LoopThreads.run(threads, items: items, cost: cost) { range in
                if type == .float64 {
                    reduce(range, x.assumingMemoryBound(to: Double.self), y, keptCount)
                } else {
                    reduce(range, x.assumingMemoryBound(to: Float.self), y, keptCount)
                }
            }
        }
        switch function {
        case .maximum: laneSums.run(VS_LARGEST, x, type, to: y, parts: work, threads: threads)
        case .minimum: laneSums.run(VS_SMALLEST, x, type, to: y, parts: work, threads: threads)
        case .sumOfSquares: laneSums.run(VS_SQUARES, x, type, to: y, parts: work, threads: threads)
        case .mean, .sum: laneSums.run(VS_SUM, x, type, to: y, parts: work, threads: threads)
        case .moments: laneSums.moments(x, type, means: y, squares: y + keptCount, parts: work, threads: threads)
        }
        let means = function == .mean ? 0..<keptCount : function == .moments ? keptCount..<2 * keptCount : 0..<0
        for index in means { y[index] /= Double(count) }
    }

    private func reduce<T: LoopElement>(_ items: Range<Int>, _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<Double>, _ keptCount: Int) {
        for item in items {
            let (place, first) = (item / blockCount, item % blockCount * Self.mostLanes)
            let width = min(Self.mostLanes, lanes - first)
            var (rest, base) = (place, first)
            for axis in outer.reversed() {
                base += rest % axis.extent * axis.step
                rest /= axis.extent
            }
            let (source, target) = (x + base, y + place * lanes + first)
            switch function {
            case .mean: mean(source, target, width)
            case .sum: fold(source, target, width, from: 0) { sum, x, _ in sum + x }
            case .maximum: fold(source, target, width, from: -.infinity) { value, x, _ in x > value || x.isNaN ? x : value }
            case .minimum: fold(source, target, width, from: .infinity) { value, x, _ in x < value || x.isNaN ? x : value }
            case .sumOfSquares: fold(source, target, width, from: 0) { sum, x, _ in sum + x * x }
            case .moments:
                mean(source, target, width)
                let variance = target + keptCount
                fold(source, variance, width, from: 0) { sum, x, lane in sum + (x - target[lane]) * (x - target[lane]) }
                for lane in 0..<width { variance[lane] /= Double(count) }
            }
        }
    }

    private func mean<T: LoopElement>(_ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<Double>, _ width: Int) {
        fold(x, y, width, from: 0) { sum, x, _ in sum + x }
        for lane in 0..<width { y[lane] /= Double(count) }
    }

    /// Takes the elements of some lanes one after another.
    @inline(__always)
    private func fold<T: LoopElement>(
        _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<Double>, _ width: Int, from start: Double, _ combine: (Double, Double, Int) -> Double
    ) {
        for lane in 0..<width { y[lane] = start }
        if count == 0 { return }
        let last = reduced[reduced.count - 1]
        var indices = [Int](repeating: 0, count: reduced.count - 1)
        var base = 0
        while true {
            for index in 0..<last.extent {
                let source = x + base + index * last.step
                for lane in 0..<width { y[lane] = combine(y[lane], source[lane].double, lane) }
            }
            var axis = indices.count - 1
            while axis >= 0 {
                indices[axis] += 1
                base += reduced[axis].step
                if indices[axis] < reduced[axis].extent { break }
                base -= reduced[axis].step * reduced[axis].extent
                indices[axis] = 0
                axis -= 1
            }
            if axis < 0 { return }
        }
    }
}
