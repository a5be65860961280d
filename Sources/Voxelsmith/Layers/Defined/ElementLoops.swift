import CVoxLoops
import Glibc
import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

/// Several tensors of shapes that can be broadcast, folded by a function of two numbers: from the first on, each result rounded.
struct FoldLoop: TensorLoop {
    private let axes: StridedAxes
    private let blocks: RowBlocks
    let function: ElementFunction
    /// Whether the result is divided by the number of operands.
    let isMean: Bool
    /// The first operand is read before anything is written over it, unless it is repeated along an axis.
    let isElementwise: Bool

    /// - Parameter shapes: of the operands, aligned at the last axis.
    init(_ function: ElementFunction, _ shapes: [[Int]], to shape: [Int], isMean: Bool = false) {
        (self.function, self.isMean) = (function, isMean)
        axes = StridedAxes(shape, shapes.map { StridedAxes.steps(of: $0, rank: shape.count) })
        blocks = RowBlocks(axes)
        isElementwise = Checked.clampedCount(shapes.first ?? []) == Checked.clampedCount(shape)
    }

    var itemCount: Int { blockFunction == nil ? axes.rowCount : blocks.itemCount }
    func start(ofItem item: Int) -> Int { blockFunction == nil ? axes.start(ofRow: item) : blocks.start(ofItem: item) }
    var cost: Double { Double(axes.elementCount) * Double(axes.steps.count) * (blockFunction == nil ? 10 : 0.3) }

    /// What is computed block by block; nil for what is computed row by row.
    private var blockFunction: vs_function? {
        switch function {
        case .add: VS_ADD
        case .subtract: VS_SUBTRACT
        case .multiply: VS_MULTIPLY
        case .divide: VS_DIVIDE
        case .maximum: VS_MAXIMUM
        case .minimum: VS_MINIMUM
        default: nil
        }
    }

    func compute<T: LoopElement>(_ items: Range<Int>, _ xs: [UnsafePointer<T>], _ y: UnsafeMutablePointer<T>) {
        if let blockFunction { return fold(items, xs, y, blockFunction) }
        switch function {
        case .power: power(items, xs, y)
        case .negative: map(items, xs, y) { -$0 }
        case .absolute: map(items, xs, y) { abs($0) }
        case .square: map(items, xs, y) { $0 * $0 }
        case .squareRoot: map(items, xs, y) { $0.squareRoot() }
        case .reciprocalRoot: map(items, xs, y) { 1 / $0.squareRoot() }
        case .reciprocal: map(items, xs, y) { 1 / $0 }
        case .exponential: map(items, xs, y) { exp($0) }
        case .logarithm: map(items, xs, y) { log($0) }
        case .add, .subtract, .multiply, .divide, .maximum, .minimum: break
        }
    }

    private func fold<T: LoopElement>(_ items: Range<Int>, _ xs: [UnsafePointer<T>], _ y: UnsafeMutablePointer<T>, _ function: vs_function) {
        let bytes = Int32(MemoryLayout<T>.size)
        var count = T(double: Double(xs.count))
        blocks.forEach(items) { block in
            let target = y + block.start
            for (operand, x) in xs.enumerated() {
                vs_fold(
                    operand == 0 ? VS_COPY : function, bytes, block.shape, target, x + block.places[operand], Int64(blocks.rowSteps[operand]),
                    Int64(blocks.laneSteps[operand]))
            }
            if isMean { vs_fold(VS_DIVIDE, bytes, block.shape, target, &count, 0, 0) }
        }
    }

