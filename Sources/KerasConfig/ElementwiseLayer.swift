import VoxLayerSpec

/// The layers of Keras that have no weights and are an activation at inference. Dropout and its like are the linear one.
package enum ElementwiseLayer {
    /// Layers that act in training alone.
    private static let trainingOnly: Set<String> = [
        "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout", "GaussianDropout", "GaussianNoise",
    ]
    /// Layers that never change their input.
    private static let identities: Set<String> = ["ActivityRegularization", "Identity"]
    private static let activations: Set<String> = ["Activation", "ReLU", "LeakyReLU", "ELU", "Softmax", "ThresholdedReLU"]

    /// Whether the layer does something else when it is called with `training=True`.
    package static func isTrainingOnly(_ className: String) -> Bool { trainingOnly.contains(className) }

    /// What a layer computes at inference; nil for a class that is none of these, and for an activation nobody knows.
    package static func activation(of object: JSONObject, generation: KerasGeneration) -> Activation? {
        guard let className = object["class_name"]?.string, !isCustom(object) else { return nil }
        let config = object["config"]?.object ?? [:]
        if trainingOnly.contains(className) || identities.contains(className) { return .linear }
        guard activations.contains(className) else { return nil }
        switch className {
        case "Activation": return try? ActivationNames.activation(config["activation"], generation: generation)
        case "ThresholdedReLU":
            switch config["theta"] {
            case nil, .null?: return .threshold(1, value: 0)
            case .integer(let theta)?: return .threshold(Double(theta), value: 0)
            case .number(let theta)? where theta.isFinite: return .threshold(theta, value: 0)
            default: return nil
            }
        default: return try? ActivationNames.activation(.object(object), generation: generation)
        }
    }

    /// Whether a class of the user's own is registered under a name of Keras's.
    package static func isCustom(_ object: JSONObject) -> Bool {
        guard let name = object["registered_name"]?.string, let mark = name.firstIndex(of: ">") else { return false }
        return name[..<mark].lowercased() != "keras"
    }
}
