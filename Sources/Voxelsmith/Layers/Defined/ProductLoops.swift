import VoxLayerSpec
import VoxTensors

/// The sums of a `Dense` layer: each row of the input times each column of the kernel, and the bias; summed in the order of the channels.
struct DenseLoop: TensorLoop {
    private let rows: Int
    private let channels: Int
    private let units: Int
    private let usesBias: Bool
    /// Columns that a piece takes together.
    private static let block = 64

    /// - Parameters:
    ///   - shape: of the input.
    ///   - usesBias: whether there is a third operand.
    init(_ shape: [Int], units: Int, usesBias: Bool) {
        rows = Checked.clampedCount(shape.dropLast())
        channels = shape.last ?? 1
        (self.units, self.usesBias) = (units, usesBias)
    }

    private var blocks: Int { (units - 1) / Self.block + 1 }
    var itemCount: Int { Checked.clampedProduct(rows, blocks) }
    func start(ofItem item: Int) -> Int { item / blocks * units + item % blocks * Self.block }
    var cost: Double { Double(rows) * Double(channels) * Double(units) / 2 }

    func compute<T: LoopElement>(_ items: Range<Int>, _ xs: [UnsafePointer<T>], _ y: UnsafeMutablePointer<T>) {
        let (x, kernel) = (xs[0], xs[1])
        var sums = [Double](repeating: 0, count: Self.block)
        sums.withUnsafeMutableBufferPointer { sums in
            for item in items {
                let (row, first) = (item / blocks, item % blocks * Self.block)
                let width = min(Self.block, units - first)
                for column in 0..<width { sums[column] = 0 }
                for channel in 0..<channels {
                    let value = x[row * channels + channel].double
                    let weights = kernel + channel * units + first
                    for column in 0..<width { sums[column] += value * weights[column].double }
                }
                let target = y + start(ofItem: item)
                for column in 0..<width { target[column] = T(double: sums[column] + (usesBias ? xs[2][first + column].double : 0)) }
            }
        }
    }
}

/// The sums of a `Dot` layer: along an axis of either input, for each sample and each pair of places of their other axes.
struct DotLoop: TensorLoop {
    /// An input as seen from the axis that is summed along: the places before it in a sample, its own, and those behind.
    private struct Side {
        let extent: Int
        let after: Int
        let others: Int

        init(_ shape: [Int], place: Int) {
            extent = shape[place]
            after = Checked.clampedCount(shape.dropFirst(place + 1))
            others = Checked.clampedProduct(Checked.clampedCount(shape[1..<place]), after)
        }

        /// Where the sum of one of the other places begins.
        func start(_ other: Int) -> Int { other / after * extent * after + other % after }
    }

    private let batch: Int
    private let first: Side
    private let second: Side

    init(_ shapes: [[Int]], places: [Int]) {
        batch = shapes[0][0]
        (first, second) = (Side(shapes[0], place: places[0]), Side(shapes[1], place: places[1]))
    }

    var itemCount: Int { Checked.clampedProduct(batch, first.others) }
    func start(ofItem item: Int) -> Int { item * second.others }
    var cost: Double { Double(itemCount) * Double(second.others) * Double(first.extent) }

    func compute<T: LoopElement>(_ items: Range<Int>, _ xs: [UnsafePointer<T>], _ y: UnsafeMutablePointer<T>) {
        for item in items {
            let (sample, other) = (item / first.others, item % first.others)
            let x = xs[0] + sample * first.others * first.extent + first.start(other)
            let w = xs[1] + sample * second.others * second.extent
            for column in 0..<second.others {
                let start = w + second.start(column)
                var sum = 0.0
                for index in 0..<first.extent { sum += x[index * first.after].double * start[index * second.after].double }
                y[item * second.others + column] = T(double: sum)
            }
        }
    }
}
