import VoxLayerSpec

extension MinimalFiltering {
    /// The estimate, when it is expected to beat direct summation; nil otherwise.
    public static func planned(_ spec: KernelSpec, _ target: Target, threads: Int) -> Schedule? {
        let gather = spec.gather
        guard reasonAgainst(spec) == nil, target.hasFusedMultiplyAdd,
            let parameters = estimate(spec, target),
            let schedule = try? Schedule(spec: spec, target: target, decision: .minimalFiltering(parameters)),
            let resolved = schedule.minimalFiltering
        else { return nil }
        // Transformed weights are several times larger: beyond a share of the last level, or with few tiles to use them on,
        // streaming them costs more than the saved arithmetic.
        if resolved.packedByteCount > target.lastLevelBytes / 4 || resolved.tileCount < 64 { return nil }

        let lanes = MultiplyUnit(target, spec.elements).lanes
        // Measured: 24 accumulators reach about 90 % of the peak, 16 about 80 %.
        let filterLanes = FilterLanes.estimate(spec, target)
        let accumulators = Double(filterLanes.accumulatorCount(gather.axes[2]))
        let share = min(0.9, max(0.7, 0.6 + accumulators / 80))
        let direct = Double(spec.geometry.multiplyAddCount) / Double(lanes) / 2 / share
        let other = threads > 1 ? try? Schedule(spec: spec, target: target, decision: .filterLanes(filterLanes)) : nil
        let limit = (direct + PlaneConversion.cycles(spec, inputPasses: 1)) * 0.95 * (other?.largestShare(threads: threads) ?? 1)
        let reading = resolved.cyclesOfReadingWeights * schedule.largestShare(threads: threads)
        return max(schedule.expectedCycles(threads: threads), reading) < limit ? schedule : nil
    }

    /// The parameters that follow from measured rules: with 32 registers 29 x 1, 14 x 2 or 9 x 3 accumulators (merged phases count as vectors),
    /// and blocks whose transformed input and products fit three quarters of the second-level cache. Nil when a group has too few channels or
    /// filters to pay for the transforms.
    static func estimate(_ spec: KernelSpec, _ target: Target) -> MinimalFiltering? {
        let gather = spec.gather
        let lanes = MultiplyUnit(target, spec.elements).lanes
        if gather.channelsPerGroup < 8 || gather.filtersPerGroup < lanes { return nil }
        let filterVectors = gather.filtersPerGroup.ceilingDivision(by: lanes)
        let vectors = filterVectors % 2 == 0 ? 2 : filterVectors % 3 == 0 ? 3 : filterVectors == 1 ? 1 : 2
        // One vector keeps both load units busy with inputs: phases along the width share them. (Kernel 4, stride 2, 16 channels and
        // filters on 32^3, one thread: 350 instead of 270 GFLOP/s.)
        let phases = vectors == 1 ? mergeableWidthPhases(spec) : 1
        let merges = phases > 1 && phases <= 4
        // Accumulators, the weights of one channel, one input and a spare. (One vector and 16 channels: 221 GFLOP/s with 14
        // rows, 234 with 29.)
        let rows = target.registerTileRows(vectors: merges ? vectors * phases : vectors)
        if rows < 2 { return nil }

        let single = MinimalFiltering(block: [1, 1, 1], vectors: vectors, rows: rows, mergesWidthPhases: merges)
        guard let shape = try? Schedule(spec: spec, target: target, decision: .minimalFiltering(single)), let one = shape.minimalFiltering
        else { return nil }
        let bytesPerTile = one.stagedPlace * one.unit.element.byteCount  // of a block of one tile, transformed
        let tiles = max(1, min(36, target.level2Bytes * 3 / 4 / bytesPerTile))
        let available = one.axes.map(\.tiles)
        let width = available[2].ceilingDivision(by: available[2].ceilingDivision(by: min(available[2], max(1, min(tiles, 18)))))
        let height = max(1, min(available[1], tiles / width))
        let depth = max(1, min(available[0], tiles / (width * height)))
        // With channels_last each phase writes voxels of its own, long after the phase before it wrote their neighbours. By then the caches may
        // have lost their common lines.
        let streams = PlaneConversion.streams(spec, target, share: spec.layout == .channelsLast ? 0.4 : 1)
        return MinimalFiltering(block: [depth, height, width], vectors: vectors, rows: rows, mergesWidthPhases: merges, streamsOutput: streams)
    }
}
