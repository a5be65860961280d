import VoxLayerSpec

/// One layer of a model as a summary lists it.
public struct ListedLayer: Hashable, Sendable {
    /// As of `LayerDescription`; a layer that is called several times is listed once.
    public let path: String
    /// As the file states it.
    public let className: String
    /// Of the first result of the first call: (batch, ...), nil where an extent is unknown; nil when nothing is known.
    public internal(set) var outputShape: [Int?]?
    /// Numbers in its weights. Models and wrappers have none of their own: those of the layers inside stand in the rows of these. nil where
    /// nothing tells how many there are.
    public internal(set) var parameterCount: Int?

    /// Whether it passes on an input of a model.
    var isInput: Bool { className == "InputLayer" }
}

/// The layers of a model in the order of their first calls, each once, models and wrappers before what is inside of them.
struct LayerList {
    private(set) var layers: [ListedLayer] = []
    private var paths: Set<String> = []

    /// - Returns: the number of the layer in the list; nil for one that is there already.
    mutating func add(_ path: String, _ className: String) -> Int? {
        if !paths.insert(path).inserted { return nil }
        layers.append(ListedLayer(path: path, className: className, outputShape: nil, parameterCount: nil))
        return layers.count - 1
    }

    mutating func state(_ number: Int, shape: [Int?]?) { layers[number].outputShape = shape }

    mutating func state(_ number: Int, parameters: Int?) { layers[number].parameterCount = parameters }

    mutating func state(_ number: Int, shape: [Int?]?, parameters: Int?) {
        state(number, shape: shape)
        state(number, parameters: parameters)
    }
}
