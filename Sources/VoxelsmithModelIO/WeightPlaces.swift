import Voxelsmith

// Where each weight of a model lies in a file, for those who read and those who write: by name here, by order in `LegacyOrder`.

/// The place of one weight of a layer, which may not exist yet.
struct Slot: Hashable {
    let layer: ObjectIdentifier
    let index: Int
}

/// The weights a layer has, or will have.
func slots(of layer: Layer) -> [Slot] { layer.expectedWeightNames.indices.map { Slot(layer: ObjectIdentifier(layer), index: $0) } }

/// A layer that is neither model nor wrapper, with the names of those around it and its own, a slash between: `encoder/up`. Archives of arrays name a weight by
/// this path, a slash and the name of the weight.
struct Leaf {
    let path: String
    let layer: Layer

    /// Every layer that is neither model nor wrapper, in each of the models that it is in.
    static func all(in layers: [Layer], below path: String = "") -> [Leaf] {
        layers.flatMap { layer in
            let own = path + layer.name
            if let inner = layer.wrapped { return all(in: [inner], below: "\(own)/") }
            return (layer as? Model).map { all(in: $0.layers, below: "\(own)/") } ?? [Leaf(path: own, layer: layer)]
        }
    }
}

/// Where the layers of one container lie in a file of the form `variables`: by the snake-case names of their classes, counted in the order in
/// which they are asked for, which is that of the container. A layer's own name plays no part.
struct VariableGroups {
    private let names = [UniqueNames(), UniqueNames(digitsAreSmall: true)]
    /// The group of the container: empty, or with a slash at its end.
    let path: String

    /// The groups in which the next layer may lie. The first is that of Keras 3, which is written; then what tf-keras calls it, and each
    /// once more as 2.12 and earlier call the container.
    func next(_ layer: Layer) -> [String] {
        names.map { $0.next(forClass: layer.className) }.flatMap { ["\(path)layers/\($0)", "\(path)_layer_checkpoint_dependencies/\($0)"] }
    }

    /// The group of what a wrapper in a group wraps.
    static func wrapped(in group: String) -> String { "\(group)/layer" }

    /// The place of a variable in a group.
    static func variable(_ index: Int, in group: String) -> String { "\(group)/vars/\(index)" }
}
