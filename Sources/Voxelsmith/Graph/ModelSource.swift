import VoxKerasConfig

/// What a model was made of, kept so that it can be written as it was read.
package struct ModelSource {
    /// The serialised model, or its bare config, of the line of Keras that `generation` says.
    package let document: JSONValue
    /// The `keras_version` of the file where there was one.
    package let kerasVersion: String?
    package let generation: KerasGeneration
    /// Whether the model and each layer below it were trainable when they were made, in the order of `Layer.family`.
    fileprivate let trainable: [Bool]

    init(_ document: JSONValue, kerasVersion: String?, generation: KerasGeneration, of model: Model) {
        (self.document, self.kerasVersion, self.generation) = (document, kerasVersion, generation)
        trainable = model.family.map(\.trainable)
    }
}

extension Model {
    /// The document that the model was made of, with what was set since: which layers are trainable. nil for a model that was not made of one.
    package var presentSource: (document: JSONValue, kerasVersion: String?, generation: KerasGeneration)? {
        guard let source else { return nil }
        let changed = zip(family, source.trainable).filter { $0.trainable != $1 }.map { ObjectIdentifier($0.0) }
        // Nothing else of a document is touched, nor this without need: a frozen model has frozen layers whose own configs say otherwise.
        let document = changed.isEmpty ? source.document : marked(source.document, as: self, Set(changed))
        return (document, source.kerasVersion, source.generation)
    }

    /// The entry of a layer, with whether those that changed are trainable.
    private func marked(_ entry: JSONValue, as layer: Layer, _ changed: Set<ObjectIdentifier>) -> JSONValue {
        guard var object = entry.object else { return entry }
        // The bare config of a model has no class around it, and TensorFlow 1 wrote the list of layers alone.
        if object["class_name"] == nil, object["config"] == nil {
            object = marked(config: object, of: layer, changed)
        } else if let config = object["config"]?.object {
            object["config"] = .object(marked(config: config, of: layer, changed))
        } else if let list = object["config"]?.array {
            object["config"] = marked(layers: list, of: layer, changed)
        }
        return .object(object)
    }

    private func marked(config: JSONObject, of layer: Layer, _ changed: Set<ObjectIdentifier>) -> JSONObject {
        var config = config
        // Keras makes no operation, and before Keras 3 no input layer, that is given such a member.
        let isFlagged = config["trainable"] != nil || !(layer is InputLayer || (layer as? DefinedLayer)?.isOperation ?? false)
        if isFlagged, changed.contains(ObjectIdentifier(layer)) { config["trainable"] = .bool(layer.trainable) }
        if let list = config["layers"]?.array { config["layers"] = marked(layers: list, of: layer, changed) }
        if let inner = layer.wrapped, let entry = config["layer"] { config["layer"] = marked(entry, as: inner, changed) }
        return config
    }

    private func marked(layers: [JSONValue], of model: Layer, _ changed: Set<ObjectIdentifier>) -> JSONValue {
        let byName = Dictionary(model.sublayers.map { ($0.name, $0) }) { first, _ in first }
        return .array(
            layers.map { entry in
                let name = (entry.object?["name"] ?? entry.object?["config"]?.object?["name"])?.string
                guard let name, let layer = byName[name] else { return entry }
                return marked(entry, as: layer, changed)
            })
    }
}
