import CVoxLoops
import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

/// The largest number or the mean of each window, without the places that a window has outside.
struct PoolingLoop: TensorLoop {
    let isMaximum: Bool
    /// Samples, and channels too where they stand before the spatial axes.
    private let outer: Int
    /// The channels behind the spatial axes, or 1.
    private let lanes: Int
    private let extents: [Int]
    /// For each spatial axis, the places of the input that each window has.
    private let windows: [[Range<Int>]]

    /// - Parameters:
    ///   - rule: of the layer; its windows fit the input.
    ///   - shape: of the input.
    init(_ rule: PoolingRule, _ shape: [Int]) {
        isMaximum = rule.isMaximum
        let start = rule.layout.firstSpatialAxis
        outer = Checked.clampedCount(shape.prefix(start))
        lanes = Checked.clampedCount(shape.dropFirst(start + 3))
        let extents = Array(shape[start..<start + 3])
        self.extents = extents
        windows = extents.indices.map { axis in
            let (count, before) = rule.windows(axis: axis, extent: extents[axis]) ?? (0, 0)
            return (0..<count).map { index in
                let first = index * rule.strides[axis] - before
                return max(0, first)..<min(extents[axis], first + rule.poolSize[axis])
            }
        }
    }

    // One row of windows along the last spatial axis.
    var itemCount: Int { Checked.clampedProduct(outer, windows[0].count, windows[1].count) }
    func start(ofItem item: Int) -> Int { item * windows[2].count * lanes }
    var cost: Double {
        let volume = windows.map { Double($0.first?.count ?? 0) }
        return Double(itemCount) * Double(windows[2].count) * Double(lanes) * volume[0] * volume[1] * volume[2] * 0.3
    }

    func compute<T: LoopElement>(_ items: Range<Int>, _ xs: [UnsafePointer<T>], _ y: UnsafeMutablePointer<T>) {
        let bytes = Int32(MemoryLayout<T>.size)
        let width = windows[2].flatMap { [Int64($0.lowerBound), Int64($0.upperBound)] }
        var sums = [Double](repeating: 0, count: isMaximum ? 0 : lanes)
        let (rows, planes) = (windows[1].count, windows[0].count)
        width.withUnsafeBufferPointer { width in
            for item in items {
                let (depth, height) = (windows[0][item / rows % planes], windows[1][item % rows])
                var row = vs_windows(
                    extents: (Int64(extents[0]), Int64(extents[1]), Int64(extents[2])), lanes: Int64(lanes),
                    depth: (Int64(depth.lowerBound), Int64(depth.upperBound)), height: (Int64(height.lowerBound), Int64(height.upperBound)),
                    width: width.baseAddress, count: Int64(windows[2].count))
                let volume = xs[0] + item / rows / planes * extents[0] * extents[1] * extents[2] * lanes
                let target = y + start(ofItem: item)
                if isMaximum { vs_largest(bytes, &row, volume, target) } else { vs_means(bytes, &row, volume, target, &sums) }
            }
        }
    }
}
