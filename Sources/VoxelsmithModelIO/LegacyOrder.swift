import VoxKerasConfig
import Voxelsmith

/// The order of the weights below one layer of the form `layerNames`.
/// - Parameters:
///   - layer: of the outermost model.
///   - stated: what the config that belongs to the weights says of it.
///   - frozen: models that are taken to be frozen themselves.
func weightTree(of layer: Layer, _ stated: StatedLayers?, frozen: Set<ObjectIdentifier> = []) -> WeightTree<Slot> {
    let trainable = !frozen.contains(ObjectIdentifier(layer)) && (stated?.trainable ?? layer.trainable)
    if let model = layer as? Model {
        let layers = model.layers.map { weightTree(of: $0, stated?[$0.name], frozen: frozen) }
        return WeightTree(isModel: true, trainable: trainable, trainableVariables: [], otherVariables: [], layers: layers)
    }
    if let inner = layer.wrapped {
        let below = weightTree(of: inner, stated?[inner.name], frozen: frozen)
        return WeightTree(isModel: false, trainable: trainable, trainableVariables: [], otherVariables: [], layers: [below])
    }
    let slots = slots(of: layer)
    let split = layer.expectedTrainableCount
    return WeightTree(
        isModel: false, trainable: trainable, trainableVariables: Array(slots.prefix(split)), otherVariables: Array(slots.dropFirst(split)))
}

/// What a config says of the layers of a model: whether each is trainable by itself. The layers made from it do not tell
/// any more, since a frozen model freezes its layers when it is made.
struct StatedLayers {
    /// nil without a config; true where the config does not say.
    let trainable: Bool?
    /// Whether there is a config that does not say.
    let isSilent: Bool
    private var layers: [String: JSONObject] = [:]

    /// - Parameter entry: the serialised layer or model.
    init?(_ entry: JSONValue?) {
        guard let object = entry?.object else { return nil }
        // The bare config of a model has no class around it.
        let config = object["class_name"] == nil && object["config"] == nil ? object : object["config"]?.object
        if case .bool(let flag)? = config?["trainable"] {
            (trainable, isSilent) = (flag, false)
        } else {
            (trainable, isSilent) = (config == nil ? nil : true, config != nil)
        }
        // TensorFlow 1 wrote the list of layers alone.
        for layer in object["config"]?.array ?? config?["layers"]?.array ?? [config?["layer"] ?? .null] {
            guard let layer = layer.object, let name = (layer["name"] ?? layer["config"]?.object?["name"])?.string else { continue }
            layers[name] = layer
        }
    }

    subscript(name: String) -> StatedLayers? { layers[name].flatMap { StatedLayers(.object($0)) } }
}

extension Optional where Wrapped == StatedLayers {
    subscript(name: String) -> StatedLayers? { flatMap { $0[name] } }
}
