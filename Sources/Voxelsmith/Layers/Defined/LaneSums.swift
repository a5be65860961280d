import CVoxLoops
import VoxLayerSpec
import VoxTensors

/// Sums over the rows of blocks, lane by lane. Rows are cut into pieces of a fixed number, whose sums are added in their order: the threads have
/// as many pieces as the shape has, and the bits are the same for any number of threads.
struct LaneSums {
    private let outer: Int
    private let rows: Int
    private let lanes: Int
    /// Neighbouring lanes that are summed too.
    private let folded: Int
    private let rowsOfPiece: Int
    private let lanesOfPiece: Int

    private static let elementsOfPiece = 32768
    /// The sums of a piece, which are of double precision, take no more than a 32nd of the memory of its rows then.
    private static let fewestRows = 64

    /// - Parameters:
    ///   - shape: of a tensor.
    ///   - places: the axes that are reduced.
    /// - Returns: nil unless the axes, neighbours of a kind being one, are kept ones, reduced ones, kept ones, and reduced ones, each group with
    ///   or without axes; and for a tensor without elements.
    init?(_ shape: [Int], over places: [Int]) {
        if shape.contains(0) { return nil }
        var groups: [(extent: Int, isReduced: Bool)] = []
        for (place, extent) in shape.enumerated() where extent > 1 {
            let isReduced = places.contains(place)
            if groups.last?.isReduced == isReduced {
                groups[groups.count - 1].extent = Checked.clampedProduct(groups[groups.count - 1].extent, extent)
            } else {
                groups.append((extent, isReduced))
            }
        }
        func next(_ isReduced: Bool) -> Int { groups.first?.isReduced == isReduced ? groups.removeFirst().extent : 1 }
        outer = next(false)
        rows = next(true)
        let kept = next(false)
        folded = next(true)
        if !groups.isEmpty { return nil }
        lanes = Checked.clampedProduct(kept, folded)
        lanesOfPiece = min(lanes, Self.elementsOfPiece)
        rowsOfPiece = min(rows, max(Self.fewestRows, Self.elementsOfPiece / lanesOfPiece))
    }

    private var pieces: Int { (rows - 1) / rowsOfPiece + 1 }
    private var cuts: Int { (lanes - 1) / lanesOfPiece + 1 }
    /// Places that results are for.
    private var keptCount: Int { Checked.clampedProduct(outer, lanes / folded) }
    /// Whether what is summed is one row after another.
    private var isRows: Bool { lanes == 1 && pieces == 1 }

    /// How often each result is wanted, one time after the other, by loops whose rows are lanes: for all lanes that were folded into it. Once where rows
    /// are long without that.
    var repeats: Int { folded < lanes && folded <= Self.mostFolded ? folded : 1 }
    private static let mostFolded = 64

    /// Numbers of double precision that a call needs memory for besides its results.
    var partCount: Int { Checked.clampedProduct(outer, pieces, lanes, 2) }

    /// - Parameters:
    ///   - x: float32 or float64 elements of the shape.
    ///   - y: room for a number for each kept place.
    ///   - parts: room for `partCount` numbers.
    func run(
        _ sum: vs_sum, _ x: UnsafeRawPointer, _ type: ElementType, to y: UnsafeMutablePointer<Double>, parts: UnsafeMutablePointer<Double>, threads: Int
    ) {
        let start = sum == VS_LARGEST ? -Double.infinity : sum == VS_SMALLEST ? .infinity : 0
        let bytes = type.byteCount
        forEachPiece(threads) { block, element, part in
            let sums = parts + part
            sums.update(repeating: start, count: Int(block.lanes))
            vs_reduce(sum, Int32(bytes), block, x + element * bytes, sums)
        }
        y.update(repeating: start, count: keptCount)
        forEachPart { _, index, part in
            let value = parts[part]
            if sum != VS_LARGEST && sum != VS_SMALLEST {
                y[index] += value
            } else if (sum == VS_LARGEST ? value > y[index] : value < y[index]) || value.isNaN {
                y[index] = value
            }
        }
    }

