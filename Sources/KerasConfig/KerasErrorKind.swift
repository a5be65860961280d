import VoxLayerSpec

/// The Python exception Keras raises for a mistake.
public enum KerasErrorKind: String, Hashable, Sendable {
    case valueError = "ValueError"
    case typeError = "TypeError"
    case attributeError = "AttributeError"
    case runtimeError = "RuntimeError"
}

/// An error that stands for a Python exception of Keras.
public protocol KerasError: Error, CustomStringConvertible {
    /// The exception Keras raises in the same place.
    var kerasKind: KerasErrorKind { get }
}

extension KerasConfigError: KerasError {
    public var kerasKind: KerasErrorKind {
        switch self {
        case .missingKey, .wrongType, .activationArguments, .unsupportedClass, .missingLayers: .typeError
        case .inLayer(_, let error): error.kerasKind
        default: .valueError
        }
    }
}

extension SpecError: KerasError {
    public var kerasKind: KerasErrorKind { .valueError }
}
