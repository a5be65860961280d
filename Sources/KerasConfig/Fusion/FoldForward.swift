import VoxLayerSpec

extension NetworkFusion {
    /// Folds batch normalizations into the convolutions that alone read their results.
    ///
    /// The factor of a channel is one of its weights, whatever the geometry: what lies outside the volume is 0 before and behind it. The number
    /// that is added to a channel arrives in a result once for each tap that reads a voxel; taps outside the volume read 0, not that number. So
    /// it is a bias only where every result has the same taps (`AxisGeometry.commonTaps`): in an ordinary convolution where no tap leaves the
    /// volume, as with valid padding; in a transposed one hardly ever but for kernels of one voxel, as the results of different phases have
    /// different taps, and those at the ends fewer. Where nothing is added, every geometry will do.
    package mutating func foldForward(_ weights: Weights) throws {
        // From the end, so that of several in a row the last one goes first.
        for index in groups.indices.reversed() {
            guard case .normalization(let axis) = kind(groups[index]), groups[index].inputs.count == 1, groups[index].results.count == 1,
                useCount(of: groups[index].results[0]) == 1, let type = type(groups[index]),
                let place = groups.firstIndex(where: { $0.inputs == groups[index].results }), self.type(groups[place]) == type,
                let config = groups[place].config, Self.isAlongChannels(axis, config)
            else { continue }
            var folded = groups[place]
            folded.before.insert(groups[index].call, at: 0)
            if commonTaps(of: folded) != nil {
                folded.config = try? config.with(useBias: true)
            } else if try !weights.haveNoShift(groups[index].call) {
                continue
            }
            if folded.config == nil { continue }
            if try !weights.allow(folded) { continue }
            folded.inputs = groups[index].inputs
            folded.parts = groups[index].parts + folded.parts
            groups[place] = folded
            groups.remove(at: index)
        }
    }

    /// For each axis of a convolution the taps that every result has; nil where results have different ones, or the shape is not known.
    package func commonTaps(of group: Group) -> [[Int]]? {
        guard case .convolution(let config, let inputShape) = outline.calls[group.call].kind else { return nil }
        let known = [1] + inputShape.dropFirst().compactMap(\.self)
        guard known.count == inputShape.count, let spec = try? config.spec(inputShape: known) else { return nil }
        let taps = spec.geometry.axes.compactMap { $0.commonTaps(spec.op) }
        return taps.count == spec.geometry.axes.count ? taps : nil
    }
}
