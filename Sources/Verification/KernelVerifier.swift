import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors

/// The outcome of one check of one kernel.
public struct VerificationCheck: Hashable, Sendable {
    /// What was checked, in words.
    public let name: String
    /// nil when the check passed, else what was wrong.
    public let failure: String?
}

/// What was checked of one kernel.
public struct VerificationReport: Hashable, Sendable {
    /// Symbol stem of the kernel.
    public let kernel: String
    /// Every check that was made, in the order it was made.
    public let checks: [VerificationCheck]

    /// The checks that failed; empty for a good kernel.
    public var failures: [VerificationCheck] { checks.filter { $0.failure != nil } }
}

/// Why a kernel cannot be verified at all.
public enum VerificationError: Error, Hashable, Sendable, CustomStringConvertible {
    case unsupported(kernel: String, key: String)
    case notEnoughMemory(kernel: String, needed: Int, available: Int)

    public var description: String {
        let sentence: Sentence = switch self {
        case .unsupported(let kernel, let key):
            """
            Kernel \(kernel) computes \(key); \
            expected a convolution, transposed or ordinary, of one element type with a pointwise activation, as nothing else can be verified.
            """
        case .notEnoughMemory(let kernel, let needed, let available):
            "Verifying kernel \(kernel) takes about \(needed) bytes; expected at most the \(available) that are available."
        }
        return sentence.text
    }
}

/// Checks a kernel against a reference and against algebraic identities. Buffers lie against inaccessible pages, and results are filled with NaN
/// first.
public struct KernelVerifier: Sendable {
    private let kernel: any Kernel
    private let reference: any VerificationReference
    private let seed: UInt64
    private let batch: Int
    private let formula: ErrorFormula

    /// - Parameters:
    ///   - kernel: what is checked.
    ///   - reference: computes the right results.
    ///   - batch: batch of the checks that compare values.
    ///   - seed: of the random operands.
    /// - Throws: `VerificationError` unless the kernel is a convolution, transposed or ordinary, of one element type with a pointwise activation.
    public init(
        _ kernel: any Kernel, reference: any VerificationReference = InterpreterReference(), batch: Int = 1, seed: UInt64 = 1
    ) throws(VerificationError) {
        let spec = kernel.spec
        guard spec.op.isGather, spec.elements == ElementTypes(spec.elements.storage), spec.epilogue.activation.isPointwise else {
            throw .unsupported(kernel: kernel.name, key: spec.key.text)
        }
        self.kernel = kernel
        self.reference = reference
        self.seed = seed
        self.batch = batch
        formula = ErrorFormula(kernel)
    }

    /// About how many bytes verifying a kernel for this problem takes: operands and results in both precisions, several times.
    public static func memory(for spec: KernelSpec, batch: Int = 1) -> Int {
        let shapes = [spec.inputShape(batch: batch), spec.outputShape(batch: batch), spec.geometry.kernelShape]
        let elements = shapes.reduce(0) { Checked.clampedSum($0, Checked.clampedCount($1)) }
        return Checked.clampedProduct(elements, bytesPerElement)
    }

    /// Measured: the peak while layers with a million results are verified, per element of input, kernel and result.
    private static let bytesPerElement = 64

    private var spec: KernelSpec { kernel.spec }
    private var gather: Gather { spec.gather }
    private var linear: KernelSpec { spec.with(epilogue: spec.epilogue.withoutActivation) }

    private var type: ElementType { spec.elements.storage }

    /// The nearest number of the storage type.
    private func rounded(_ x: Double) -> Double { type.nearest(x) }

    /// Operands of one check: numbers of the storage type, in double.
    private struct Operands {
        let batch: Int
        var input: [Double]
        var weights: [Double]
        var bias: [Double]?
    }

    private func operands(_ random: inout SeededRandom, batch: Int, _ draw: (inout SeededRandom, Int) -> [Double]) -> Operands {
        Operands(
            batch: batch, input: draw(&random, Checked.clampedCount(spec.inputShape(batch: batch))),
            weights: draw(&random, Checked.clampedCount(spec.geometry.kernelShape)),
            bias: spec.epilogue.hasBias ? draw(&random, spec.biasCount) : nil)
    }

    private func run(
        _ operands: Operands, _ placement: GuardedBuffer.Placement = .atEnd, ranges: ((Int) -> [Range<Int>])? = nil
    ) throws -> [Double] {
        try GuardedCall(kernel: kernel, placement: placement).run(
            batch: operands.batch, input: operands.input, weights: operands.weights, bias: operands.bias, ranges: ranges)
    }

