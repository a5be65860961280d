import KerasConfig
import LayerSpec
import Logging
import TensorIO
import Tensors
import Voxelsmith

/// Loads a model saved by Keras: `.keras` of Keras 3 and tf-keras, or a whole-model `.h5` of any generation. Chains, models of
/// several inputs and outputs, shared layers, models inside of models.
/// - Parameters:
///   - path: of the file.
///   - objects: the user's own layers, initializers, regularizers, constraints and activations.
///   - policy: which kernels may compute its layers.
///   - kernels: where specialised kernels come from.
///   - kernelMode: whether the interpreter may stand in for a missing kernel, or must.
///   - logger: warned of models of TensorFlow 1.4 and 1.5, whose Conv3DTranspose is a `Conv3D`.
/// - Returns: the model with its weights.
/// - Throws: what `ModelFile.init` and `modelFromJSON` throw, `ModelIOError`, and `LayerError` for weights of other shapes.
public func loadModel(
    path: String, objects: CustomObjects = .shared, policy: Policy = .fast, kernels: any KernelProvider = KernelRegistry.shared,
    kernelMode: KernelMode = .auto, logger: Logger = Logger(label: "voxelsmith.models")
) throws -> Model {
    let file = try ModelFile(path: path)
    guard file.document.object != nil else { throw ModelIOError.notAModel(path: path) }
    let budget = file.weights.map { WeightBudget(elements: $0.tensors.reduce(0) { $0 + $1.tensor.elementCount }) }
    let layer = try WeightBudget.$current.withValue(budget) {
        try layerFromJSON(
            file.document, kerasVersion: file.kerasVersion, objects: objects, policy: policy, kernels: kernels, kernelMode: kernelMode,
            logger: logger)
    }
    guard let model = layer as? Model else { throw ModelIOError.notAModel(path: path) }
    guard let weights = file.weights else { throw ModelIOError.noWeights(path: path) }
    try assign(weights, to: model.layers)
    model.noteBuiltLayers()
    return model
}

/// Unbuilt layers from their descriptions, with the names of the file.
/// - Parameters:
///   - set: what a file describes.
///   - objects: the user's own initializers, regularizers, constraints and activations.
///   - policy: which kernels may answer: rearranged ones too (`fast`), or plain sums only.
///   - kernels: where specialised kernels come from.
///   - kernelMode: whether the interpreter may stand in for a missing kernel, or must.
/// - Throws: `ArgumentError` or `KerasConfigError` for initializers, regularizers or constraints nobody knows.
public func makeLayers(
    _ set: LayerSet, objects: CustomObjects = .shared, policy: Policy = .fast, kernels: any KernelProvider = KernelRegistry.shared,
    kernelMode: KernelMode = .auto
) throws -> [Conv3D] {
    try set.layers.map { try Conv3D.make($0, objects: objects, policy: policy, kernels: kernels, kernelMode: kernelMode) }
}

/// Gives the weights of a Keras file to layers; builds convolutions that are not built.
///
/// Files of the `variables` form name a layer by the snake-case name of its class, counted in layer order, never by its own name;
/// the `layerNames` form is matched by the order of the layers that have weights, as Keras does.
/// - Throws: `ModelIOError` when a weight is missing or left over, `LayerError` for a wrong shape; layers before the one that
///   failed then have their weights already.
public func assign(_ weights: KerasWeights, to layers: [Layer]) throws {
    switch weights.form {
    case .variables:
        var byGroup: [String: [Tensor]] = [:]
        for weight in weights.tensors { byGroup[weight.group, default: []].append(weight.tensor) }
        try give(&byGroup, below: "", to: layers)
        if !byGroup.isEmpty { throw ModelIOError.weightsLeftOver(byGroup.keys.sorted()) }
    case .layerNames:
        var perLayer: [(group: String, tensors: [Tensor])] = []
        for weight in weights.tensors {
            if perLayer.last?.group == weight.group {
                perLayer[perLayer.count - 1].tensors.append(weight.tensor)
            } else {
                perLayer.append((weight.group, [weight.tensor]))
            }
        }
        let layers = layers.filter { weightCount($0) > 0 }
        if perLayer.count != layers.count { throw ModelIOError.layerCount(received: perLayer.count, expected: layers.count) }
        for (layer, entry) in zip(layers, perLayer) { try give(entry.tensors, to: layer) }
    }
}

/// Gives the layers of one model their variables, and takes those out of `byGroup`.
/// - Parameter path: of the model in the file: empty, or with a slash at its end.
private func give(_ byGroup: inout [String: [Tensor]], below path: String, to layers: [Layer]) throws {
    let names = UniqueNames()
    for layer in layers {
        let variable = names.next(forClass: layer.className)
        // The second is what tf-keras 2.12 and earlier called the container.
        let groups = ["\(path)layers/\(variable)", "\(path)_layer_checkpoint_dependencies/\(variable)"]
        if let model = layer as? Model {
            let group = groups.first { group in byGroup.keys.contains { $0.hasPrefix("\(group)/") } } ?? groups[0]
            try give(&byGroup, below: "\(group)/", to: model.layers)
            model.noteBuiltLayers()
        } else if weightCount(layer) > 0 {
            guard let group = groups.first(where: { byGroup[$0] != nil }), let tensors = byGroup.removeValue(forKey: group) else {
                throw ModelIOError.weightMissing(layer: layer.name, name: "\(groups[0])/vars/0")
            }
            try give(tensors, to: layer)
        }
    }
}

/// Gives the arrays of an `.npz` to layers; builds those that are not built. Arrays are called `kernel` and `bias` for one layer,
/// `<layer name>/kernel` and `<layer name>/bias` for several (one layer may be named as well).
/// - Throws: `TensorIOError`, `ModelIOError` when an array is missing or left over, `LayerError` for a wrong shape; layers before
///   the one that failed then have their weights already.
public func loadWeights(npz path: String, into layers: [Conv3D]) throws {
    let file = try NPZFile(path: path)
    var left = Set(file.names)
    for layer in layers {
        let isPlain = layers.count == 1 && left.contains("kernel")
        let tensors = try (layer.useBias ? ["kernel", "bias"] : ["kernel"]).map { weight in
            let name = isPlain ? weight : "\(layer.name)/\(weight)"
            guard left.remove(name) != nil else { throw ModelIOError.weightMissing(layer: layer.name, name: name) }
            return try file.tensor(name)
        }
        try give(tensors, to: layer)
    }
    if !left.isEmpty { throw ModelIOError.weightsLeftOver(left.sorted()) }
}

/// How many weights a layer has, or will have.
private func weightCount(_ layer: Layer) -> Int {
    if let model = layer as? Model { return model.layers.reduce(0) { $0 + weightCount($1) } }
    if let layer = layer as? Conv3D, !layer.isBuilt { return layer.useBias ? 2 : 1 }
    return layer.weights.count
}

private func give(_ tensors: [Tensor], to layer: Layer) throws {
    let expected = weightCount(layer)
    if tensors.count != expected { throw ModelIOError.weightCount(layer: layer.name, received: tensors.count, expected: expected) }
    if let model = layer as? Model {
        var rest = tensors[...]
        for part in model.layers {
            try give(Array(rest.prefix(weightCount(part))), to: part)
            rest = rest.dropFirst(weightCount(part))
        }
        model.noteBuiltLayers()
    } else if let layer = layer as? Conv3D, !layer.isBuilt {
        try layer.build(weights: tensors)
    } else {
        try layer.setWeights(tensors)
    }
}
