import VoxLayerSpec

extension NetworkFusion {
    /// Folds batch normalizations into the convolutions whose results they read. At inference a normalization is `x * scale + shift` for each
    /// channel, so that `(sum + bias) * scale + shift` is a sum with other weights and another bias, whatever the geometry. The sum must reach
    /// the normalization as it is, without an activation, and nobody else.
    package mutating func foldBackward(_ weights: Weights) throws {
        for index in slots.indices {
            guard let group = slots[index], case .normalization(let axis) = kind(group), case let (place, found, config)? = convolution(before: group),
                config.activation == .linear, Self.isAlongChannels(axis, config), found.after.count < Self.mostFolded,
                let changed = try? config.with(useBias: true)
            else { continue }
            var folded = found
            folded.after.append(group.call)
            folded.config = changed
            if try !weights.allow(folded) { continue }
            slots[place] = folded
            merge(index, into: place)
        }
    }
}
