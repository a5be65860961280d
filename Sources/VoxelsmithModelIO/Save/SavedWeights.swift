import VoxKerasConfig
import VoxTensorIO
import VoxTensors
import Voxelsmith

extension KerasWeights {
    /// The weights of a model as Keras 3 and tf-keras name them. A layer that occurs in several models stands in each: both read every place.
    init(variablesOf model: Model) {
        self.init(form: .variables, tensors: Self.variables(of: model.layers, below: ""), kerasVersion: nil, backend: nil)
    }

    private static func variables(of layers: [Layer], below path: String) -> [NamedTensor] {
        let places = VariableGroups(path: path)
        return layers.flatMap { variables(of: $0, in: places.next($0)[0]) }
    }

    private static func variables(of layer: Layer, in group: String) -> [NamedTensor] {
        if let inner = layer.wrapped { return variables(of: inner, in: VariableGroups.wrapped(in: group)) }
        if let model = layer as? Model { return variables(of: model.layers, below: "\(group)/") }
        return layer.weights.enumerated().map { index, variable in
            NamedTensor(path: VariableGroups.variable(index, in: group), group: group, layerName: layer.name, tensor: variable.value)
        }
    }

    /// The weights of a model as older files list them, in the order that the Keras of a document expects.
    /// - Parameter isWholeModel: whether the document is written too.
    init(listedOf model: Model, _ document: SavedDocument, isWholeModel: Bool) {
        let stated = StatedLayers(.object(document.model))
        let tensors = model.layers.flatMap { Self.listed($0, stated[$0.name], document.generation) }
        self.init(
            form: .layerNames, tensors: tensors, layerNames: model.layers.map(\.name), config: isWholeModel ? Array(document.model.toJSON().utf8) : nil,
            // The kernels are those of TensorFlow, whichever backend had turned those that were read.
            kerasVersion: document.kerasVersion, backend: "tensorflow")
    }

    private static func listed(_ layer: Layer, _ stated: StatedLayers?, _ generation: KerasGeneration) -> [NamedTensor] {
        let leaves = Dictionary(Leaf.all(in: [layer]).map { (ObjectIdentifier($0.layer), $0) }) { first, _ in first }
        // TensorFlow numbered the results of an operation; Keras 2 kept that in the names of variables.
        let ending = generation == .keras3 ? "" : ":0"
        return weightTree(of: layer, stated).legacyOrder(generation).compactMap { slot in
            guard let leaf = leaves[slot.layer] else { return nil }
            let variable = leaf.layer.weights[slot.index]
            return NamedTensor(
                path: "\(layer.name)/\(leaf.path)/\(variable.name)\(ending)", group: layer.name, layerName: layer.name, tensor: variable.value)
        }
    }
}

extension Model {
    /// All weights under the names that archives of arrays have for them.
    var namedWeights: [(name: String, tensor: Tensor)] {
        Leaf.all(in: layers).flatMap { leaf in leaf.layer.weights.map { ("\(leaf.path)/\($0.name)", $0.value) } }
    }
}
