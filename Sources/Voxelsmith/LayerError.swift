import LayerSpec

/// What can be wrong with a call of a layer's methods; where Keras has a sentence for it, the sentence follows Keras.
public enum LayerError: Error, Hashable, Sendable, CustomStringConvertible {
    case notBuilt(layer: String, method: String)
    case alreadyBuilt(layer: String)
    case weightCount(layer: String, received: Int, expected: Int)
    case weightShape(layer: String, weight: String, received: [Int], expected: [Int])
    case weightType(layer: String, weight: String, received: ElementType, expected: ElementType)
    case inputRank(layer: String, received: [Int], expected: Int)
    case inputChannels(layer: String, received: [Int], axis: Int, expected: Int)
    case inputType(layer: String, received: ElementType, expected: ElementType)
    case noForwardPass(layer: String)
    case duplicateName(String)
    case noLayers(model: String)

    public var description: String {
        switch self {
        case .notBuilt(let layer, let method):
            "You tried to call \(method) on layer \"\(layer)\", but the layer isn't built; expected a call of build(inputShape:) or of the layer first."
        case .alreadyBuilt(let layer):
            "Layer \"\(layer)\" is already built; expected at most one call of build(inputShape:)."
        case .weightCount(let layer, let received, let expected):
            "You called setWeights on layer \"\(layer)\" with a weight list of length \(received), but the layer was expecting \(expected) weights."
        case .weightShape(let layer, let weight, let received, let expected):
            "Layer \"\(layer)\" weight \(weight) of shape \(expected) is not compatible with provided weight shape \(received)."
        case .weightType(let layer, let weight, let received, let expected):
            "Layer \"\(layer)\" weight \(weight) received \(received.rawValue); expected \(expected.rawValue)."
        case .inputRank(let layer, let received, let expected):
            "Input of layer \"\(layer)\" is incompatible with the layer: expected ndim=\(expected), found ndim=\(received.count), full shape received: \(received)."
        case .inputChannels(let layer, let received, let axis, let expected):
            "Input of layer \"\(layer)\" is incompatible with the layer: expected axis \(axis) of input shape to have value \(expected), but received input with shape \(received)."
        case .inputType(let layer, let received, let expected):
            "Layer \"\(layer)\" received an input of \(received.rawValue); expected \(expected.rawValue)."
        case .noForwardPass(let layer):
            "Layer \"\(layer)\" has no forward pass; expected a subclass that computes one."
        case .duplicateName(let name):
            "All layers of a Sequential model should have unique names; received two layers named \"\(name)\"."
        case .noLayers(let model):
            "Model \"\(model)\" has no layers; expected at least one."
        }
    }
}
