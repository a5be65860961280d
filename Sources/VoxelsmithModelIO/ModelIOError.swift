import VoxLayerSpec
import VoxTensorIO

/// A weight as a file has it, for messages.
public struct FileWeight: Hashable, Sendable {
    /// The name in the file.
    public let name: String
    /// Extents, outermost first.
    public let shape: [Int]

    init(name: String, shape: [Int]) { (self.name, self.shape) = (name, shape) }
}

/// What can be wrong between the layers of a model and the weights of a file, and with what is to be saved.
public enum ModelIOError: Error, Hashable, Sendable, CustomStringConvertible {
    case noConfig(path: String)
    case notAModel(path: String)
    case noWeights(path: String)
    /// A file of a kind that is not read.
    case foreignFile(path: String, FileKind, expected: ExpectedFile)
    /// A weight the model has and the file lacks; `present` are the names the file has.
    case weightMissing(layer: String, name: String, present: [String])
    /// Weights of the file that no layer takes; `taken` are the layers, or the names, that are known.
    case weightsLeftOver([String], taken: [String])
    /// `received` are the names of the file's weights for this layer.
    case weightCount(layer: String, received: [String], expected: Int)
    /// The layers with weights: of the file, and of the model.
    case layerCount(received: [String], expected: [String])
    /// A weight whose shape contradicts the layer.
    case weightShape(layer: String, weight: String, received: [Int], WeightMismatch)
    /// A config that asks for more than the weights beside it; `present` are those.
    case weightBeyondFile(layer: String, weight: String, shape: [Int], present: [FileWeight])
    /// A path to save to whose ending names no form.
    case unknownEnding(path: String, SavedPart)
    /// A layer that is to be saved before it is built.
    case noWeightsYet(layer: String)

    public var description: String {
        let sentence: Sentence = switch self {
        case .noConfig(let path): "No model config found in the file at \(path); expected a whole model, not weights only."
        case .notAModel(let path): "The file at \(path) holds independent layers; expected a model."
        case .noWeights(let path): "The file at \(path) has no weights; expected a model with weights, or a weights file beside it."
        case .foreignFile(let path, let kind, let expected): "The file \(path) is \(kind.name); expected \(kind.advice(expected))."
        case .weightMissing(let layer, let name, let present):
            "The file has no weight \"\(name)\" for layer \"\(layer)\"; expected it among those the file has: \(listed(present))."
        case .weightsLeftOver(let names, let taken):
            "Received weights \(listed(names)) that belong to no layer; expected only those of \(listed(taken))."
        case .weightCount(let layer, let received, let expected):
            "Layer \"\(layer)\" expected \(expected) variables, but received \(received.count) variables during loading: \(listed(received))."
        case .layerCount(let received, let expected):
            "Layer count mismatch: the file has \(received.count) layers with weights, \(listed(received)); expected \(expected.count), \(listed(expected))."
        case .weightShape(let layer, let weight, let received, let mismatch):
            "The weight \"\(weight)\" for layer \"\(layer)\" has shape \(received), \(mismatch.reason)."
        case .weightBeyondFile(let layer, let weight, let shape, let present):
            """
            Layer "\(layer)" wants a \(weight) of shape \(shape) by its config (filters, kernel_size, and the channels of its input from \
            build_config or the layer before), for which the file has too few weights; \
            expected those of the same model, received \(listed(present.map { "\($0.name) \($0.shape)" })).
            """
        case .unknownEnding(let path, let part): "Received the path \(path) to save to; expected one that ends in \(part.endings)."
        case .noWeightsYet(let layer): "The layer \"\(layer)\" has no weights yet; expected a model that was built, by a call or by build, before it is saved."
        }
        return sentence.text
    }
}

/// The first of some names, in quotes.
func listed(_ names: [String]) -> Sentence {
    let (first, rest) = (Array(names.prefix(8)), names.count - 8)
    if names.isEmpty { return "none" }
    return rest > 0 ? "\(quoted: first) and \(rest) more" : "\(quoted: first)"
}