    /// The means, and the sums of the squares about them.
    ///
    /// Pieces have moments of their own, which are combined by Chan's formula: to the squares of a piece of n rows come n (m - mean)^2, m being the
    /// mean of the piece. Besides what `vs_moments` states of each piece, the differences have the error of rounded means, so that the squares are off
    /// by no more than 2^-51 |mean| deviations, relative to them; that is the error of any number from which a rounded mean is subtracted.
    /// - Parameters: as of `run`.
    func moments(
        _ x: UnsafeRawPointer, _ type: ElementType, means: UnsafeMutablePointer<Double>, squares: UnsafeMutablePointer<Double>,
        parts: UnsafeMutablePointer<Double>, threads: Int
    ) {
        let bytes = type.byteCount
        if isRows { return rowMoments(x, bytes, means, squares, threads: threads) }
        let (own, about) = (parts, parts + outer * pieces * lanes)
        forEachPiece(threads) { block, element, part in vs_moments(Int32(bytes), block, x + element * bytes, own + part, about + part) }
        let count = Double(rows) * Double(folded)
        // From the mean of the first piece, so that little is added up.
        forEachPlace { index, part in
            means[index] = own[part]
            squares[index] = 0
        }
        forEachPart { length, index, part in squares[index] += Double(length) * (own[part] - means[index]) }
        for index in 0..<keptCount {
            means[index] += squares[index] / count
            squares[index] = 0
        }
        forEachPart { length, index, part in
            let difference = own[part] - means[index]
            squares[index] += about[part] + Double(length) * difference * difference
        }
    }

    private func rowMoments(
        _ x: UnsafeRawPointer, _ bytes: Int, _ means: UnsafeMutablePointer<Double>, _ squares: UnsafeMutablePointer<Double>, threads: Int
    ) {
        LoopThreads.run(threads, items: outer, cost: Double(outer) * (Double(rows) * 0.8 + 20)) { range in
            let first = range.lowerBound
            vs_row_moments(Int32(bytes), Int64(range.count), Int64(rows), x + first * rows * bytes, means + first, squares + first)
        }
    }

    /// Calls `body` for all pieces, on threads: with the piece, where it begins in the tensor, and where its lanes begin among the parts.
    private func forEachPiece(_ threads: Int, _ body: (vs_block, _ element: Int, _ part: Int) -> Void) {
        let cost = Double(outer) * Double(rows) * Double(lanes) * 0.4
        LoopThreads.run(threads, items: Checked.clampedProduct(outer, pieces, cuts), cost: cost) { range in
            for item in range {
                let (lane, piece, place) = (item % cuts * lanesOfPiece, item / cuts % pieces, item / cuts / pieces)
                let row = piece * rowsOfPiece
                let block = vs_block(
                    rows: Int64(min(rowsOfPiece, rows - row)), lanes: Int64(min(lanesOfPiece, lanes - lane)), pitch: Int64(lanes))
                body(block, (place * rows + row) * lanes + lane, (place * pieces + piece) * lanes + lane)
            }
        }
    }

    /// Calls `body` for all lanes of all pieces in their order: with the rows of the piece, the kept place, and the place among the parts.
    @inline(__always)
    private func forEachPart(_ body: (_ length: Int, _ index: Int, _ part: Int) -> Void) {
        let kept = lanes / folded
        for place in 0..<outer {
            for piece in 0..<pieces {
                let length = min(rowsOfPiece, rows - piece * rowsOfPiece)
                var part = (place * pieces + piece) * lanes
                for index in place * kept..<(place + 1) * kept {
                    for _ in 0..<folded {
                        body(length, index, part)
                        part += 1
                    }
                }
            }
        }
    }

    /// Calls `body` for each kept place, with the first of its parts.
    @inline(__always)
    private func forEachPlace(_ body: (_ index: Int, _ part: Int) -> Void) {
        let kept = lanes / folded
        for place in 0..<outer {
            for lane in 0..<kept { body(place * kept + lane, place * pieces * lanes + lane * folded) }
        }
    }
}