    private func sums(_ operands: Operands) throws -> [Double] {
        try reference.sums(
            linear, batch: operands.batch, input: operands.input, weights: operands.weights, bias: operands.bias)
    }

    /// Runs every check.
    /// - Parameter onCheck: called with each check once it is done.
    /// - Throws: `VerificationError.notEnoughMemory` before any is taken; `KernelError` when the kernel refuses its arguments,
    ///   `TensorError` without memory.
    public func verify(onCheck: (VerificationCheck) -> Void = { _ in }) throws -> VerificationReport {
        let (needed, available) = (Self.memory(for: spec, batch: batch), AvailableMemory.byteCount)
        if needed > available { throw VerificationError.notEnoughMemory(kernel: kernel.name, needed: needed, available: available) }
        var random = SeededRandom(seed: seed)
        var checks: [VerificationCheck] = []
        func check(_ name: String, _ failure: String?) {
            checks.append(VerificationCheck(name: name, failure: failure))
            onCheck(VerificationCheck(name: name, failure: failure))
        }

        let reals = operands(&random, batch: batch) { random, count in random.reals(count).map(rounded) }
        let atEnd = try run(reals)
        check("random reals within the derived bound", try boundViolation(atEnd, reals))
        check("same bits with buffers against the other guard pages", difference(try run(reals, .atStart), atEnd))
        for parts in [2, 3, 7] {
            check("same bits in \(parts) ranges of work items", difference(try run(reals, ranges: GuardedCall.split(parts)), atEnd))
        }
        check("same bits on 3 threads", difference(try onThreads(3, reals), atEnd))
        if batch > 1 { check("same bits sample by sample", difference(try sampleBySample(reals), atEnd)) }
        check("NaN reaches exactly the results that read it", try leak(of: .nan, reals, clean: atEnd, &random))

        // Sums of small integers are exact, so these must agree bit for bit.
        guard let limit = integerLimit else { return VerificationReport(kernel: kernel.name, checks: checks) }
        let integers = operands(&random, batch: batch) { random, count in random.integers(count, limit: limit) }
        let exact = try sums(integers)
        let received = try run(integers, .atStart)
        switch spec.epilogue.activation {
        case .linear, .relu:
            let expected = exact.map { rounded(reference.activate($0, spec.epilogue.activation)) }
            check("small integers exactly", difference(received, expected, bitwise: false))
        default:
            check("small integers within the rounding of the activation", violation(received, exact, indices: received.indices) { _ in 0 })
        }
        if spec.epilogue.activation == .linear {
            check("linearity", try nonlinearity(integers, received, &random))
            check("impulse gives the shifted filter", try impulse(&random))
            check("adjoint identity", try adjoint(integers, received, &random))
        }
        return VerificationReport(kernel: kernel.name, checks: checks)
    }

    // MARK: Values

    private func boundViolation(_ received: [Double], _ operands: Operands) throws -> String? {
        let exact = try sums(operands)
        if case .rearranged(let bound) = formula {
            // Every result of a small problem, else a sample: the bound of one result costs as much as many results.
            let gamma = ErrorBound.gamma(bound.chain, type)
            let step = max(1, received.count / 4000)
            return violation(received, exact, indices: stride(from: 0, to: received.count, by: step)) {
                gamma * bound.magnitude(of: $0, input: operands.input, weights: operands.weights, bias: operands.bias)
            }
        }
        let magnitudes = try reference.magnitudes(
            linear, batch: operands.batch, input: operands.input, weights: operands.weights, bias: operands.bias)
        // Products and additions of the longest sum, and the bias; the reference's own sums are in float64.
        let chain = spec.longestChain + 1
        let errors = ErrorBound.bounds(chain: chain, type: type, magnitudes: magnitudes)
        let own = ErrorBound.bounds(chain: chain, type: .float64, magnitudes: magnitudes)
        return violation(received, exact, indices: received.indices) { errors[$0] + own[$0] }
    }

