import Glibc
import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

/// Several tensors of shapes that can be broadcast, folded by a function of two numbers: from the first on, each result rounded.
struct FoldLoop: TensorLoop {
    let axes: StridedAxes
    let function: ElementFunction
    /// Whether the result is divided by the number of operands.
    let isMean: Bool
    /// The first operand is read before anything is written over it, unless it is repeated along an axis.
    let isElementwise: Bool

    /// - Parameter shapes: of the operands, aligned at the last axis.
    init(_ function: ElementFunction, _ shapes: [[Int]], to shape: [Int], isMean: Bool = false) {
        (self.function, self.isMean) = (function, isMean)
        axes = StridedAxes(shape, shapes.map { StridedAxes.steps(of: $0, rank: shape.count) })
        isElementwise = Checked.clampedCount(shapes.first ?? []) == Checked.clampedCount(shape)
    }

    var itemCount: Int { axes.rowCount }
    var cost: Double { Double(axes.elementCount) * Double(axes.steps.count) * (function == .power ? 40 : 1) }

    func compute<T: LoopElement>(_ items: Range<Int>, _ xs: [UnsafePointer<T>], _ y: UnsafeMutablePointer<T>) {
        switch function {
        case .add: fold(items, xs, y) { $0 + $1 }
        case .subtract: fold(items, xs, y) { $0 - $1 }
        case .multiply: fold(items, xs, y) { $0 * $1 }
        case .divide: fold(items, xs, y) { $0 / $1 }
        // A NaN among the operands is the result.
        case .maximum: fold(items, xs, y) { $0 > $1 || $0.isNaN ? $0 : $1 }
        case .minimum: fold(items, xs, y) { $0 < $1 || $0.isNaN ? $0 : $1 }
        case .power: fold(items, xs, y) { pow($0, $1) }
        case .negative: map(items, xs, y) { -$0 }
        case .absolute: map(items, xs, y) { abs($0) }
        case .square: map(items, xs, y) { $0 * $0 }
        case .squareRoot: map(items, xs, y) { $0.squareRoot() }
        case .reciprocalRoot: map(items, xs, y) { 1 / $0.squareRoot() }
        case .reciprocal: map(items, xs, y) { 1 / $0 }
        case .exponential: map(items, xs, y) { exp($0) }
        case .logarithm: map(items, xs, y) { log($0) }
        }
    }

    @inline(__always)
    private func fold<T: LoopElement>(
        _ items: Range<Int>, _ xs: [UnsafePointer<T>], _ y: UnsafeMutablePointer<T>, _ function: (Double, Double) -> Double
    ) {
        let steps = axes.rowSteps
        let count = Double(xs.count)
        axes.forEachRow(items) { row in
            let target = y + row.start
            for (operand, x) in xs.enumerated() {
                let (source, step) = (x + row.places[operand], steps[operand])
                if operand == 0 {
                    for index in 0..<row.count { target[index] = source[index * step] }
                } else {
                    for index in 0..<row.count { target[index] = T(double: function(target[index].double, source[index * step].double)) }
                }
            }
            if isMean { for index in 0..<row.count { target[index] = T(double: target[index].double / count) } }
        }
    }

    @inline(__always)
    private func map<T: LoopElement>(
        _ items: Range<Int>, _ xs: [UnsafePointer<T>], _ y: UnsafeMutablePointer<T>, _ function: (Double) -> Double
    ) {
        guard let x = xs.first else { return }
        axes.forEachRow(items) { row in
            for index in row.start..<row.start + row.count { y[index] = T(double: function(x[index].double)) }
        }
    }
}

/// Numbers that a loop has besides its tensors, and how far it moves among them along each axis of the tensor.
struct AxisNumbers {
    let values: [Double]
    let steps: [Int]

    /// The same number everywhere.
    init(_ value: Double, rank: Int) { (values, steps) = ([value], Array(repeating: 0, count: rank)) }

    /// - Parameters:
    ///   - values: one for each place of the axes `places` of a tensor, the first of them outermost.
    ///   - extents: of those axes; 1 for one that the numbers are repeated along.
    init(_ values: [Double], places: [Int], extents: [Int], rank: Int) {
        var steps = [Int](repeating: 0, count: rank)
        for (place, (extent, step)) in zip(places, zip(extents, Tensor.steps(extents))) where extent != 1 { steps[place] = step }
        (self.values, self.steps) = (values, steps)
    }
}

/// `(x - shift) * factor * gamma + beta`, each number depending on some axes.
struct AffineLoop: TensorLoop {
    let axes: StridedAxes
    let shift: AxisNumbers
    let factor: AxisNumbers
    let gamma: AxisNumbers
    let beta: AxisNumbers

    /// - Parameter shape: of the tensor; its elements may be seen under another shape than its own.
    init(_ shape: [Int], shift: AxisNumbers, factor: AxisNumbers, gamma: AxisNumbers, beta: AxisNumbers) {
        (self.shift, self.factor, self.gamma, self.beta) = (shift, factor, gamma, beta)
        axes = StridedAxes(shape, [shift.steps, factor.steps, gamma.steps, beta.steps])
    }

    var itemCount: Int { axes.rowCount }
    var cost: Double { Double(axes.elementCount) * 2 }
    var isElementwise: Bool { true }

    func compute<T: LoopElement>(_ items: Range<Int>, _ xs: [UnsafePointer<T>], _ y: UnsafeMutablePointer<T>) {
        let x = xs[0]
        let steps = axes.rowSteps
        shift.values.withUnsafeBufferPointer { shift in
            factor.values.withUnsafeBufferPointer { factor in
                gamma.values.withUnsafeBufferPointer { gamma in
                    beta.values.withUnsafeBufferPointer { beta in
                        axes.forEachRow(items) { row in
                            var (a, b, c, d) = (row.places[0], row.places[1], row.places[2], row.places[3])
                            for index in row.start..<row.start + row.count {
                                y[index] = T(double: (x[index].double - shift[a]) * factor[b] * gamma[c] + beta[d])
                                a += steps[0]
                                b += steps[1]
                                c += steps[2]
                                d += steps[3]
                            }
                        }
                    }
                }
            }
        }
    }
}

/// `x` where it is positive, `alpha * x` elsewhere.
struct SlopeLoop: TensorLoop {
    let axes: StridedAxes
    let alpha: AxisNumbers

    init(_ shape: [Int], alpha: AxisNumbers) {
        self.alpha = alpha
        axes = StridedAxes(shape, [alpha.steps])
    }

    var itemCount: Int { axes.rowCount }
    var cost: Double { Double(axes.elementCount) }
    var isElementwise: Bool { true }

    func compute<T: LoopElement>(_ items: Range<Int>, _ xs: [UnsafePointer<T>], _ y: UnsafeMutablePointer<T>) {
        let x = xs[0]
        let step = axes.rowSteps[0]
        alpha.values.withUnsafeBufferPointer { alpha in
            axes.forEachRow(items) { row in
                var place = row.places[0]
                for index in row.start..<row.start + row.count {
                    let value = x[index].double
                    y[index] = T(double: value > 0 ? value : alpha[place] * value)
                    place += step
                }
            }
        }
    }
}
