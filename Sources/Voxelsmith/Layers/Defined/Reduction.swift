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
        /// A NaN among the elements is the largest.
        case maximum
        case sumOfSquares
    }

    /// How it is computed by blocks; nil for axes that alternate more often.
    private let laneSums: LaneSums?

    private typealias Axis = (extent: Int, step: Int)

    let function: Function
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
        self.function = function
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

    /// - Throws: `TensorError`.
    func values(_ x: Tensor, threads: Int) throws -> [Double] {
        if let laneSums { return try values(x, laneSums, threads: threads) }
        let keptCount = keptCount
        var y = try Tensor(uninitialized: [keptCount, function == .moments ? 2 : 1], .float64)
        let items = Checked.clampedProduct(Checked.clampedCount(outer.map(\.extent)), blockCount)
        let cost = Double(x.elementCount) * (function == .moments ? 3 : 1.5)
        try y.withUnsafeMutableBytes { bytes in
            guard let target = bytes.baseAddress?.assumingMemoryBound(to: Double.self) else { return }
            x.withUnsafeBytes { source in
                guard let source = source.baseAddress else { return }
                LoopThreads.run(threads, items: items, cost: cost) { range in
                    if x.elementType == .float64 {
                        reduce(range, source.assumingMemoryBound(to: Double.self), target, keptCount)
                    } else {
                        reduce(range, source.assumingMemoryBound(to: Float.self), target, keptCount)
                    }
                }
            }
        }
        return y.doubles
    }

    private func values(_ x: Tensor, _ sums: LaneSums, threads: Int) throws -> [Double] {
        switch function {
        case .maximum: return try sums.values(VS_LARGEST, x, centers: nil, threads: threads)
        case .sumOfSquares: return try sums.values(VS_SQUARES, x, centers: nil, threads: threads)
        case .mean, .moments: break
        }
        let means = try sums.values(VS_SUM, x, centers: nil, threads: threads).map { $0 / Double(count) }
        if function == .mean { return means }
        return means + (try sums.values(VS_SQUARES, x, centers: means, threads: threads).map { $0 / Double(count) })
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
            case .maximum: fold(source, target, width, from: -.infinity) { value, x, _ in x > value || x.isNaN ? x : value }
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
