import Glibc
import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

extension GlobalPoolingRule: LoopRule {
    func onlyLoop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall {
        let start = layout.firstSpatialAxis
        return .reducing(inputs[0], isMaximum ? .maximum : .mean, over: Array(start..<start + 3), to: shape)
    }
}

extension LoopCall {
    /// A number of all elements of the input that share their place along the other axes than `places`.
    /// - Parameter shape: of the result, which has as many elements as there are such places.
    static func reducing(_ input: [Int], _ function: Reduction.Function, over places: [Int], to shape: [Int]) -> LoopCall {
        let reduction = Reduction(function, input, over: places)
        let preparation = LoopPreparation(numberCount: Checked.clampedSum(reduction.resultCount, reduction.workCount)) { xs, type, numbers, threads in
            reduction.run(xs[0], type, to: numbers, work: numbers + reduction.resultCount, threads: threads)
        }
        return LoopCall(QuotientLoop(shape, by: nil), [.prepared], preparation: preparation)
    }
}

extension SoftmaxRule: LoopRule {
    /// What numbers count as that a mask takes out.
    private static let masked = -1e9

    /// All in double precision, so that the differences from the largest number are not rounded before they are exponents. With a mask, the second
    /// input, what it takes out has a share of 0.
    func onlyLoop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall {
        let places = try axes.map { try Activation.index(ofAxis: $0, rank: shape.count) }
        let (largest, sum) = (Reduction(.maximum, shape, over: places), Reduction(.sum, shape, over: places))
        let kept = AxisNumbers(preparedFrom: 0, places: largest.kept.places, extents: largest.kept.extents, rank: shape.count)
        let axes = StridedAxes(shape, [kept.steps])
        let mask = inputs.count > 1 ? StridedAxes(shape, [StridedAxes.steps(of: inputs[1], rank: shape.count)]) : nil
        let (count, elementCount) = (largest.resultCount, axes.elementCount)
        let total = [elementCount, count, max(largest.workCount, sum.workCount)].reduce(0) { Checked.clampedSum($0, $1) }
        // The powers, then what each kept place has: the largest number first, the sum of the powers afterwards.
        let preparation = LoopPreparation(numberCount: total) { xs, given, powers, threads in
            let (own, work) = (powers + elementCount, powers + elementCount + count)
            // What a mask leaves of the input lies where the powers will be.
            if let mask { Self.mask(mask, xs[0], xs[1], given, powers, threads: threads) }
            let (x, type) = mask == nil ? (xs[0], given) : (UnsafeRawPointer(powers), ElementType.float64)
            largest.run(x, type, to: own, work: work, threads: threads)
            LoopThreads.run(threads, items: axes.rowCount, cost: Double(elementCount) * 10) { rows in
                if type == .float64 {
                    Self.exponentials(axes, rows, x.assumingMemoryBound(to: Double.self), own, powers)
                } else {
                    Self.exponentials(axes, rows, x.assumingMemoryBound(to: Float.self), own, powers)
                }
            }
            sum.run(UnsafeRawPointer(powers), .float64, to: own, work: work, threads: threads)
            // Where a mask takes out all, each has a share of the sum.
            if let mask { Self.mask(mask, nil, xs[1], given, powers, threads: threads) }
        }
        return LoopCall(QuotientLoop(shape, by: kept.steps), [.prepared], preparation: preparation)
    }

    /// Takes out what a mask is at most a half for.
    /// - Parameter x: what the other numbers become; nil to leave them, and to make those zeros that are taken out.
    private static func mask(
        _ axes: StridedAxes, _ x: UnsafeRawPointer?, _ mask: UnsafeRawPointer, _ type: ElementType, _ y: UnsafeMutablePointer<Double>, threads: Int
    ) {
        func body<T: LoopElement>(_ rows: Range<Int>, _: T.Type) {
            let (source, kept, step) = (x?.assumingMemoryBound(to: T.self), mask.assumingMemoryBound(to: T.self), axes.rowSteps[0])
            axes.forEachRow(rows) { row in
                for index in 0..<row.count {
                    let (place, isKept) = (row.start + index, kept[row.places[0] + index * step].double > 0.5)
                    if let source {
                        y[place] = isKept ? source[place].double : masked
                    } else if !isKept {
                        y[place] = 0
                    }
                }
            }
        }
        LoopThreads.run(threads, items: axes.rowCount, cost: Double(axes.elementCount) * 2) { rows in
            if type == .float64 { body(rows, Double.self) } else { body(rows, Float.self) }
        }
    }

    private static func exponentials<T: LoopElement>(
        _ axes: StridedAxes, _ rows: Range<Int>, _ x: UnsafePointer<T>, _ largest: UnsafePointer<Double>, _ powers: UnsafeMutablePointer<Double>
    ) {
        let step = axes.rowSteps[0]
        axes.forEachRow(rows) { row in
            for index in 0..<row.count { powers[row.start + index] = exp(x[row.start + index].double - largest[row.places[0] + index * step]) }
        }
    }
}

/// Prepared numbers, one for each element; divided by others, which stand behind them, where there are any. Rounded once.
struct QuotientLoop: TensorLoop {
    private let axes: StridedAxes
    private let isDivided: Bool

    /// - Parameter steps: along each axis of the shape among the divisors; nil for none.
    init(_ shape: [Int], by steps: [Int]?) {
        axes = StridedAxes(shape, steps.map { [$0] } ?? [])
        isDivided = steps != nil
    }

    var itemCount: Int { axes.rowCount }
    var cost: Double { Double(axes.elementCount) * 2 }
    func start(ofItem item: Int) -> Int { axes.start(ofRow: item) }

    func compute<T: LoopElement>(_ items: Range<Int>, _ xs: [UnsafePointer<T>], _ y: UnsafeMutablePointer<T>) {
        let numbers = UnsafeRawPointer(xs[0]).assumingMemoryBound(to: Double.self)
        let divisors = numbers + axes.elementCount
        let step = isDivided ? axes.rowSteps[0] : 0
        axes.forEachRow(items) { row in
            for index in row.start..<row.start + row.count {
                y[index] = T(double: isDivided ? numbers[index] / divisors[row.places[0] + (index - row.start) * step] : numbers[index])
            }
        }
    }
}
