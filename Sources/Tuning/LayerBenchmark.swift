import KernelRuntime
import LayerSpec
import Tensors

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
    /// Multiply-add peak of one thread in GFLOP/s, the best of the probes before and after; nil where there is none.
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

    public var description: String {
        switch self {
        case .wrongAnswer(let kernel, let index, let received, let expected, let bound):
            "Kernel \(kernel) computed \(received) as element \(index) of its result; expected \(expected) within \(bound)."
        case .unsupportedOperation(let operation): "Received the operation \(operation) to measure; expected forward."
        case .chainTooLong(let chain): "Received a layer that adds \(chain) products; expected fewer than 2^23, as no error bound exists beyond."
        }
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

    /// Arguments:
    /// - `spec`: a forward problem, activation included.
    /// - `choice`: the kernel for it.
    /// - `minimumCalls`, `seconds`: the median is of at least so many calls and so long a time.
    /// - Throws: `BenchmarkError` for other operations, and for sums so long that no error bound exists.
    public init(
        _ spec: KernelSpec, choice: KernelChoice, threads: Int = ThreadPool.defaultThreadCount, batch: Int = 1,
        minimumCalls: Int = 20, seconds: Double = 0.5, seed: UInt64 = 1
    ) throws(BenchmarkError) {
        if spec.op != .forward { throw .unsupportedOperation(spec.op.rawValue) }
        if spec.geometry.longestChain >= 1 << 23 { throw .chainTooLong(spec.geometry.longestChain) }
        self.spec = spec
        self.choice = choice
        self.threads = threads
        self.batch = batch
        self.minimumCalls = minimumCalls
        self.seconds = seconds
        self.seed = seed
    }

    private struct Operands {
        let x: Tensor
        let weights: Tensor
        let bias: Tensor?

        func mapped(_ change: (Tensor) throws -> Tensor) rethrows -> Operands {
            Operands(x: try change(x), weights: try change(weights), bias: try bias.map(change))
        }
    }

    /// Runs everything: kernel, interpreter, check, peak.
    /// - Throws: `BenchmarkError.wrongAnswer` when the timed answer is wrong; `TensorError`, `KernelError`.
    public func run() throws -> LayerMeasurement {
        let operands = try randomOperands()
        let layer = try PreparedLayer(spec: spec, choice: choice, weights: operands.weights, bias: operands.bias)
        var y = try Tensor(zeros: spec.outputShape(batch: batch), spec.elements.storage)

        let before = Self.peak()
        let timing = try CallTiming.measure(
            layer, operands.x, into: &y, threads: threads, minimumCalls: minimumCalls, seconds: seconds)
        let after = Self.peak()

        StoragePool.shared.trim()
        let faults = minorPageFaults()
        let fresh = try CallTiming.time { _ = try layer.call(operands.x, threads: threads) }
        let freshFaults = minorPageFaults() - faults

        let worst = try worstErrorOverBound(y, operands)
        return LayerMeasurement(
            choice: choice, threads: threads, timing: timing, freshSeconds: fresh, freshPageFaults: freshFaults,
            interpreterSeconds: choice.isSpecialized ? try interpreterSeconds(operands, into: &y) : timing.median,
            flopCount: spec.geometry.flopCount * batch, peakPerThread: [before, after].compactMap(\.self).max(),
            worstErrorOverBound: worst)
    }

    /// The best of three probes, as others may use the machine too.
    private static func peak() -> Double? {
        (0..<3).compactMap { _ in HostCPU.measuredPeak(vectorBytes: HostCPU.nativeTarget.vectorBytes) }.max()
    }

    private func interpreterSeconds(_ operands: Operands, into y: inout Tensor) throws -> Double {
        let layer = try PreparedLayer(
            spec: spec, choice: .interpreter(spec, reason: "compared with"), weights: operands.weights, bias: operands.bias)
        return try CallTiming.measure(
            layer, operands.x, into: &y, threads: threads, minimumCalls: 3, seconds: 0, maximumSeconds: 1
        ).median
    }

    // MARK: Operands

    /// Inputs and biases in [-1, 1), weights as large as Glorot's initializer makes them.
    private func randomOperands() throws -> Operands {
        let geometry = spec.geometry
        var random = SeededRandom(seed: seed)
        let scale = (6 / Double(geometry.tapCount * (geometry.channelsPerGroup + geometry.filtersPerGroup))).squareRoot()
        return Operands(
            x: try randomTensor(spec.inputShape(batch: batch), scale: 1, &random),
            weights: try randomTensor(geometry.kernelShape, scale: scale, &random),
            bias: spec.epilogue.hasBias ? try randomTensor([spec.biasCount], scale: 1, &random) : nil)
    }

    private func randomTensor(_ shape: [Int], scale: Double, _ random: inout SeededRandom) throws -> Tensor {
        var tensor = try Tensor(uninitialized: shape, spec.elements.storage)
        try tensor.withUnsafeMutableBytes { bytes in
            if spec.elements.storage == .float64 {
                let values = bytes.bindMemory(to: Double.self)
                for index in values.indices { values[index] = scale * random.real() }
            } else {
                let values = bytes.bindMemory(to: Float.self)
                for index in values.indices { values[index] = Float(scale * random.real()) }
            }
        }
        return tensor
    }

    // MARK: Check

    /// Compares every element with the interpreter's, whose own rounding the bound includes. The interpreter itself is
    /// compared with its float64 loops.
    private func worstErrorOverBound(_ y: Tensor, _ operands: Operands) throws -> Double {
        let type = choice.isSpecialized ? spec.elements.storage : .float64
        let linear = KernelSpec(
            op: spec.op, geometry: spec.geometry, layout: spec.layout, elements: ElementTypes(type),
            epilogue: spec.epilogue.withoutActivation, policy: .direct)
        let converted = try operands.mapped { try $0.elementType == type ? $0 : Tensor(shape: $0.shape, $0.doubles) }
        let sums = try interpret(linear, converted)
        // Products and additions of the longest sum, and the bias.
        let chain = spec.geometry.longestChain + 1
        let magnitudes: Tensor
        let kernelChain: Int
        if choice.isSpecialized && choice.kernel.spec.policy == .fast {
            let bound = MinimalFilteringBound(choice.kernel.spec)
            magnitudes = try fastMagnitudes(bound, y, operands)
            kernelChain = bound.chain
        } else {
            magnitudes = try interpret(linear, converted.mapped(Self.absolute))
            kernelChain = chain
        }
        // 1.001: what the magnitudes lost to rounding.
        let factor = 1.001 * (ErrorBound.gamma(kernelChain, spec.elements.arithmetic) + ErrorBound.gamma(chain, type))
        return try y.withElements { received in
            try sums.withElements { sums in
                try magnitudes.withElements { magnitudes in
                    spec.epilogue.activation.isPointwise
                        ? try pointwise(received, sums, magnitudes, factor)
                        : try rowwise(received, sums, magnitudes, factor)
                }
            }
        }
    }

    /// What bounds a minimal-filtering kernel: for a sample of about 4000 elements, in whole rows, their own magnitudes, each of which
    /// costs as much as thousands of elements; for the others one that holds for the whole filter.
    private func fastMagnitudes(_ bound: MinimalFilteringBound, _ y: Tensor, _ operands: Operands) throws -> Tensor {
        let (x, weights, bias) = (operands.x.floats, operands.weights.floats, operands.bias?.floats)
        let largest = bound.largestMagnitudes(input: x, weights: weights, bias: bias)
        let length = y.shape.last ?? 1
        let rows = y.elementCount / max(1, length)
        let step = max(1, y.elementCount / 4000)
        return try Tensor(
            shape: y.shape,
            (0..<y.elementCount).map { index in
                let row = index / length
                return row % step == 0 || row == rows - 1
                    ? bound.magnitude(of: index, input: x, weights: weights, bias: bias) : largest[bound.position(of: index).filter]
            })
    }

    private func interpret(_ spec: KernelSpec, _ operands: Operands) throws -> Tensor {
        let layer = try PreparedLayer(
            spec: spec, choice: .interpreter(spec, reason: "reference"), weights: operands.weights, bias: operands.bias)
        return try layer.call(operands.x, threads: threads)
    }

    private static func absolute(_ tensor: Tensor) throws -> Tensor {
        var result = try Tensor(uninitialized: tensor.shape, tensor.elementType)
        try result.withUnsafeMutableBytes { bytes in
            tensor.withUnsafeBytes { source in
                if tensor.elementType == .float64 {
                    let (to, from) = (bytes.bindMemory(to: Double.self), source.bindMemory(to: Double.self))
                    for index in from.indices { to[index] = abs(from[index]) }
                } else {
                    let (to, from) = (bytes.bindMemory(to: Float.self), source.bindMemory(to: Float.self))
                    for index in from.indices { to[index] = abs(from[index]) }
                }
            }
        }
        return result
    }

    private func pointwise(_ received: Elements, _ sums: Elements, _ magnitudes: Elements, _ factor: Double) throws -> Double {
        let activation = spec.epilogue.activation
        var worst = 0.0
        for index in 0..<received.count {
            let sum = sums[index]
            let value = activation == .linear ? sum : ActivationArithmetic.value(activation, sum)
            let bound = ActivationBound.bound(activation, sum: sum, error: factor * magnitudes[index], value: value)
            worst = max(worst, try ratio(received[index], value, bound, at: index))
        }
        return worst
    }

    /// softmax: an error e in the largest exponents changes each quotient by a factor of at most exp(2e). log_softmax: by 2e.
    /// sparsemax: the mean of the running sums moves by half the row's length times e.
    private func rowwise(_ received: Elements, _ sums: Elements, _ magnitudes: Elements, _ factor: Double) throws -> Double {
        let activation = spec.epilogue.activation
        let length = spec.outputShape(batch: batch).last ?? 1
        let unit = 8 * ErrorBound.unitRoundoff(.float32)
        var worst = 0.0
        for start in stride(from: 0, to: received.count, by: length) {
            let row = start..<start + length
            let inputs = row.map { sums[$0] }
            let values = ActivationArithmetic.row(activation, inputs)
            let error = factor * row.reduce(0) { max($0, magnitudes[$1]) }
            let relative = ActivationArithmetic.value(.exponential, 2 * error) - 1 + unit
            let scale = inputs.reduce(1) { max($0, abs($1)) }
            // Where an error may change which elements belong to sparsemax's support, nothing can be said.
            let isUncertain = activation == .sparsemax && Self.isSupportUncertain(inputs, error: 2 * error)
            for (index, value) in zip(row, values) where !isUncertain {
                let bound = activation == .softmax ? relative * value + 1e-30 : Double(length + 2) * error + unit * scale
                worst = max(worst, try ratio(received[index], value, bound, at: index))
            }
        }
        return worst
    }

    private static func isSupportUncertain(_ row: [Double], error: Double) -> Bool {
        var total = 0.0
        for (index, x) in row.sorted(by: >).enumerated() {
            total += x
            if abs(x - (total - 1) / Double(index + 1)) <= error { return true }
        }
        return false
    }

    private func ratio(_ received: Double, _ expected: Double, _ bound: Double, at index: Int) throws(BenchmarkError) -> Double {
        let error = abs(received - expected)
        if error <= bound { return error / bound }
        throw .wrongAnswer(kernel: choice.kernel.name, index: index, received: received, expected: expected, bound: bound)
    }
}

/// The elements of a tensor as Double, read in place.
private struct Elements {
    private let floats: UnsafeBufferPointer<Float>
    private let doubles: UnsafeBufferPointer<Double>
    let count: Int

    init(_ bytes: UnsafeRawBufferPointer, _ type: ElementType) {
        floats = type == .float32 ? bytes.bindMemory(to: Float.self) : UnsafeBufferPointer(start: nil, count: 0)
        doubles = type == .float64 ? bytes.bindMemory(to: Double.self) : UnsafeBufferPointer(start: nil, count: 0)
        count = type == .float32 ? floats.count : doubles.count
    }

    subscript(index: Int) -> Double { doubles.isEmpty ? Double(floats[index]) : doubles[index] }
}

extension Tensor {
    fileprivate func withElements<R>(_ body: (Elements) throws -> R) throws -> R {
        try withUnsafeBytes { (bytes: UnsafeRawBufferPointer) throws in try body(Elements(bytes, elementType)) }
    }
}
