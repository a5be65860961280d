import LayerSpec

extension CostModel {
    /// Minimal filtering: the products and both transforms.
    static func minimalFiltering(_ geometry: Geometry, _ target: Target, _ resolved: MinimalFilteringSchedule) -> Double {
        let tiles = resolved.tileCount
        let lanes = target.lanes(.float32)
        let channelVectors = geometry.channelsPerGroup.ceilingDivision(by: lanes)
        let filterVectors = resolved.blockCount * resolved.parameters.vectors
        let padding = Double(resolved.blockCount * resolved.blockFilters) / Double(geometry.filtersPerGroup)
        // A step loads each tile's input and the weights, two a cycle like the multiply-adds: one vector waits for its loads.
        let (rows, vectors) = (Double(resolved.parameters.rows), Double(resolved.tileVectors))
        let loads = max(1, 1.1 * (rows + vectors) / (rows * vectors))
        // Measured: 90 % of the peak, and one and a half cycles to begin and to store a sum over the channels.
        let step = loads / 2 / 0.9 + 1.5 / Double(geometry.channelsPerGroup)
        var cycles = Double(resolved.transformedMultiplyAdds) * padding / Double(lanes) * step
        // Measured: finding a window, then a load, about two additions and a store of every point; on the way back the same, and
        // eight stores to distant lines.
        cycles += Double(tiles * geometry.groups * resolved.points) * (4 + 2.5 * Double(channelVectors))
        for combination in resolved.combinations {
            cycles += Double(tiles * geometry.groups * filterVectors * combination.phaseCount) * (Double(combination.points) * 2 + 28)
        }
        return cycles
    }
}
