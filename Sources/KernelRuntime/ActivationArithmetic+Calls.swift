import VoxInterpreter
import VoxKernels
import VoxLayerSpec
import VoxTensors

/// Activations of whole tensors, on the threads and with the arithmetic of every call.
extension ActivationArithmetic {
    /// Applies an activation in place to a tensor, on up to `threads` threads of the shared pool. The result does not depend on
    /// their number.
    /// - Parameters:
    ///   - activation: what is applied.
    ///   - buffer: start of the whole tensor.
    ///   - type: element type of the tensor.
    ///   - shape: the tensor's shape; softmax and its like run along its last axis, whatever the layout (Keras axis -1).
    ///   - threads: threads to use; the result is bitwise the same for any number.
    public static func apply(
        _ activation: Activation, to buffer: UnsafeMutableRawPointer, type: ElementType, shape: [Int], threads: Int = 1
    ) {
        if activation == .linear || shape.contains(0) { return }
        let rowLength = shape.last ?? 1
        let rows = Checked.clampedCount(shape.dropLast())
        // A piece of less than a few thousand elements is not worth another thread.
        let useful = max(1, min(threads, Checked.clampedProduct(rows, rowLength) / 4096))
        let body: (Int, Range<Int>) throws(KernelError) -> Void = { _, range in
            apply(activation, to: buffer, type: type, rowLength: rowLength, rows: range)
        }
        // The body throws nothing, so neither does the call.
        try? ThreadPool.shared.run(threads: useful, items: rows, body)
    }

    /// Applies a function along one axis of a tensor.
    /// - Parameters:
    ///   - function: what is applied.
    ///   - axis: counted from the end where negative.
    ///   - x: the tensor.
    /// - Returns: a tensor of the same shape; for `glu`, the axis is half as long.
    /// - Throws: `SpecError` for an axis the tensor does not have or `glu` cannot halve; `TensorError` without memory.
    public static func apply(_ function: Activation.AxisFunction, axis: Int, to x: Tensor) throws -> Tensor {
        if x.elementType.arithmetic != x.elementType {
            return try apply(function, axis: axis, to: x.cast(to: x.elementType.arithmetic)).cast(to: x.elementType)
        }
        return try DefaultArithmetic.run { try line(function, axis: axis, of: x) }
    }
}
