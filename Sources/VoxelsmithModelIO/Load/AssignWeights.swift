import VoxKerasConfig
import VoxTensorIO
import VoxTensors
import Voxelsmith

/// Gives the weights of a Keras file to layers; builds those that are not built.
///
/// Files of the `variables` form name a layer by the snake-case name of its class, counted in layer order, never by its own name;
/// the `layerNames` form is matched by the order of the layers that have weights, as Keras does, and lists the weights of each in
/// `WeightTree`'s order. Where the file names a backend that turned kernels round, those are turned back.
/// - Returns: what the user should know of what was done, in sentences.
/// - Throws: `ModelIOError` when a weight is missing, left over or of a wrong shape; layers before the one that failed then have their
///   weights already.
@discardableResult
public func assign(_ weights: KerasWeights, to layers: [Layer]) throws -> [String] { try assign(weights, to: layers, madeOf: nil) }

/// - Parameter model: what the layers were made of, where that is at hand. For files that hold weights alone, it says which layers are
///   trainable, on which the order of weights depends.
/// - Returns: as `assign(_:to:)`.
/// - Throws: as `assign(_:to:)`.
package func assign(_ weights: KerasWeights, to layers: [Layer], madeOf model: JSONValue?) throws -> [String] {
    var assignment = Assignment(turning: KernelTurning(backend: weights.backend), model: model)
    switch weights.form {
    case .variables: try assignment.assign(variables: weights, to: layers)
    case .layerNames: try assignment.assign(listed: weights, to: layers)
    }
    return assignment.warnings
}

/// Weights on their way to layers.
private struct Assignment {
    let turning: KernelTurning
    /// What the layers were made of, where it is known.
    let model: JSONValue?
    /// Layers whose kernels were turned round.
    var turned: [String] = []

    var warnings: [String] { turning.warning(turned: turned).map { [$0.text] } ?? [] }

    // MARK: By path

    mutating func assign(variables weights: KerasWeights, to layers: [Layer]) throws {
        var byGroup: [String: [NamedTensor]] = [:]
        for weight in weights.tensors { byGroup[weight.group, default: []].append(weight) }
        let present = weights.tensors.map(\.path)
        try give(&byGroup, below: "", to: layers, present: present)
        if !byGroup.isEmpty { throw ModelIOError.weightsLeftOver(byGroup.keys.sorted(), taken: layers.map(\.name)) }
    }

    /// Gives the layers of one model their variables, and takes those out of `byGroup`.
    /// - Parameter path: of the model in the file: empty, or with a slash at its end.
    private mutating func give(_ byGroup: inout [String: [NamedTensor]], below path: String, to layers: [Layer], present: [String]) throws {
        let places = VariableGroups(path: path)
        for layer in layers { try give(&byGroup, at: places.next(layer), to: layer, present: present) }
    }

    /// Gives one layer its variables.
    /// - Parameter groups: the names under which the file may have it.
    private mutating func give(_ byGroup: inout [String: [NamedTensor]], at groups: [String], to layer: Layer, present: [String]) throws {
        if let inner = layer.wrapped {
            try give(&byGroup, at: groups.map(VariableGroups.wrapped), to: inner, present: present)
            layer.noteWrappedLayer()
        } else if let model = layer as? Model {
            let group = groups.first { group in byGroup.keys.contains { $0.hasPrefix("\(group)/") } } ?? groups[0]
            try give(&byGroup, below: "\(group)/", to: model.layers, present: present)
            model.noteBuiltLayers()
        } else if !slots(of: layer).isEmpty {
            guard let group = groups.first(where: { byGroup[$0] != nil }), let tensors = byGroup.removeValue(forKey: group) else {
                throw ModelIOError.weightMissing(layer: layer.name, name: VariableGroups.variable(0, in: groups[0]), present: present)
            }
            // By their numbers, as Keras asks for them: one with another number is not the one that is missing.
            for (index, tensor) in tensors.enumerated() {
                let name = VariableGroups.variable(index, in: group)
                if tensor.path != name { throw ModelIOError.weightMissing(layer: layer.name, name: name, present: present) }
            }
            try give(tensors, to: layer)
        } else {
            // The state of the numbers that Dropout and its like draw in training.
            for group in groups { byGroup["\(group)/seed_generator"] = nil }
        }
    }

    // MARK: By order

