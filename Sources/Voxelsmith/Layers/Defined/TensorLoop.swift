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
    /// Computes some of the pieces, which write every element of the result between them. Loops have one generic function for both types; as
    /// there are two requirements, either type has code of its own. (A generic requirement called through a protocol has not: 20 ns for each
    /// element that is copied.)
    func compute(_ items: Range<Int>, _ xs: [UnsafePointer<Float>], _ y: UnsafeMutablePointer<Float>)
    func compute(_ items: Range<Int>, _ xs: [UnsafePointer<Double>], _ y: UnsafeMutablePointer<Double>)
}

extension TensorLoop {
    var isElementwise: Bool { false }

    /// A result of the type of the inputs, float32 or float64.
    /// - Throws: `TensorError`.
    func run(_ xs: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        var y = try Tensor(uninitialized: shape, xs.first?.elementType ?? .float32)
        if y.elementCount == 0 { return y }
        let type = y.elementType
        try y.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            // Elements stay where they are while their tensor lives. A closure inside of another for each operand would take a piece of the
            // stack for each, and a file may name very many.
            let pointers = xs.compactMap { x in x.withUnsafeBytes { $0.baseAddress } }
            withExtendedLifetime(xs) { run(pointers, to: start, type: type, threads: threads) }
        }
        return y
    }

    /// Computes all pieces in memory of the caller, which stays where it is meanwhile.
    func run(_ xs: [UnsafeRawPointer], to y: UnsafeMutableRawPointer, type: ElementType, threads: Int) {
        if type == .float64 {
            let (pointers, target) = (xs.map { $0.assumingMemoryBound(to: Double.self) }, y.assumingMemoryBound(to: Double.self))
            LoopThreads.run(threads, items: itemCount, cost: cost) { compute($0, pointers, target) }
        } else {
            let (pointers, target) = (xs.map { $0.assumingMemoryBound(to: Float.self) }, y.assumingMemoryBound(to: Float.self))
            LoopThreads.run(threads, items: itemCount, cost: cost) { compute($0, pointers, target) }
        }
    }
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
