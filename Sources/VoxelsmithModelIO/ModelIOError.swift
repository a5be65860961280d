import LayerSpec

/// What can be wrong between the layers of a model and the weights of a file.
public enum ModelIOError: Error, Hashable, Sendable, CustomStringConvertible {
    case noConfig(path: String)
    case notAModel(path: String)
    case noWeights(path: String)
    /// A weight the model has and the file lacks.
    case weightMissing(layer: String, name: String)
    /// Weights of the file that no layer takes.
    case weightsLeftOver([String])
    case weightCount(layer: String, received: Int, expected: Int)
    case layerCount(received: Int, expected: Int)

    public var description: String {
        let sentence: Sentence = switch self {
        case .noConfig(let path): "No model config found in the file at \(path); expected a whole model, not weights only."
        case .notAModel(let path): "The file at \(path) holds independent layers; expected a model."
        case .noWeights(let path): "The file at \(path) has no weights; expected a model with weights, or a weights file beside it."
        case .weightMissing(let layer, let name): "The file has no weight \"\(name)\" for layer \"\(layer)\"; expected one."
        case .weightsLeftOver(let names):
            "Received weights \(quoted: names) that belong to no layer; expected only those of the model."
        case .weightCount(let layer, let received, let expected):
            "Layer \"\(layer)\" expected \(expected) variables, but received \(received) variables during loading."
        case .layerCount(let received, let expected):
            "Layer count mismatch: the file has \(received) layers with weights; expected \(expected)."
        }
        return sentence.text
    }
}
