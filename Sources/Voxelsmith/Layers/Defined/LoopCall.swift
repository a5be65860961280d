import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors

/// Numbers of a whole input that a loop needs before it begins: moments, lengths, the largest element. They lie in memory of the call.
struct LoopPreparation: Sendable {
    /// Of double precision, for which there must be room: those that the loop reads, and what is needed to compute them.
    let numberCount: Int
    /// Computes them from the elements of the inputs, of float32 or float64, in memory of its caller; on threads.
    let compute: @Sendable (_ xs: [UnsafeRawPointer], ElementType, _ numbers: UnsafeMutablePointer<Double>, _ threads: Int) -> Void

    var byteCount: Int { Checked.clampedProduct(numberCount, MemoryLayout<Double>.size) }
}

/// What a layer computes where that is one loop: over its inputs, tensors of its own and numbers that were prepared, and an activation of the result.
struct LoopCall: Sendable {
    enum Operand: Sendable {
        /// The number of an input.
        case input(Int)
        case constant(Tensor)
        /// What the preparation has computed: numbers of double precision, whatever the type of the other operands.
        case prepared
    }

    let loop: any TensorLoop
    let operands: [Operand]
    let preparation: LoopPreparation?
    /// None that needs the whole result.
    private(set) var activation: Activation

    init(_ loop: any TensorLoop, _ operands: [Operand], preparation: LoopPreparation? = nil, activation: Activation = .linear) {
        (self.loop, self.operands, self.preparation, self.activation) = (loop, operands, preparation, activation)
    }

    /// A loop over the inputs as they are.
    init(_ loop: any TensorLoop, inputCount: Int) { self.init(loop, (0..<inputCount).map { .input($0) }) }

    /// The same with an activation behind it; nil where there is one already.
    func followed(by other: Activation) -> LoopCall? {
        if other == .linear { return self }
        if activation != .linear { return nil }
        var result = self
        result.activation = other
        return result
    }

    /// Bytes that a call needs besides its inputs and its result.
    var scratchByteCount: Int { preparation?.byteCount ?? 0 }

    /// A result of the type of the inputs.
    /// - Throws: `TensorError`.
    func run(_ xs: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        var y = try Tensor(uninitialized: shape, xs.first?.elementType ?? .float32)
        if y.elementCount == 0 { return y }
        let type = y.elementType
        let scratch = try TensorStorage(byteCount: scratchByteCount)
        // Elements stay where they are while their tensor lives. A closure inside of another for each operand would take a piece of the
        // stack for each, and a file may name very many.
        let pointers = xs.compactMap { x in x.withUnsafeBytes { $0.baseAddress } }
        try y.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            withExtendedLifetime((xs, scratch)) {
                run(pointers, to: start, scratch: scratch.address, shape: shape, type: type, threads: threads)
            }
        }
        return y
    }

    /// Computes the layer in memory of its caller, which stays where it is meanwhile.
    /// - Parameters:
    ///   - xs: the inputs, of float32 or float64 elements as `type` says.
    ///   - y: room for the result; it may be where the first operand is, if the loop is elementwise.
    ///   - scratch: room for `scratchByteCount` bytes, aligned as doubles are.
    ///   - shape: of the result, in which no extent is 0.
    func run(
        _ xs: [UnsafeRawPointer], to y: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer, shape: [Int], type: ElementType, threads: Int
    ) {
        if let preparation {
            // Partly on the thread of the caller, whose arithmetic may be another.
            DefaultArithmetic.run {
                preparation.compute(xs, type, scratch.bindMemory(to: Double.self, capacity: preparation.numberCount), threads)
            }
        }
        let pointers = operands.compactMap { operand -> UnsafeRawPointer? in
            switch operand {
            case .input(let index): xs[index]
            // Elements stay where they are while their tensor lives.
            case .constant(let tensor): tensor.withUnsafeBytes { $0.baseAddress }
            case .prepared: UnsafeRawPointer(scratch)
            }
        }
        let joined = activation.isPointwise ? activation : .linear
        withExtendedLifetime(operands) { loop.run(pointers, to: y, type: type, then: joined, threads: threads) }
        // Along rows, which blocks may cut.
        if joined != activation { ActivationArithmetic.apply(activation, to: y, type: type, shape: shape, threads: threads) }
    }

    /// Whether the result may lie where an input does: each element depends on the same one of that input, which is the first operand, and the
    /// loop reads it once.
    func mayOverwrite(input: Int) -> Bool {
        guard loop.isElementwise, case .input(input)? = operands.first else { return false }
        return true
    }
}
