import LayerSpec

extension CostModel {
    /// Expected cycles of one sample on one core: good enough to rank schedules of one problem, before any is measured.
    static func cycles(_ schedule: Schedule) -> Double {
        switch schedule.family {
        case .filterLanes(let resolved):
            filterLanes(schedule.spec.geometry, schedule.target, resolved) + conversion(schedule.spec, inputPasses: 1)
        case .minimalFiltering(let resolved):
            minimalFiltering(schedule.spec.geometry, schedule.target, resolved) + conversion(schedule.spec, inputPasses: 2)
        case .batchRows(let resolved):
            // One sample reads all weights from beyond the second-level cache, whatever the parameters.
            Double(resolved.packedByteCount) / 32
        }
    }

    /// Planes that become voxels and back where features come first: about 0.4 cycles an element.
    /// - Parameter inputPasses: how often inputs are converted; the windows of minimal filtering overlap.
    static func conversion(_ spec: KernelSpec, inputPasses: Int) -> Double {
        guard spec.layout == .channelsFirst else { return 0 }
        let geometry = spec.geometry
        return 0.4 * Double(inputPasses * geometry.inputVolume * geometry.channels + geometry.outputVolume * geometry.filters)
    }

    /// Direct summation: for every tile the slowest of multiply-adds, loads, latency and the way of the weights, and what it
    /// costs to begin and to end a tile.
    private static func filterLanes(_ geometry: Geometry, _ target: Target, _ resolved: FilterLanesSchedule) -> Double {
        let (depth, height) = (geometry.axes[0], geometry.axes[1])
        let (parameters, plan, layout) = (resolved.parameters, resolved.tilePlan, resolved.packedLayout)
        // Weights that are met again for every tile come from the nearest cache that holds them.
        let resident = parameters.order == .heightBlocked ? layout.byteCount : layout.pieceBytes(groups: plan.groups.count)
        let weightRate = resident <= target.level1Bytes * 3 / 4 ? 128.0 : resident <= target.level2Bytes * 3 / 4 ? 48 : 12

        // Registers that do not suffice are stored and loaded in every channel step.
        let spilled = Double(max(0, resolved.liveRegisters - target.vectorRegisters))
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
                ? group.rows.reduce(0) { sum, q in sum + group.rowTaps.count { (0..<height.input).contains(q - $0.lag) } } : 1
            for case let tile? in tiles {
                let cost = costs[tile.variant]
                total += cost.taps * Double(rowTaps * depth.pairCount) + cost.ends * Double(rows * depth.output)
            }
        }
        return total * Double(layout.blockCount * geometry.groups)
    }
}
