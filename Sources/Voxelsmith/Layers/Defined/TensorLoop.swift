import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors

/// An element type that loops over tensors compute with. The conversions are requirements because the generic ones of `BinaryFloatingPoint`
/// are not always reduced to an instruction.
protocol LoopElement: BitwiseCopyable, Sendable {
    var double: Double { get }
    /// Rounds once.
    init(double: Double)
}

extension Float: LoopElement {
    @inline(__always) var double: Double { Double(self) }
    @inline(__always) init(double: Double) { self = Float(double) }
}

extension Double: LoopElement {
    @inline(__always) var double: Double { self }
    @inline(__always) init(double: Double) { self = double }
}

/// How a tensor is computed from others, in pieces that are independent of each other. Which pieces one thread computes changes nothing in
/// any of them, so results have the same bits for any number of threads. Everything is computed in double precision and rounded once where
/// it is stored, unless a loop says otherwise.
protocol TensorLoop: Sendable {
    /// The number of pieces.
    var itemCount: Int { get }
    /// Nanoseconds that all pieces take one thread, roughly.
    var cost: Double { get }
    /// Whether each element of the result depends on the same element of the first operand, so that the result may lie where that does.
    var isElementwise: Bool { get }
    /// Where the elements of a piece begin in the result: pieces are parts of it that follow each other. That of the number of pieces is the end.
    func start(ofItem item: Int) -> Int
    /// Computes some of the pieces, which write every element of the result between them. Loops have one generic function for both types; as
    /// there are two requirements, either type has code of its own. (A generic requirement called through a protocol has not: 20 ns for each
    /// element that is copied.)
    func compute(_ items: Range<Int>, _ xs: [UnsafePointer<Float>], _ y: UnsafeMutablePointer<Float>)
    func compute(_ items: Range<Int>, _ xs: [UnsafePointer<Double>], _ y: UnsafeMutablePointer<Double>)
}

extension TensorLoop {
    var isElementwise: Bool { false }

    /// Computes all pieces in memory of the caller, which stays where it is meanwhile.
    /// - Parameter activation: pointwise; applied to what a few pieces have written, while that is in the caches.
    func run(
        _ xs: [UnsafeRawPointer], to y: UnsafeMutableRawPointer, type: ElementType, then activation: Activation = .linear, threads: Int
    ) {
        let cost = cost + (activation == .linear ? 0 : Double(start(ofItem: itemCount)) * 2)
        if type == .float64 {
            let (pointers, target) = (xs.map { $0.assumingMemoryBound(to: Double.self) }, y.assumingMemoryBound(to: Double.self))
            LoopThreads.run(threads, items: itemCount, cost: cost) { range in
                forEachPart(of: range, activation, y, type) { compute($0, pointers, target) }
            }
        } else {
            let (pointers, target) = (xs.map { $0.assumingMemoryBound(to: Float.self) }, y.assumingMemoryBound(to: Float.self))
            LoopThreads.run(threads, items: itemCount, cost: cost) { range in
                forEachPart(of: range, activation, y, type) { compute($0, pointers, target) }
            }
        }
    }

    /// Calls `compute` for all items at once; or for some at a time, what they have written being given to the activation then.
    private func forEachPart(
        of items: Range<Int>, _ activation: Activation, _ y: UnsafeMutableRawPointer, _ type: ElementType, _ compute: (Range<Int>) -> Void
    ) {
        if activation == .linear { return compute(items) }
        // Items are of nearly one size.
        let size = max(1, start(ofItem: itemCount) / max(1, itemCount))
        for first in stride(from: items.lowerBound, to: items.upperBound, by: max(1, Self.elementsAtATime / size)) {
            let part = first..<min(items.upperBound, first + max(1, Self.elementsAtATime / size))
            compute(part)
            let (begin, end) = (start(ofItem: part.lowerBound), start(ofItem: part.upperBound))
            ActivationArithmetic.apply(activation, to: y + begin * type.byteCount, type: type, rowLength: end - begin, rows: 0..<1)
        }
    }

    /// As many as a block has (`RowBlocks`).
    private static var elementsAtATime: Int { 8192 }
}

/// The threads of loops over tensors.
enum LoopThreads {
    /// Calls `body` with ranges of the items, on threads of the pool.
    /// - Parameter cost: nanoseconds that all items take one thread, roughly.
    static func run(_ threads: Int, items: Int, cost: Double, _ body: (Range<Int>) -> Void) {
        func work(_ participant: Int, _ range: Range<Int>) throws(KernelError) { body(range) }
        // The body throws nothing, so neither does the call.
        try? ThreadPool.shared.run(threads: threads, items: items, cost: CallCost(nanoseconds: cost), work)
    }
}

extension Tensor {
    /// How far neighbours along each axis lie apart, in elements.
    static func steps(_ shape: [Int]) -> [Int] {
        var steps = [Int](repeating: 1, count: shape.count)
        for axis in shape.indices.dropLast().reversed() { steps[axis] = Checked.clampedProduct(steps[axis + 1], shape[axis + 1]) }
        return steps
    }
}
