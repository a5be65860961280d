import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors

/// What a convolution does around its kernel: rounding to 16-bit types, and activations of the whole result.
struct KernelSurroundings: Sendable {
    let computeType: ElementType
    /// Of the kernel's operands.
    let elementType: ElementType
    let activation: Activation
    let tensorActivation: (any TensorActivation)?

    /// A tensor rounded to the type the layer computes in, as kernels take it.
    func before(_ tensor: Tensor) throws -> Tensor {
        try DefaultArithmetic.run { try tensor.cast(to: computeType).cast(to: elementType) }
    }

    /// The layer's result from the kernel's.
    func after(_ result: Tensor) throws -> Tensor {
        var y = result
        if case .alongAxis(let function, let axis) = activation { y = try ActivationArithmetic.apply(function, axis: axis, to: y) }
        if let tensorActivation { y = try tensorActivation(y) }
        return y.elementType == computeType ? y : try DefaultArithmetic.run { try y.cast(to: computeType) }
    }
}
