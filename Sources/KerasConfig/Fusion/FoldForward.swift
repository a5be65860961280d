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
        // Convolutions by the only tensor that they read.
        var readers: [Int: Int] = [:]
        for (place, slot) in slots.enumerated() {
            if let slot, slot.config != nil, slot.inputs.count == 1 { readers[slot.inputs[0]] = place }
        }
        // From the end, so that of several in a row the last one goes first.
        for index in slots.indices.reversed() {
            guard let group = slots[index], case .normalization(let axis) = kind(group), group.inputs.count == 1, group.results.count == 1,
                useCounts[group.results[0]] == 1, let type = type(group), let place = readers[group.results[0]], var folded = slots[place],
                self.type(folded) == type, let config = folded.config, Self.isAlongChannels(axis, config), folded.before.count < Self.mostFolded
            else { continue }
            folded.before.insert(group.call, at: 0)
            if commonTaps(of: folded) != nil {
                folded.config = try? config.with(useBias: true)
            } else if try !weights.haveNoShift(group.call) {
                continue
            }
            if folded.config == nil { continue }
            if try !weights.allow(folded) { continue }
            folded.inputs = group.inputs
            folded.parts = group.parts + folded.parts
            slots[place] = folded
            slots[index] = nil
            readers[group.inputs[0]] = place
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
