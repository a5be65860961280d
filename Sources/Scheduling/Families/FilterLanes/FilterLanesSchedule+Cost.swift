import VoxLayerSpec

extension FilterLanesSchedule {
    /// The cycles of all tiles, and of converting planes to voxels and back.
    public var expectedCycles: Double { cyclesOfTiles + PlaneConversion.cycles(spec, inputPasses: 1) }

    /// A channel step of a tile takes as long as the slowest of four things: its multiply-adds, its loads, the latency of its sums, and the
    /// arrival of its weights. Beginning and ending a tile takes some cycles too.
    private var cyclesOfTiles: Double {
        let (depth, height) = (gather.axes[0], gather.axes[1])
        let (plan, layout) = (tilePlan, packedLayout)
        // Weights that are used again for every tile come from the nearest cache that holds them.
        let resident = parameters.order == .heightBlocked ? layout.byteCount : layout.pieceBytes(groups: plan.groups.count)
        let weightRate = resident <= target.level1Bytes * 3 / 4 ? 128.0 : resident <= target.level2Bytes * 3 / 4 ? 48 : 12

        // What finds no register is stored and loaded again in every channel step.
        let spilled = Double(max(0, liveRegisters - target.vectorRegisters))
        let costs = plan.variants.map { variant in
            let loops = variant.loops.reduce(0.0) { total, loop in
                let uses = loop.uses.count * parameters.vectors
                let loads = loop.inputs.count + loop.units.count * parameters.vectors
                var chains = Array(repeating: 0, count: variant.outputs.count)
                for use in loop.uses { chains[use.output] += 1 }
                let step = max(
                    Double(uses) / 2, Double(loads) / 2, 4 * Double(chains.max() ?? 0),  // a multiply-add takes 4 cycles
                    Double(loop.units.count * parameters.vectors * target.vectorBytes) / weightRate)
                return total + Double(layout.channelSteps) * (step + 0.5 + spilled) + 8
            }
            let sums = Double(variant.outputs.count * parameters.vectors)
            // Where lanes are channels, a tree of shuffles and additions ends each sum.
            return (taps: loops, ends: 20 + sums * (parameters.channelsPerVector > 2 ? 5 : 1.5))
        }
        var total = 0.0
        for (group, tiles) in zip(plan.groups, plan.tiles) {
            let rows = parameters.listsRows ? group.rows.count : 1
            let rowTaps = parameters.listsRows
                ? group.rows.reduce(0) { sum, q in sum + group.rowTaps.count { height.source(position: q, lag: $0.lag) != nil } } : 1
            for case let tile? in tiles {
                let cost = costs[tile.variant]
                total += cost.taps * Double(rowTaps * depth.pairCount) + cost.ends * Double(rows * depth.results)
            }
        }
        return total * Double(layout.blockCount * layout.parts)
    }
}