    private func power<T: LoopElement>(_ items: Range<Int>, _ xs: [UnsafePointer<T>], _ y: UnsafeMutablePointer<T>) {
        let steps = axes.rowSteps
        axes.forEachRow(items) { row in
            let target = y + row.start
            for (operand, x) in xs.enumerated() {
                let (source, step) = (x + row.places[operand], steps[operand])
                for index in 0..<row.count {
                    let value = source[index * step]
                    target[index] = operand == 0 ? value : T(double: pow(target[index].double, value.double))
                }
            }
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
    /// None for those that a call prepares.
    let values: [Double]
    /// Where those begin among the prepared ones; nil for numbers that are known.
    let preparedStart: Int?
    let steps: [Int]

    private init(values: [Double], steps: [Int]) { (self.values, preparedStart, self.steps) = (values, nil, steps) }

    /// The same number everywhere.
    init(_ value: Double, rank: Int) { self.init(values: [value], steps: Array(repeating: 0, count: rank)) }

    /// Numbers that a call prepares.
    /// - Parameters: as of the next one.
    init(preparedFrom start: Int, places: [Int], extents: [Int], rank: Int) {
        (values, preparedStart, steps) = ([], start, Self.steps(places, extents, rank: rank))
    }

    /// - Parameters:
    ///   - values: one for each place of the axes `places` of a tensor, the first of them outermost.
    ///   - extents: of those axes; 1 for one that the numbers are repeated along.
    init(_ values: [Double], places: [Int], extents: [Int], rank: Int) {
        self.init(values: values, steps: Self.steps(places, extents, rank: rank))
    }

    private static func steps(_ places: [Int], _ extents: [Int], rank: Int) -> [Int] {
        var steps = [Int](repeating: 0, count: rank)
        for (place, (extent, step)) in zip(places, zip(extents, Tensor.steps(extents))) where extent != 1 { steps[place] = step }
        return steps
    }
}

extension AxisNumbers {
    /// Two of them, the one that is a single number repeated as often as the other has numbers: loops take both along the same axes then.
    fileprivate static func alike(_ first: AxisNumbers, _ second: AxisNumbers) -> [AxisNumbers] {
        func isSingle(_ numbers: AxisNumbers) -> Bool { numbers.values.count == 1 && numbers.steps.allSatisfy { $0 == 0 } }
        func single(_ numbers: AxisNumbers, as other: AxisNumbers) -> AxisNumbers {
            isSingle(numbers) && other.values.count <= mostRepeated
                ? AxisNumbers(values: Array(repeating: numbers.values[0], count: other.values.count), steps: other.steps) : numbers
        }
        return [single(first, as: second), single(second, as: first)]
    }

    private static let mostRepeated = 1 << 20
}

/// `(x - shift) * factor * gamma + beta`, each number depending on some axes. Where some are prepared, they are a second operand.
struct AffineLoop: TensorLoop {
    private let blocks: RowBlocks
    private let elementCount: Int
    private let numbers: [AxisNumbers]

    /// - Parameter shape: of the tensor; its elements may be seen under another shape than its own.
    init(_ shape: [Int], shift: AxisNumbers, factor: AxisNumbers, gamma: AxisNumbers, beta: AxisNumbers) {
        numbers = AxisNumbers.alike(shift, factor) + AxisNumbers.alike(gamma, beta)
        let axes = StridedAxes(shape, numbers.map(\.steps))
        (blocks, elementCount) = (RowBlocks(axes), axes.elementCount)
    }

    var itemCount: Int { blocks.itemCount }
    func start(ofItem item: Int) -> Int { blocks.start(ofItem: item) }
    var cost: Double { Double(elementCount) * 0.5 }
    var isElementwise: Bool { true }

    func compute<T: LoopElement>(_ items: Range<Int>, _ xs: [UnsafePointer<T>], _ y: UnsafeMutablePointer<T>) {
        let prepared = xs.count > 1 ? UnsafeRawPointer(xs[1]).assumingMemoryBound(to: Double.self) : nil
        numbers[0].values.withUnsafeBufferPointer { shift in
            numbers[1].values.withUnsafeBufferPointer { factor in
                numbers[2].values.withUnsafeBufferPointer { gamma in
                    numbers[3].values.withUnsafeBufferPointer { beta in
                        let known = [shift.baseAddress, factor.baseAddress, gamma.baseAddress, beta.baseAddress]
                        let starts = zip(numbers, known).map { numbers, known in numbers.preparedStart.flatMap { start in prepared.map { $0 + start } } ?? known }
                        compute(items, xs[0], y, starts)
                    }
                }
            }
        }
    }

    private func compute<T: LoopElement>(
        _ items: Range<Int>, _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ starts: [UnsafePointer<Double>?]
    ) {
        blocks.forEach(items) { block in
            let own = starts.indices.map { index in
                vs_numbers(
                    values: starts[index].map { $0 + block.places[index] }, row_step: Int64(blocks.rowSteps[index]),
                    lane_step: Int64(blocks.laneSteps[index]))
            }
            vs_affine(Int32(MemoryLayout<T>.size), block.shape, x + block.start, y + block.start, own)
        }
    }
}

/// `x` where it is positive, `alpha * x` elsewhere.
struct SlopeLoop: TensorLoop {
    private let blocks: RowBlocks
    private let elementCount: Int
    private let alpha: AxisNumbers

    init(_ shape: [Int], alpha: AxisNumbers) {
        self.alpha = alpha
        let axes = StridedAxes(shape, [alpha.steps])
        (blocks, elementCount) = (RowBlocks(axes), axes.elementCount)
    }

    var itemCount: Int { blocks.itemCount }
    func start(ofItem item: Int) -> Int { blocks.start(ofItem: item) }
    var cost: Double { Double(elementCount) * 0.4 }
    var isElementwise: Bool { true }

    func compute<T: LoopElement>(_ items: Range<Int>, _ xs: [UnsafePointer<T>], _ y: UnsafeMutablePointer<T>) {
        let x = xs[0]
        alpha.values.withUnsafeBufferPointer { values in
            blocks.forEach(items) { block in
                let own = vs_numbers(
                    values: values.baseAddress.map { $0 + block.places[0] }, row_step: Int64(blocks.rowSteps[0]),
                    lane_step: Int64(blocks.laneSteps[0]))
                vs_slope(Int32(MemoryLayout<T>.size), block.shape, x + block.start, y + block.start, own)
            }
        }
    }
}
