import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors

/// What one layer takes with one kernel. Times in seconds.
public struct LayerMeasurement: Sendable {
    /// The kernel, and why it was chosen.
    public let choice: KernelChoice
    /// Threads asked for.
    public let threads: Int
    /// Calls into resident memory.
    public let timing: CallTiming
    /// One call into memory the system had to supply first, and the minor page faults it met.
    public let freshSeconds: Double
    /// Minor page faults of that call.
    public let freshPageFaults: Int
    /// The interpreter on the same operands and as many threads.
    public let interpreterSeconds: Double
    /// Operations of one call: two per multiply-add that meets an input.
    public let flopCount: Int
    /// Multiply-add peak of one thread in GFLOP/s with the vectors and elements of the kernel, the best of the probes before and after; nil where
    /// there is none.
    public let peakPerThread: Double?
    /// Largest error of the timed answer in units of what rounding can explain; at most 1.
    public let worstErrorOverBound: Double

    /// Useful operations of the median call, in 10^9 per second.
    public var gigaflopsPerSecond: Double { Double(flopCount) / timing.median / 1e9 }
    /// Fraction of the peak of all threads taking part.
    public var shareOfPeak: Double? { peakPerThread.map { gigaflopsPerSecond / ($0 * Double(threads)) } }
    /// Interpreter time over median time.
    public var speedUp: Double { interpreterSeconds / timing.median }
}

/// Why a measurement does not count.
public enum BenchmarkError: Error, Hashable, Sendable, CustomStringConvertible {
    case wrongAnswer(kernel: String, index: Int, received: Double, expected: Double, bound: Double)
    case unsupportedOperation(String)
    case chainTooLong(Int)
    /// Bytes that operands and result take, and that there are.
    case notEnoughMemory(key: String, needed: Int, available: Int)

    public var description: String {
        let sentence: Sentence = switch self {
        case .wrongAnswer(let kernel, let index, let received, let expected, let bound):
            "Kernel \(kernel) computed \(received) as element \(index) of its result; expected \(expected) within \(bound)."
        case .notEnoughMemory(let key, let needed, let available):
            "Measuring \(key) takes \(needed) bytes at once; expected at most the \(available) that are available."
        case .unsupportedOperation(let operation): "Received the operation \(operation) to measure; expected a convolution, transposed or ordinary."
        case .chainTooLong(let chain): "Received a layer that adds \(chain) products; expected fewer than 2^23, as no error bound exists beyond."
        }
        return sentence.text
    }
}

/// Measures one layer on random operands of the size real ones have, and checks the answer it times.
public struct LayerBenchmark: Sendable {
    private let spec: KernelSpec
    private let choice: KernelChoice
    private let threads: Int
    private let batch: Int
    private let minimumCalls: Int
    private let seconds: Double
    private let seed: UInt64

    /// - Parameters:
    ///   - spec: a forward problem, activation included.
    ///   - choice: the kernel for it.
    ///   - threads: threads to use; the result is bitwise the same for any number.
    ///   - batch: number of samples.
    ///   - minimumCalls: the median is of at least so many calls and so long a time.
    ///   - seconds: as `minimumCalls`.
    ///   - seed: of the random operands.
    /// - Throws: `BenchmarkError` for other operations, and for sums so long that no error bound exists.
    public init(
        _ spec: KernelSpec, choice: KernelChoice, threads: Int = ThreadPool.defaultThreadCount, batch: Int = 1,
        minimumCalls: Int = 20, seconds: Double = 0.5, seed: UInt64 = 1
    ) throws(BenchmarkError) {
        try AnswerCheck.checkIsPossible(for: spec)
        self.spec = spec
        self.choice = choice
        self.threads = threads
        self.batch = batch
        self.minimumCalls = minimumCalls
        self.seconds = seconds
        self.seed = seed
    }

    /// Whether a measurement finds the memory for its operands and its result. Each may find its own alone, and even the interpreter's
    /// tables take gigabytes for the largest layers.
    /// - Throws: `BenchmarkError.notEnoughMemory`.
    package static func checkMemory(for spec: KernelSpec, batch: Int) throws(BenchmarkError) {
        let shapes = [spec.inputShape(batch: batch), spec.outputShape(batch: batch), spec.geometry.kernelShape]
        let elements = shapes.reduce(0) { Checked.clampedSum($0, Checked.clampedCount($1)) }
        let needed = Checked.clampedProduct(elements, spec.elements.storage.byteCount)
        let available = AvailableMemory.byteCount
        if needed > available { throw .notEnoughMemory(key: spec.key.text, needed: needed, available: available) }
    }

    /// Runs everything: kernel, interpreter, check, peak.
    /// - Throws: `BenchmarkError.wrongAnswer` when the timed answer is wrong, `.notEnoughMemory` before any is taken; `TensorError`, `KernelError`.
    public func run() throws -> LayerMeasurement {
        let operands = try LayerOperands(spec, batch: batch, seed: seed)
        let layer = try PreparedLayer(spec: spec, choice: choice, weights: operands.weights, bias: operands.bias)
        var y = try Tensor(zeros: spec.outputShape(batch: batch), spec.elements.result)

        let before = peak()
        let timing = try CallTiming.measure(
            layer, operands.x, into: &y, threads: threads, minimumCalls: minimumCalls, seconds: seconds)
        let after = peak()

        StoragePool.shared.trim()
        let faults = minorPageFaults()
        let fresh = try CallTiming.time { _ = try layer.call(operands.x, threads: threads) }
        let freshFaults = minorPageFaults() - faults

        let check = AnswerCheck(spec, operands, batch: batch, threads: threads)
        let worst = try check.worstErrorOverBound(y, of: choice)
        return LayerMeasurement(
            choice: choice, threads: threads, timing: timing, freshSeconds: fresh, freshPageFaults: freshFaults,
            interpreterSeconds: choice.isSpecialized ? try interpreterSeconds(operands, into: &y) : timing.median,
            flopCount: Checked.clampedProduct(spec.geometry.flopCount, batch), peakPerThread: [before, after].compactMap(\.self).max(),
            worstErrorOverBound: worst)
    }

    /// What the vectors of the kernel's instruction set could do: the best of three probes, as others may use the machine too.
    private func peak() -> Double? {
        let made = (choice.kernel as? SpecializedKernel).flatMap { try? Target(named: $0.descriptor.target) }
        let bytes = (made ?? HostCPU.nativeTarget).vectorBytes
        let float32 = (0..<3).compactMap { _ in HostCPU.measuredPeak(vectorBytes: bytes) }.max()
        // A vector holds half as many doubles.
        return float32.map { $0 * 4 / Double(spec.elements.accumulator.byteCount) }
    }

    private func interpreterSeconds(_ operands: LayerOperands, into y: inout Tensor) throws -> Double {
        let layer = try PreparedLayer(
            spec: spec, choice: .interpreter(spec, reason: "compared with"), weights: operands.weights, bias: operands.bias)
        return try CallTiming.measure(
            layer, operands.x, into: &y, threads: threads, minimumCalls: 3, seconds: 0, maximumSeconds: 1
        ).median
    }
}
