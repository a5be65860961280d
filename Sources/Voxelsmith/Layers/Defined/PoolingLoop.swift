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
    var cost: Double {
        let volume = windows.map { Double($0.first?.count ?? 0) }
        return Double(itemCount) * Double(windows[2].count) * Double(lanes) * volume[0] * volume[1] * volume[2]
    }

    func compute<T: LoopElement>(_ items: Range<Int>, _ xs: [UnsafePointer<T>], _ y: UnsafeMutablePointer<T>) {
        let x = xs[0]
        var sums = [Double](repeating: 0, count: lanes)
        let (rows, planes) = (windows[1].count, windows[0].count)
        sums.withUnsafeMutableBufferPointer { sums in
            for item in items {
                let (depth, height) = (windows[0][item / rows % planes], windows[1][item % rows])
                let volume = x + item / rows / planes * extents[0] * extents[1] * extents[2] * lanes
                for (index, width) in windows[2].enumerated() {
                    for lane in 0..<lanes { sums[lane] = isMaximum ? -.infinity : 0 }
                    for z in depth {
                        for row in height {
                            for column in width { take(volume + ((z * extents[1] + row) * extents[2] + column) * lanes, into: sums) }
                        }
                    }
                    let target = y + (item * windows[2].count + index) * lanes
                    let count = isMaximum ? 1 : Double(depth.count * height.count * width.count)
                    for lane in 0..<lanes { target[lane] = T(double: sums[lane] / count) }
                }
            }
        }
    }

    @inline(__always)
    private func take<T: LoopElement>(_ x: UnsafePointer<T>, into sums: UnsafeMutableBufferPointer<Double>) {
        if isMaximum {
            for lane in 0..<lanes {
                let value = x[lane].double
                // A NaN in a window is its largest number.
                if value > sums[lane] || value.isNaN { sums[lane] = value }
            }
        } else {
            for lane in 0..<lanes { sums[lane] += x[lane].double }
        }
    }
}
