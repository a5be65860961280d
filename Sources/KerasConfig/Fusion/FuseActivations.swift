import VoxLayerSpec

extension NetworkFusion {
    /// Gives activations to the convolutions whose results they alone read, as the last thing that is done to a sum. A kernel that lacks the
    /// activation leaves it to its caller, who applies it to the result in its place. Activations along an axis of the whole result stay.
    package mutating func fuseActivations() {
        var index = 0
        while index < groups.count {
            guard case .activation(let activation) = kind(groups[index]), activation != .linear, !activation.needsWholeResult,
                let place = convolution(before: groups[index]), let config = groups[place].config, config.activation == .linear,
                let fused = try? config.with(activation: activation)
            else {
                index += 1
                continue
            }
            groups[place].config = fused
            merge(index, into: place)
        }
    }
}
