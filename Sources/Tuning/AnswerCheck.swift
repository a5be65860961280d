import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import VoxVerification

/// Random operands of the size real ones have: inputs and biases in [-1, 1), weights as large as Glorot's initializer makes them.
package struct LayerOperands {
    let x: Tensor
    let weights: Tensor
    let bias: Tensor?

    /// - Throws: `BenchmarkError.notEnoughMemory` before any is taken.
    init(_ spec: KernelSpec, batch: Int, seed: UInt64) throws {
        let geometry = spec.geometry
        try LayerBenchmark.checkMemory(for: spec, batch: batch)
        var random = SeededRandom(seed: seed)
        let scale = (6 / Double(geometry.tapCount * (geometry.channelsPerGroup + geometry.filtersPerGroup))).squareRoot()
        let type = spec.elements.storage
        x = try Self.tensor(spec.inputShape(batch: batch), type, scale: 1, &random)
        weights = try Self.tensor(geometry.kernelShape, type, scale: scale, &random)
        bias = spec.epilogue.hasBias ? try Self.tensor([spec.biasCount], type, scale: 1, &random) : nil
    }

    /// The input alone, for layers that have their own weights: that of `init`.
    package static func input(_ spec: KernelSpec, batch: Int, seed: UInt64) throws -> Tensor {
        var random = SeededRandom(seed: seed)
        return try tensor(spec.inputShape(batch: batch), spec.elements.storage, scale: 1, &random)
    }

    private init(x: Tensor, weights: Tensor, bias: Tensor?) {
        (self.x, self.weights, self.bias) = (x, weights, bias)
    }

    func mapped(_ change: (Tensor) throws -> Tensor) rethrows -> LayerOperands {
        LayerOperands(x: try change(x), weights: try change(weights), bias: try bias.map(change))
    }

    private static func tensor(
        _ shape: [Int], _ type: ElementType, scale: Double, _ random: inout SeededRandom
    ) throws -> Tensor {
        try Tensor(shape, type) { scale * random.real() }
    }
}

/// Compares results of one problem, computed from given operands, with the interpreter's. What is computed for the comparison is kept, so
/// that many kernels can be checked.
final class AnswerCheck {
    private let spec: KernelSpec
    private let operands: LayerOperands
    private let batch: Int
    private let threads: Int
    private let sampleSize: Int
    private var sums: [ElementType: Tensor] = [:]
    private var directMagnitudes: [ElementType: Tensor] = [:]
    /// By the bound's type, as each family that rearranges sums has magnitudes of its own.
    private var rearrangedMagnitudes: [ObjectIdentifier: Tensor] = [:]

    /// - Throws: `BenchmarkError` for `kernelGradient`, and for sums so long that no error bound exists.
    static func checkIsPossible(for spec: KernelSpec) throws(BenchmarkError) {
        if !spec.op.isGather { throw .unsupportedOperation(spec.op.rawValue) }
        if spec.longestChain >= 1 << 23 { throw .chainTooLong(spec.longestChain) }
    }

    /// - Parameters:
    ///   - spec: the layer's problem, activation included.
    ///   - sampleSize: about how many elements of a rearranged result get a bound of their own.
    init(_ spec: KernelSpec, _ operands: LayerOperands, batch: Int, threads: Int, sampleSize: Int = 4000) {
        self.spec = spec
        self.operands = operands
        self.batch = batch
        self.threads = threads
        self.sampleSize = sampleSize
    }

    /// Compares every element with the interpreter's, whose own rounding the bound includes. The interpreter itself is
    /// compared with its float64 loops.
    /// - Parameter choice: what computed `y`.
    /// - Returns: the largest error in units of its bound, at most 1.
    /// - Throws: `BenchmarkError.wrongAnswer`, `TensorError`, `KernelError`.
    func worstErrorOverBound(_ y: Tensor, of choice: KernelChoice) throws -> Double {
        let type = choice.isSpecialized ? spec.elements.storage : .float64
        // Products and additions of the longest sum, and the bias.
        let chain = spec.longestChain + 1
        let magnitudes: Tensor
        let kernelChain: Int
        if case .rearranged(let bound) = ErrorFormula(choice.kernel) {
            let family = ObjectIdentifier(Swift.type(of: bound))
            magnitudes = try rearrangedMagnitudes[family] ?? sampledMagnitudes(bound, y)
            rearrangedMagnitudes[family] = magnitudes
            kernelChain = bound.chain
        } else {
            magnitudes = try directMagnitudes[type] ?? interpret(type, Self.absolute)
            directMagnitudes[type] = magnitudes
            kernelChain = chain
        }
        let sums = try self.sums[type] ?? interpret(type) { $0 }
        self.sums[type] = sums
        // 1.001 covers what the magnitudes themselves lost to rounding.
        let factor = 1.001 * (ErrorBound.gamma(kernelChain, spec.elements.accumulator) + ErrorBound.gamma(chain, type))
        let kernel = choice.kernel.name
        return try y.withElements { received in
            try sums.withElements { sums in
                try magnitudes.withElements { magnitudes in
                    spec.epilogue.activation.isPointwise
                        ? try pointwise(kernel, received, sums, magnitudes, factor)
                        : try rowwise(kernel, received, sums, magnitudes, factor)
                }
            }
        }
    }

