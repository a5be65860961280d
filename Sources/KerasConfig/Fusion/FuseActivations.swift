import VoxLayerSpec

extension NetworkFusion {
    /// Gives activations to the convolutions whose results they alone read, as the last thing that is done to a sum. A kernel that lacks the
    /// activation leaves it to its caller, who applies it to the result in its place. Activations along an axis of the whole result stay.
    package mutating func fuseActivations() {
        for index in slots.indices {
            guard let group = slots[index], case .activation(let activation) = kind(group), activation != .linear, !activation.needsWholeResult,
                case let (place, _, config)? = convolution(before: group), config.activation == .linear,
                let fused = try? config.with(activation: activation)
            else { continue }
            slots[place]?.config = fused
            merge(index, into: place)
        }
    }
}
