import VoxLayerSpec

extension MinimalFilteringSchedule {
    /// The cycles of the products, of both transforms, and of converting planes to voxels and back. As windows overlap, inputs count as
    /// converted twice.
    public var expectedCycles: Double {
        let tiles = tileCount
        let channelVectors = gather.channelsPerGroup.ceilingDivision(by: lanes)
        let filterVectors = blockCount * parameters.vectors
        let padding = Double(blockCount * blockFilters) / Double(gather.filtersPerGroup)
        // A step loads each tile's input and the weights, two a cycle like the multiply-adds: one vector waits for its loads.
        let (rows, vectors) = (Double(parameters.rows), Double(tileVectors))
        let loads = max(1, 1.1 * (rows + vectors) / (rows * vectors))
        // Measured: 90 % of the peak, and one and a half cycles to begin and to store a sum over the channels. Where the parts of a kernel add up, sums
        // are loaded too, and more points leave room for fewer tiles that share the weights: 70 to 80 %. (Kernel 3, stride 2 gained a tenth to a third.)
        let step = loads / 2 / (addsUp ? 0.75 : 0.9) + (addsUp ? 2 : 1.5) / Double(gather.channelsPerGroup)
        var cycles = Double(transformedMultiplyAdds) * padding / Double(lanes) * step
        // Measured: finding a window; then a load, about two additions and a store for every point. On the way back the same, and eight stores to
        // distant lines.
        cycles += Double(tiles * gather.groups * points) * (4 + 2.5 * Double(channelVectors))
        // Products that add up are transformed back together.
        for combination in addsUp ? Array(combinations.prefix(1)) : combinations {
            cycles += Double(tiles * gather.groups * filterVectors * combination.phaseCount) * (Double(combination.points) * 2 + 28)
        }
        return cycles + PlaneConversion.cycles(spec, inputPasses: 2)
    }

    /// The cycles in which transformed weights that no cache keeps are read, once for each block of tiles. Products cannot be quicker. (Two
    /// threads of a virtual Xeon with AMX, whose last level of 300 MB others use too. 512 channels and filters on 4 x 14 x 14, weights of 67 MB:
    /// 3 to 6 bytes a cycle and thread, 32 to 65 ms where the direct kernel takes 35 to 43. 240 channels and filters, kernel 4, stride 2 on
    /// 4 x 32 x 32, weights of 50 MB: 150 instead of 113 ms. Weights of 28 and 33 MB do not wait.)
    var cyclesOfReadingWeights: Double {
        if packedByteCount <= 32 << 20 { return 0 }
        let blocks = Checked.clampedCount(zip(axes, block).map { $0.tiles.ceilingDivision(by: $1) })
        return Double(blocks) * Double(packedByteCount) / 4.5
    }
}
