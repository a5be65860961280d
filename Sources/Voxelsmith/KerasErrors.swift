import VoxKerasConfig
import VoxKernelRuntime
import VoxTensors

// Errors of the modules below that layers let through, under Keras's names.

extension TensorError: KerasError {
    /// A shape or type is a `ValueError`; memory is what TensorFlow calls ResourceExhaustedError, a `RuntimeError`.
    public var kerasKind: KerasErrorKind {
        switch self {
        case .outOfMemory: .runtimeError
        default: .valueError
        }
    }
}

extension KernelError: KerasError {
    public var kerasKind: KerasErrorKind { .runtimeError }
}

extension KernelLookupError: KerasError {
    public var kerasKind: KerasErrorKind { .runtimeError }
}
