import VoxLayerSpec

extension NetworkFusion {
    /// Folds batch normalizations into the convolutions whose results they read. At inference a normalization is `x * scale + shift` for each
    /// channel, so that `(sum + bias) * scale + shift` is a sum with other weights and another bias, whatever the geometry. The sum must reach
    /// the normalization as it is, without an activation, and nobody else.
    package mutating func foldBackward(_ weights: Weights) throws {
        var index = 0
        while index < groups.count {
            if let place = placeForNormalization(groups[index]) {
                var folded = groups[place]
                folded.after.append(groups[index].call)
                folded.config = try? folded.config?.with(useBias: true)
                if folded.config != nil, try weights.allow(folded) {
                    groups[place] = folded
                    merge(index, into: place)
                    continue
                }
            }
            index += 1
        }
    }

    private func placeForNormalization(_ group: Group) -> Int? {
        guard case .normalization(let axis) = kind(group), let place = convolution(before: group), let config = groups[place].config,
            config.activation == .linear, Self.isAlongChannels(axis, config)
        else { return nil }
        return place
    }
}
