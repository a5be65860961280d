import VoxLayerSpec

extension FilterLanes {
    /// The two best tiles of every structure, since the cost model tells structures apart better than tiles.
    public static func candidates(_ spec: KernelSpec, _ target: Target, threads: Int) -> [Schedule] {
        if reasonAgainst(spec) != nil { return [] }
        var seen: [FilterLanes: Int] = [:]
        return Schedule.ranked(structures(spec, target), spec, target, threads: threads).filter { schedule in
            guard var structure = schedule.filterLanes?.parameters else { return true }
            (structure.tileHeight, structure.tileWidth, structure.listsRows) = (0, 0, false)
            seen[structure, default: 0] += 1
            return seen[structure, default: 0] <= 2
        }
    }

    public func neighbours(_ spec: KernelSpec, _ target: Target) -> [FilterLanes] {
        var tall = self
        (tall.tileHeight, tall.tileWidth, tall.listsRows) = (tileHeight + 1, max(1, tileWidth / 2), false)
        return [tall]
            + varied(\.tileWidth, [tileWidth - 2, tileWidth - 1, tileWidth + 1, tileWidth + 2])
            + varied(\.tileHeight, [tileHeight - 1])
            + varied(\.mergesWidthPhases, [!mergesWidthPhases])
            + varied(\.fusion, [.tap, .row])
            + varied(\.listsRows, [!listsRows])
            + varied(\.order, [.heightBlocked, .rowStationary, .weightStationary])
            + varied(\.blockRows, [1, blockRows / 2, blockRows * 2, blockRows * 4])
            + varied(\.prefetchesNextPlane, [!prefetchesNextPlane])
            + varied(\.streamsOutput, [!streamsOutput])
            + varied(\.mergesGroups, [!mergesGroups])
            + varied(\.unroll, [1, 2, 4])
    }

    /// Channels per vector, vectors, merged phases, fusion and order in all combinations, each with tiles that fill the registers.
    private static func structures(_ spec: KernelSpec, _ target: Target) -> [FilterLanes] {
        let estimate = estimate(spec, target)
        let gather = spec.gather
        let (height, width) = (gather.axes[1], gather.axes[2])
        let lanes = MultiplyUnit(target, spec.elements).lanes
        let filterVectors = gather.filtersPerGroup.ceilingDivision(by: lanes)
        let (columns, rows) = (width.mostPositions, height.mostPositions)
        var structures = Set([1, 2, lanes]).sorted().flatMap { estimate.varied(\.channelsPerVector, [$0]) }
        structures = structures.flatMap { p in
            p.varied(\.vectors, p.channelsPerVector == lanes ? [gather.filtersPerGroup] : Array(1...min(4, max(1, filterVectors))))
        }
        structures = structures.flatMap { $0.varied(\.mergesWidthPhases, width.phases > 1 ? [false, true] : [false]) }
        structures = structures.flatMap { $0.varied(\.fusion, [.row, .tap]) }
        structures = structures.flatMap { $0.varied(\.order, [estimate.order == .rowStationary ? .rowStationary : .heightBlocked, .weightStationary]) }
        return structures.flatMap { structure -> [FilterLanes] in
            // Accumulators, the weights of one channel loop and one input; one register is left to the compiler.
            let phases = structure.mergesWidthPhases ? width.phases : 1
            let taps = structure.fusion == .tap ? 1 : structure.mergesWidthPhases ? width.kernel : width.longestChain
            let positions = (target.vectorRegisters - 2 - taps * structure.vectors) / (phases * structure.vectors)
            var tiles: [FilterLanes] = []
            for count in Set([positions, positions * 3 / 4]) where count >= 1 {
                // Tiles of several rows only where rows are short: elsewhere wide ones re-use as much, with less code.
                for tileHeight in [1, 2, 3, 4] where tileHeight == 1 || (columns <= 2 * count && tileHeight <= min(count, rows)) {
                    let parts = columns.ceilingDivision(by: max(1, min(columns, count / tileHeight)))
                    var tile = structure
                    tile.tileHeight = tileHeight
                    tile.tileWidth = columns.ceilingDivision(by: parts)
                    tile.listsRows = tileHeight == 1
                    tile.blockRows = max(1, estimate.blockRows * estimate.tileHeight / tileHeight)
                    tiles.append(tile)
                }
            }
            return tiles
        }
    }
}