    /// Names the first element outside its bound; `error` gives the bound of a sum by its index.
    private func violation(
        _ received: [Double], _ sums: [Double], indices: some Sequence<Int>, error: (Int) -> Double
    ) -> String? {
        if received.count != sums.count { return "\(received.count) results instead of \(sums.count)" }
        let activation = spec.epilogue.activation.rounded(to: type)
        for index in indices {
            let value = reference.activate(sums[index], activation)
            let bound = ActivationBound.bound(activation, sum: sums[index], error: error(index), value: value, type)
            if !ActivationBound.holds(received[index], value, bound: bound, type) {
                return "element \(index) is \(received[index]) instead of \(value), bound \(bound)"
            }
        }
        return nil
    }

    /// Names the first element that differs: bit by bit, or by value, where 0 equals -0 and NaN equals NaN.
    private func difference(_ received: [Double], _ expected: [Double], bitwise: Bool = true) -> String? {
        if received.count != expected.count { return "\(received.count) results instead of \(expected.count)" }
        for index in expected.indices {
            let equal = bitwise ? received[index].bitPattern == expected[index].bitPattern
                : received[index] == expected[index] || received[index].isNaN && expected[index].isNaN
            if !equal { return "element \(index) is \(received[index]) instead of \(expected[index])" }
        }
        return nil
    }

    /// The largest magnitude of integer operands for which all sums are exact, those of inputs one larger included, as the check of linearity adds 1.
    /// Nil when they are not exact even for operands of -1, 0 and 1.
    private var integerLimit: Int? {
        let products = formula.integerGrowth(spec)
        return (1...8).last { ($0 + 1) * ($0 + 1) * products + $0 < 1 << type.significandBits }
    }

    // MARK: Invariance

    private func onThreads(_ threads: Int, _ operands: Operands) throws -> [Double] {
        let layer = try PreparedLayer(
            spec: spec,
            choice: KernelChoice(kernel: kernel, appliedActivation: .linear, isSpecialized: true, reason: "under verification"),
            weights: tensor(spec.geometry.kernelShape, operands.weights),
            bias: operands.bias.map { try tensor([$0.count], $0) })
        return try layer.call(tensor(spec.inputShape(batch: operands.batch), operands.input), threads: threads).doubles
    }

    private func tensor(_ shape: [Int], _ values: [Double]) throws -> Tensor {
        try Tensor(shape: shape, values).cast(to: type)
    }

    private func sampleBySample(_ operands: Operands) throws -> [Double] {
        let size = operands.input.count / operands.batch
        return try (0..<operands.batch).flatMap { sample in
            try run(
                Operands(
                    batch: 1, input: Array(operands.input[sample * size..<(sample + 1) * size]), weights: operands.weights,
                    bias: operands.bias))
        }
    }

    // MARK: Containment

    /// Sets all features of one group in one voxel to a value, and checks that exactly those results change that read the voxel.
    private func leak(of value: Double, _ operands: Operands, clean: [Double], _ random: inout SeededRandom) throws -> String? {
        let channels = gather.channelsPerGroup
        for corner in 0..<3 {
            // The first voxel, the last one, and one in between.
            let voxels = operands.batch * gather.sourceVolume
            let voxel = [0, voxels - 1, random.integer(0...voxels - 1)][corner]
            var poisoned = operands
            var mark = Array(repeating: 0.0, count: operands.input.count)
            let first = random.integer(0...gather.groups - 1) * channels
            for channel in first..<first + channels {
                let place = index(ofVoxel: voxel, channel: channel)
                poisoned.input[place] = value
                mark[place] = 1
            }
            let ones = Array(repeating: 1.0, count: operands.weights.count)
            let readers = try reference.sums(
                linear.with(epilogue: Epilogue.none), batch: operands.batch, input: mark, weights: ones, bias: nil)
            let received = try run(poisoned)
            for index in received.indices {
                if readers[index] != 0 ? !received[index].isNaN : received[index].bitPattern != clean[index].bitPattern {
                    return "voxel \(voxel): result \(index) is \(received[index]), "
                        + (readers[index] != 0 ? "but reads it" : "\(clean[index]) without it, and does not read it")
                }
            }
        }
        return nil
    }

    private func index(ofVoxel voxel: Int, channel: Int) -> Int {
        let volume = gather.sourceVolume
        let channels = gather.channels
        switch spec.layout {
        case .channelsLast: return voxel * channels + channel
        case .channelsFirst: return (voxel / volume * channels + channel) * volume + voxel % volume
        }
    }

    // MARK: Algebra, exact since all numbers are integers

