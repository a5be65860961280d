import VoxKerasConfig
import VoxLayerSpec

/// What can be wrong with the arguments of initializers, regularizers, constraints and layers.
public enum ArgumentError: KerasError, Hashable {
    /// A name or config that stands for no known object; `kind` is "initializer", "regularizer", "constraint".
    case unknownObject(kind: String, received: String, expected: [String])
    /// A value out of range.
    case value(argument: String, received: String, expected: String)
    /// A tensor whose rank an object cannot take.
    case rank(object: String, received: [Int], expected: String)
    /// A layer whose call is more than its kernel's.
    case notOnlyAKernel(layer: String, reason: String)

    public var kerasKind: KerasErrorKind { .valueError }

    public var description: String {
        let sentence: Sentence = switch self {
        case .unknownObject(let kind, let received, let expected):
            "Could not interpret \(kind) identifier: \(received); expected a registered object or one of \(expected.joined(separator: ", "))."
        case .value(let argument, let received, let expected):
            "Received \(argument) \(received); expected \(expected)."
        case .rank(let object, let received, let expected):
            "\(object) received a tensor of shape \(received); expected \(expected)."
        case .notOnlyAKernel(let layer, let reason):
            "Layer \"\(layer)\" cannot be handed out as a PreparedLayer, because \(reason); expected a call of the layer itself."
        }
        return sentence.text
    }
}