    /// What bounds the errors of a kernel that rearranges sums. A sample of elements, in whole rows, has their own magnitudes, each of which
    /// costs as much as thousands of elements; the others have a magnitude that holds for all results of their filter.
    private func sampledMagnitudes(_ bound: any RearrangedSumsBound, _ y: Tensor) throws -> Tensor {
        let (x, weights, bias) = (operands.x.doubles, operands.weights.doubles, operands.bias?.doubles)
        let largest = bound.largestMagnitudes(input: x, weights: weights, bias: bias)
        let length = y.shape.last ?? 1
        let rows = y.elementCount / max(1, length)
        let step = max(1, y.elementCount / sampleSize)
        return try Tensor(
            shape: y.shape,
            (0..<y.elementCount).map { index in
                let row = index / length
                return row % step == 0 || row == rows - 1
                    ? bound.magnitude(of: index, input: x, weights: weights, bias: bias) : largest[bound.filter(of: index)]
            })
    }

    /// The interpreter's linear result in a type, from operands that are changed first.
    private func interpret(_ type: ElementType, _ change: (Tensor) throws -> Tensor) throws -> Tensor {
        let linear = KernelSpec(
            op: spec.op, geometry: spec.geometry, layout: spec.layout, elements: ElementTypes(type),
            epilogue: spec.epilogue.withoutActivation, policy: .direct)
        let operands = try operands.mapped {
            try change($0.elementType == type ? $0 : Tensor(shape: $0.shape, $0.doubles))
        }
        let layer = try PreparedLayer(
            spec: linear, choice: .interpreter(linear, reason: "reference"), weights: operands.weights, bias: operands.bias)
        return try layer.call(operands.x, threads: threads)
    }

    private static func absolute(_ tensor: Tensor) throws -> Tensor {
        var index = -1
        return try tensor.withElements { elements in
            try Tensor(tensor.shape, tensor.elementType) {
                index += 1
                return abs(elements[index])
            }
        }
    }

    private func pointwise(
        _ kernel: String, _ received: Elements, _ sums: Elements, _ magnitudes: Elements, _ factor: Double
    ) throws -> Double {
        let type = spec.elements.storage
        let activation = spec.epilogue.activation.rounded(to: type)
        var worst = 0.0
        for index in 0..<received.count {
            let sum = sums[index]
            let value = activation == .linear ? sum : activation.value(at: sum)
            let bound = ActivationBound.bound(activation, sum: sum, error: factor * magnitudes[index], value: value, type)
            worst = max(worst, try ratio(received[index], value, bound, kernel, at: index))
        }
        return worst
    }

    /// softmax: an error e in the largest exponents changes each quotient by a factor of at most exp(2e). log_softmax: by 2e.
    /// sparsemax: the mean of the running sums moves by half the row's length times e.
    private func rowwise(
        _ kernel: String, _ received: Elements, _ sums: Elements, _ magnitudes: Elements, _ factor: Double
    ) throws -> Double {
        let activation = spec.epilogue.activation
        let length = spec.outputShape(batch: batch).last ?? 1
        let unit = 8 * spec.elements.storage.unitRoundoff
        var worst = 0.0
        for start in stride(from: 0, to: received.count, by: length) {
            let row = start..<start + length
            let inputs = row.map { sums[$0] }
            let values = ActivationArithmetic.row(activation, inputs)
            let error = factor * row.reduce(0) { max($0, magnitudes[$1]) }
            let relative = Activation.exponential.value(at: 2 * error) - 1 + unit
            let scale = inputs.reduce(1) { max($0, abs($1)) }
            // Where an error may change which elements belong to sparsemax's support, nothing can be said.
            let isUncertain = activation == .sparsemax && Self.isSupportUncertain(inputs, error: 2 * error)
            for (index, value) in zip(row, values) where !isUncertain {
                let bound = activation == .softmax ? relative * value + 1e-30 : Double(length + 2) * error + unit * scale
                worst = max(worst, try ratio(received[index], value, bound, kernel, at: index))
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

    private func ratio(
        _ received: Double, _ expected: Double, _ bound: Double, _ kernel: String, at index: Int
    ) throws(BenchmarkError) -> Double {
        let error = abs(received - expected)
        if error <= bound { return error / bound }
        if ActivationBound.holds(received, expected, bound: bound, spec.elements.storage) { return received == expected ? 0 : 1 }
        throw .wrongAnswer(kernel: kernel, index: index, received: received, expected: expected, bound: bound)
    }
}

/// The elements of a tensor as Double, read in place.
private struct Elements {
    let bytes: UnsafeRawBufferPointer
    let type: ElementType

    var count: Int { bytes.count / type.byteCount }

    subscript(index: Int) -> Double { type.element(at: index, of: bytes) }
}

extension Tensor {
    fileprivate func withElements<R>(_ body: (Elements) throws -> R) throws -> R {
        try withUnsafeBytes { (bytes: UnsafeRawBufferPointer) throws in try body(Elements(bytes: bytes, type: elementType)) }
    }
}
