import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors

/// What a layer computes where that is one loop: over its inputs and tensors of its own, and an activation of each row of the result.
struct LoopCall: Sendable {
    enum Operand: Sendable {
        /// The number of an input.
        case input(Int)
        case constant(Tensor)
    }

    let loop: any TensorLoop
    let operands: [Operand]
    /// None that needs the whole result.
    let activation: Activation

    init(_ loop: any TensorLoop, _ operands: [Operand], activation: Activation = .linear) {
        (self.loop, self.operands, self.activation) = (loop, operands, activation)
    }

    /// A loop over the inputs as they are.
    init(_ loop: any TensorLoop, inputCount: Int) { self.init(loop, (0..<inputCount).map { .input($0) }) }

    /// A result of the type of the inputs.
    /// - Throws: `TensorError`.
    func run(_ xs: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        let tensors = operands.map { operand in
            switch operand {
            case .input(let index): xs[index]
            case .constant(let tensor): tensor
            }
        }
        return try ActivationLayer.apply(activation, to: loop.run(tensors, to: shape, threads: threads), threads: threads)
    }

    /// Computes the layer in memory of its caller, which stays where it is meanwhile.
    /// - Parameters:
    ///   - xs: the inputs, of float32 or float64 elements as `type` says.
    ///   - y: room for the result; it may be where the first operand is, if the loop is elementwise.
    ///   - shape: of the result, in which no extent is 0.
    func run(_ xs: [UnsafeRawPointer], to y: UnsafeMutableRawPointer, shape: [Int], type: ElementType, threads: Int) {
        let pointers = operands.compactMap { operand -> UnsafeRawPointer? in
            switch operand {
            case .input(let index): xs[index]
            // Elements stay where they are while their tensor lives.
            case .constant(let tensor): tensor.withUnsafeBytes { $0.baseAddress }
            }
        }
        withExtendedLifetime(operands) { loop.run(pointers, to: y, type: type, threads: threads) }
        if activation != .linear { ActivationArithmetic.apply(activation, to: y, type: type, shape: shape, threads: threads) }
    }

    /// Whether the result may lie where an input does: each element depends on the same one of that input, which is the first operand, and the
    /// loop reads it once.
    func mayOverwrite(input: Int) -> Bool {
        guard loop.isElementwise, case .input(input)? = operands.first else { return false }
        return true
    }
}
