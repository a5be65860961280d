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
                groups[groups.count - 1].extent *= extent
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

    /// - Parameters:
    ///   - x: float32 or float64, of the shape.
    ///   - centers: what is subtracted from the elements of each kept place; nil for nothing.
    /// - Returns: a number for each kept place.
    /// - Throws: `TensorError`.
    func values(_ sum: vs_sum, _ x: Tensor, centers: [Double]?, threads: Int) throws -> [Double] {
        let start = sum == VS_LARGEST ? -Double.infinity : 0
        let own: [Double] = centers?.flatMap { center in Array(repeating: center, count: folded) } ?? [0]
        var parts = try Tensor(uninitialized: [outer, pieces, lanes], .float64)
        let bytes = x.elementType.byteCount
        let items = Checked.clampedProduct(outer, pieces, cuts)
        return try parts.withUnsafeMutableBytes { target in
            guard let target = target.baseAddress?.assumingMemoryBound(to: Double.self) else { return [] }
            x.withUnsafeBytes { source in
                own.withUnsafeBufferPointer { own in
                    guard let source = source.baseAddress, let own = own.baseAddress else { return }
                    LoopThreads.run(threads, items: items, cost: Double(x.elementCount) * 0.4) { range in
                        for item in range {
                            let (lane, piece, place) = (item % cuts * lanesOfPiece, item / cuts % pieces, item / cuts / pieces)
                            let row = piece * rowsOfPiece
                            let block = vs_block(
                                rows: Int64(min(rowsOfPiece, rows - row)), lanes: Int64(min(lanesOfPiece, lanes - lane)), pitch: Int64(lanes))
                            let sums = target + (place * pieces + piece) * lanes + lane
                            sums.update(repeating: start, count: Int(block.lanes))
                            vs_reduce(
                                sum, Int32(bytes), block, source + ((place * rows + row) * lanes + lane) * bytes,
                                centers == nil ? own : own + place * lanes + lane, centers == nil ? 0 : 1, sums)
                        }
                    }
                }
            }
            return combined(target, sum, start)
        }
    }

    private func combined(_ parts: UnsafePointer<Double>, _ sum: vs_sum, _ start: Double) -> [Double] {
        let kept = lanes / folded
        var result = [Double](repeating: start, count: outer * kept)
        result.withUnsafeMutableBufferPointer { result in
            for place in 0..<outer {
                for piece in 0..<pieces {
                    let part = parts + (place * pieces + piece) * lanes
                    for lane in 0..<lanes {
                        let (index, value) = (place * kept + lane / folded, part[lane])
                        if sum != VS_LARGEST {
                            result[index] += value
                        } else if value > result[index] || value.isNaN {
                            result[index] = value
                        }
                    }
                }
            }
        }
        return result
    }
}