    /// f(a) + f(b) = f(a + b) + f(0)
    private func nonlinearity(_ a: Operands, _ fa: [Double], _ random: inout SeededRandom) throws -> String? {
        var b = a
        b.input = random.integers(a.input.count, limit: 1)
        var sum = a
        sum.input = zip(a.input, b.input).map(+)
        var zero = a
        zero.input = Array(repeating: 0, count: a.input.count)
        let (fb, fs, f0) = (try run(b), try run(sum), try run(zero))
        return difference(zip(fa, fb).map(+), zip(fs, f0).map(+), bitwise: false)
    }

    /// One voxel and channel set to 1: the result is that channel's filter around the voxel, as the relation itself says where.
    private func impulse(_ random: inout SeededRandom) throws -> String? {
        let geometry = spec.geometry
        var one = operands(&random, batch: 1) { random, count in random.integers(count, limit: 8) }
        if one.bias != nil { one.bias = Array(repeating: 0, count: spec.biasCount) }
        one.input = Array(repeating: 0, count: one.input.count)
        // A transposed convolution leads from x to y, a convolution from y to x.
        let isConvolution = spec.op == .convolution
        let (channels, filters) = isConvolution ? (geometry.filters, geometry.channels) : (geometry.channels, geometry.filters)
        let extents = geometry.axes.map { isConvolution ? (source: $0.output, result: $0.input) : (source: $0.input, result: $0.output) }
        let volume = extents.reduce(1) { $0 * $1.result }
        let channel = random.integer(0...channels - 1)
        let place = extents.map { random.integer(0...$0.source - 1) }
        let voxel = zip(place, extents).reduce(0) { $0 * $1.1.source + $1.0 }
        one.input[index(ofVoxel: voxel, channel: channel)] = 1
        var expected = Array(repeating: 0.0, count: volume * filters)
        let group = channel / (channels / geometry.groups)
        for tap in 0..<geometry.tapCount {
            var rest = tap
            var result: Int? = 0
            var step = 1
            for (axis, (extents, source)) in zip(geometry.axes, zip(extents, place)).reversed() {
                let reached = Self.result(axis, of: source, tap: rest % axis.kernel, isConvolution)
                rest /= axis.kernel
                result = reached.flatMap { r in r >= 0 && r < extents.result ? result.map { $0 + r * step } : nil }
                step *= extents.result
            }
            guard let result else { continue }
            for number in 0..<filters / geometry.groups {
                let filter = group * (filters / geometry.groups) + number
                let at = spec.layout == .channelsLast ? result * filters + filter : filter * volume + result
                // The kernel tensor is (taps, features of y in a group, features of x).
                let (y, x) = isConvolution ? (channel % geometry.filtersPerGroup, filter) : (number, channel)
                expected[at] += one.weights[(tap * geometry.filtersPerGroup + y) * geometry.channels + x]
            }
        }
        return difference(try run(one), expected, bitwise: false)
    }

    /// Which result a source reaches through a tap along one axis; nil where that is none. With a convolution, the source is o and the result i.
    private static func result(_ axis: AxisGeometry, of source: Int, tap: Int, _ isConvolution: Bool) -> Int? {
        if !isConvolution { return axis.output(ofInput: source, tap: tap) }
        return axis.inputs(ofTap: tap).first { axis.output(ofInput: $0, tap: tap) == source }
    }

    /// <f(x) - f(0), y> = <x, f'(y)> with f' the interpreter's transposed operation.
    private func adjoint(_ operands: Operands, _ fx: [Double], _ random: inout SeededRandom) throws -> String? {
        var zero = operands
        zero.input = Array(repeating: 0, count: operands.input.count)
        let f0 = try run(zero)
        let y = random.integers(fx.count, limit: 1)
        let gradient = KernelSpec(
            op: spec.op == .convolution ? .transposedConvolution : .convolution, geometry: spec.geometry, layout: spec.layout, elements: .float64,
            epilogue: .none, policy: .direct)
        let back = try reference.sums(gradient, batch: operands.batch, input: y, weights: operands.weights, bias: nil)
        // Integers below 2^53: both sums are exact.
        let left = zip(zip(fx, f0), y).reduce(0.0) { $0 + ($1.0.0 - $1.0.1) * $1.1 }
        let right = zip(operands.input, back).reduce(0.0) { $0 + $1.0 * $1.1 }
        return left == right ? nil : "<f(x), y> is \(left), <x, f'(y)> is \(right)"
    }
}
