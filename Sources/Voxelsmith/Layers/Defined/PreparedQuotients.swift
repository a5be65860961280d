import Glibc
import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

extension GlobalPoolingRule: LoopRule {
    func onlyLoop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall {
        let start = layout.firstSpatialAxis
        let reduction = Reduction(isMaximum ? .maximum : .mean, inputs[0], over: Array(start..<start + 3))
        let preparation = LoopPreparation(numberCount: Checked.clampedSum(reduction.resultCount, reduction.workCount)) { x, type, numbers, threads in
            reduction.run(x, type, to: numbers, work: numbers + reduction.resultCount, threads: threads)
        }
        return LoopCall(QuotientLoop(shape, by: nil), [.prepared], preparation: preparation)
    }
}

extension SoftmaxRule: LoopRule {
    /// All in double precision, so that the differences from the largest number are not rounded before they are exponents.
    func onlyLoop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall {
        let places = try axes.map { try Activation.index(ofAxis: $0, rank: shape.count) }
        let (largest, sum) = (Reduction(.maximum, shape, over: places), Reduction(.sum, shape, over: places))
        let kept = AxisNumbers(preparedFrom: 0, places: largest.kept.places, extents: largest.kept.extents, rank: shape.count)
        let axes = StridedAxes(shape, [kept.steps])
        let (count, elementCount) = (largest.resultCount, axes.elementCount)
        let total = [elementCount, count, max(largest.workCount, sum.workCount)].reduce(0) { Checked.clampedSum($0, $1) }
        // The powers, then what each kept place has: the largest number first, the sum of the powers afterwards.
        let preparation = LoopPreparation(numberCount: total) { x, type, powers, threads in
            let (own, work) = (powers + elementCount, powers + elementCount + count)
            largest.run(x, type, to: own, work: work, threads: threads)
            LoopThreads.run(threads, items: axes.rowCount, cost: Double(elementCount) * 10) { rows in
                if type == .float64 {
                    Self.exponentials(axes, rows, x.assumingMemoryBound(to: Double.self), own, powers)
                } else {
                    Self.exponentials(axes, rows, x.assumingMemoryBound(to: Float.self), own, powers)
                }
            }
            sum.run(UnsafeRawPointer(powers), .float64, to: own, work: work, threads: threads)
        }
        return LoopCall(QuotientLoop(shape, by: kept.steps), [.prepared], preparation: preparation)
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
