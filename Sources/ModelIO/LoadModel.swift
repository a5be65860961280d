import KerasConfig
import LayerSpec
import TensorIO
import Tensors
import Voxelsmith

/// Loads a model saved by Keras: `.keras` of Keras 3 and tf-keras, or a whole-model `.h5` of any generation.
/// - Parameters:
///   - policy, kernels, kernelMode: which kernels may compute its layers.
/// - Returns: the model with its weights, built.
/// - Throws: what `ModelFile.init` throws, `ModelIOError`, and `LayerError` for weights of other shapes.
public func loadModel(
    path: String, policy: Policy = .fast, kernels: any KernelProvider = KernelRegistry.shared, kernelMode: KernelMode = .auto
) throws -> Sequential {
    let file = try ModelFile(path: path)
    guard let model = file.layers.model else { throw ModelIOError.notAModel(path: path) }
    guard let weights = file.weights else { throw ModelIOError.noWeights(path: path) }
    let layers = try makeLayers(file.layers, policy: policy, kernels: kernels, kernelMode: kernelMode)
    try assign(weights, to: layers)
    return try Sequential(layers, name: model.name)
}

/// Unbuilt layers from their descriptions, with the names of the file.
/// - Throws: `ArgumentError` or `KerasConfigError` for initializers, regularizers or constraints nobody knows.
public func makeLayers(
    _ set: LayerSet, policy: Policy = .fast, kernels: any KernelProvider = KernelRegistry.shared, kernelMode: KernelMode = .auto
) throws -> [Conv3DTranspose] {
    try set.layers.map { try Conv3DTranspose($0, policy: policy, kernels: kernels, kernelMode: kernelMode) }
}

/// Gives the weights of a Keras file to layers; builds those that are not built.
///
/// Files of the `variables` form name a layer by the snake-case name of its class, counted in layer order, never by its own name;
/// the `layerNames` form is matched by the order of the layers that have weights, as Keras does.
/// - Throws: `ModelIOError` when a weight is missing or left over, `LayerError` for a wrong shape; layers before the one that
///   failed then have their weights already.
public func assign(_ weights: KerasWeights, to layers: [Conv3DTranspose]) throws {
    switch weights.form {
    case .variables:
        var byGroup: [String: [Tensor]] = [:]
        for weight in weights.tensors { byGroup[weight.group, default: []].append(weight.tensor) }
        let names = UniqueNames()
        for layer in layers {
            let variable = names.next(forClass: "Conv3DTranspose")
            // The second is what tf-keras 2.12 and earlier called the container.
            let groups = ["layers/\(variable)", "_layer_checkpoint_dependencies/\(variable)"]
            guard let group = groups.first(where: { byGroup[$0] != nil }), let tensors = byGroup.removeValue(forKey: group) else {
                throw ModelIOError.weightMissing(layer: layer.name, name: "\(groups[0])/vars/0")
            }
            try give(tensors, to: layer)
        }
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
        if perLayer.count != layers.count { throw ModelIOError.layerCount(received: perLayer.count, expected: layers.count) }
        for (layer, entry) in zip(layers, perLayer) { try give(entry.tensors, to: layer) }
    }
}

/// Gives the arrays of an `.npz` to layers; builds those that are not built. Arrays are called `kernel` and `bias` for one layer,
/// `<layer name>/kernel` and `<layer name>/bias` for several (one layer may be named as well).
/// - Throws: `TensorIOError`, `ModelIOError` when an array is missing or left over, `LayerError` for a wrong shape; layers before
///   the one that failed then have their weights already.
public func loadWeights(npz path: String, into layers: [Conv3DTranspose]) throws {
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

/// Keras casts what it loads to the type of the variable; so does this.
private func give(_ tensors: [Tensor], to layer: Conv3DTranspose) throws {
    let expected = layer.useBias ? 2 : 1
    if tensors.count != expected {
        throw ModelIOError.weightCount(layer: layer.name, received: tensors.count, expected: expected)
    }
    let weights = try tensors.map { tensor in
        switch (tensor.elementType, layer.dtype) {
        case (.float64, .float32): try Tensor(shape: tensor.shape, tensor.floats)
        case (.float32, .float64): try Tensor(shape: tensor.shape, tensor.doubles)
        default: tensor
        }
    }
    if layer.isBuilt { try layer.setWeights(weights) } else { try layer.build(weights: weights) }
}
