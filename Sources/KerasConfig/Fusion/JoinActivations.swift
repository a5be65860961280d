import VoxLayerSpec

extension NetworkFusion {
    /// Gives activations to the loops whose results they alone read: normalizations that were not folded, sums and their like. The loop rounds its
    /// result to the type of its elements and applies the activation to each block of it while that is in the caches, so that the bits are those of two
    /// steps. Activations along an axis stay, as blocks may cut it, and so do 16-bit types, which loops do not compute in.
    package mutating func joinActivations() {
        for index in slots.indices {
            guard let group = slots[index], case .activation(let activation) = kind(group), activation != .linear, activation.isPointwise,
                let place = loop(before: group)
            else { continue }
            slots[place]?.activation = activation
            merge(index, into: place)
        }
    }

    /// The place of the loop without an activation whose only result is read by one group alone, and that computes in the type of that group.
    private func loop(before group: Group) -> Int? {
        guard group.inputs.count == 1, let type = type(group), type == type.arithmetic, useCounts[group.inputs[0]] == 1,
            let place = producer(of: group.inputs[0]), let found = slots[place], found.activation == .linear, self.type(found) == type
        else { return nil }
        switch kind(found) {
        case .loop, .normalization: return place
        case .convolution, .activation, .other: return nil
        }
    }
}