    mutating func assign(listed weights: KerasWeights, to layers: [Layer]) throws {
        var groups: [(name: String, tensors: [NamedTensor])] = []
        for weight in weights.tensors {
            if groups.last?.name == weight.group {
                groups[groups.count - 1].tensors.append(weight)
            } else {
                groups.append((weight.group, [weight]))
            }
        }
        let generation = weights.kerasVersion.map { KerasGeneration(kerasVersion: $0) } ?? .keras2
        let document = weights.config.flatMap { try? JSONValue(parsing: $0) } ?? model
        let stated = StatedLayers(document)
        let owners = layers.filter { layer in Leaf.all(in: [layer]).contains { !slots(of: $0.layer).isEmpty } }
        if groups.count != owners.count {
            throw ModelIOError.layerCount(received: groups.map(\.name), expected: owners.map(\.name))
        }
        for (layer, group) in zip(owners, groups) {
            let order = order(of: layer, stated[layer.name], generation, group.tensors)
            if order.count != group.tensors.count {
                throw ModelIOError.weightCount(layer: layer.name, received: group.tensors.map(\.path), expected: order.count)
            }
            var given: [Slot: NamedTensor] = [:]
            for (slot, tensor) in zip(order, group.tensors) { given[slot] = tensor }
            try give(given, to: layer)
        }
    }

    private mutating func give(_ given: [Slot: NamedTensor], to layer: Layer) throws {
        if let inner = layer.wrapped {
            try give(given, to: inner)
            return layer.noteWrappedLayer()
        }
        guard let model = layer as? Model else {
            let tensors = slots(of: layer).compactMap { given[$0] }
            return tensors.isEmpty ? () : try give(tensors, to: layer)
        }
        for part in model.layers { try give(given, to: part) }
        model.noteBuiltLayers()
    }

    /// The order of a layer's weights in its group. Before Keras 3, the config of a Sequential does not say whether the model itself was
    /// frozen. The order depends on that where a layer of it was set trainable again. Of the possible orders, the one that agrees with the
    /// names of the weights counts.
    private func order(of layer: Layer, _ stated: StatedLayers?, _ generation: KerasGeneration, _ tensors: [NamedTensor]) -> [Slot] {
        let usual = weightTree(of: layer, stated).legacyOrder(generation)
        let silent = generation == .keras3 ? [] : silentModels(layer, stated)
        if silent.isEmpty || silent.count > Self.mostSilentModels { return usual }
        let names = Dictionary(Leaf.all(in: [layer]).map { (ObjectIdentifier($0.layer), $0.layer.name) }) { first, _ in first }
        if agree(usual, tensors, names) { return usual }
        for choice in 1..<(1 << silent.count) {
            let frozen = silent.indices.filter { choice >> $0 & 1 == 1 }.map { silent[$0] }
            let order = weightTree(of: layer, stated, frozen: Set(frozen)).legacyOrder(generation)
            if agree(order, tensors, names) { return order }
        }
        return usual
    }

    /// Most models for which both answers are tried: 8 of them can be frozen or not in 256 ways.
    private static let mostSilentModels = 8

    /// The models at and below a layer whose configs do not say whether they were frozen themselves.
    private func silentModels(_ layer: Layer, _ stated: StatedLayers?) -> [ObjectIdentifier] {
        if let inner = layer.wrapped { return silentModels(inner, stated?[inner.name]) }
        guard let model = layer as? Model, let stated else { return [] }
        return (stated.isSilent ? [ObjectIdentifier(model)] : []) + model.layers.flatMap { silentModels($0, stated[$0.name]) }
    }

    /// Whether each weight is called after the layer that it would go to: "inner/up/kernel:0" for the layer "up" of the model "inner".
    private func agree(_ order: [Slot], _ tensors: [NamedTensor], _ names: [ObjectIdentifier: String]) -> Bool {
        zip(order, tensors).allSatisfy { slot, tensor in
            guard let name = names[slot.layer], let mark = tensor.path.lastIndex(of: "/") else { return false }
            return "/\(tensor.path[..<mark])".hasSuffix("/\(name)")
        }
    }

    // MARK: One layer

    private mutating func give(_ weights: [NamedTensor], to layer: Layer) throws {
        var tensors = weights.map(\.tensor)
        if turning.turns(layer.className) {
            tensors = try turning.turned(tensors, of: layer.className)
            turned.append(layer.name)
        }
        try fill(layer, with: tensors, named: weights.map(\.path))
    }
}

/// Gives one layer its weights. An error names the weight that is at fault.
func fill(_ layer: Layer, with tensors: [Tensor], named names: [String]) throws {
    let expected = slots(of: layer).count
    if tensors.count != expected { throw ModelIOError.weightCount(layer: layer.name, received: names, expected: expected) }
    for (index, tensor) in tensors.enumerated() {
        guard let mismatch = WeightMismatch(tensor.shape, as: index, of: layer) else { continue }
        throw ModelIOError.weightShape(layer: layer.name, weight: names[index], received: tensor.shape, mismatch)
    }
    try layer.takeWeights(tensors)
}
