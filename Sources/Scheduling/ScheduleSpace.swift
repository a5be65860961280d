import LayerSpec

/// The schedules worth measuring for one problem on one target. Pure: a search can be repeated.
///
/// A search has two steps. `candidates` differ in structure: family, channels per vector, vectors, merged phases, fusion, order,
/// and tiles that fill the registers. `neighbours(of:)` then change one parameter of the best of them at a time.
public struct ScheduleSpace: Sendable {
    private let spec: KernelSpec
    private let target: Target
    /// The estimate of `plan` first, then the others by the time that the cost model expects. All are applicable, no two alike. Batch rows
    /// are alone where they apply.
    public let candidates: [Schedule]

    /// - Parameters:
    ///   - spec: the problem.
    ///   - target: what the kernels are for.
    ///   - limit: most candidates; half of them at most are minimal filtering, and all of those policy `fast`.
    /// - Throws: `SchedulingError` when no family takes the problem.
    public init(_ spec: KernelSpec, target: Target, limit: Int = 16) throws(SchedulingError) {
        self.spec = spec
        self.target = target
        let estimate = try plan(spec, target: target)
        // Filter lanes read all weights for every sample. One sample alone may prefer them, but a kernel serves any batch.
        if estimate.batchRows != nil {
            candidates = [estimate]
            return
        }
        var found = [estimate]
        // The direct estimate is there under either policy.
        if let direct = try? plan(spec.with(policy: .direct), target: target) { found.append(direct) }
        // Transformed weights beyond the last-level cache are worth their way only for many tiles at once.
        let filtering = Self.minimalFiltering(spec, target)
        for (decisions, bytes) in [
            (filtering, target.lastLevelBytes), (Self.wholeVolume(filtering, spec, target), target.lastLevelBytes),
            (Self.largeBlocks(filtering, spec, target), 4 * target.lastLevelBytes),
        ] {
            found += Self.ranked(decisions, spec, target).filter { $0.packedByteCount <= bytes }.prefix(3)
        }
        // The best tiles of every structure: the model tells structures apart better than tiles.
        var seen: [FilterLanes: Int] = [:]
        found += Self.ranked(Self.filterLanes(spec, target), spec, target).filter { schedule in
            guard case .filterLanes(var structure) = schedule.decision else { return true }
            (structure.tileHeight, structure.tileWidth, structure.listsRows) = (0, 0, false)
            seen[structure, default: 0] += 1
            return seen[structure, default: 0] <= 2
        }
        candidates = Array(Self.unique(found).prefix(limit))
    }

    /// Applicable schedules that differ from one in one parameter (and in what must follow it), by expected time.
    public func neighbours(of schedule: Schedule, limit: Int = 14) -> [Schedule] {
        let decisions: [Decision] =
            switch schedule.decision {
            case .filterLanes(let parameters): Self.neighbours(of: parameters, spec, target).map { .filterLanes($0) }
            case .minimalFiltering(let parameters): Self.neighbours(of: parameters, spec, target).map { .minimalFiltering($0) }
            case .batchRows(let parameters): Self.neighbours(of: parameters, target).map { .batchRows($0) }
            }
        let unique = Self.unique([schedule] + Self.ranked(decisions, spec, target))
        return Array(unique.dropFirst().prefix(limit))
    }

    // MARK: Parameters: one line each

    private static func neighbours(of p: FilterLanes, _ spec: KernelSpec, _ target: Target) -> [FilterLanes] {
        var tall = p
        (tall.tileHeight, tall.tileWidth, tall.listsRows) = (p.tileHeight + 1, max(1, p.tileWidth / 2), false)
        return [tall]
            + p.varied(\.tileWidth, [p.tileWidth - 2, p.tileWidth - 1, p.tileWidth + 1, p.tileWidth + 2])
            + p.varied(\.tileHeight, [p.tileHeight - 1])
            + p.varied(\.mergesWidthPhases, [!p.mergesWidthPhases])
            + p.varied(\.fusion, [.tap, .row])
            + p.varied(\.listsRows, [!p.listsRows])
            + p.varied(\.order, [.heightBlocked, .rowStationary, .weightStationary])
            + p.varied(\.blockRows, [1, p.blockRows / 2, p.blockRows * 2, p.blockRows * 4])
            + p.varied(\.prefetchesNextPlane, [!p.prefetchesNextPlane])
            + p.varied(\.streamsOutput, [!p.streamsOutput])
            + p.varied(\.mergesGroups, [!p.mergesGroups])
            + p.varied(\.unroll, [1, 2, 4])
    }

    private static func neighbours(of p: MinimalFiltering, _ spec: KernelSpec, _ target: Target) -> [MinimalFiltering] {
        let blocks = p.block.indices.flatMap { axis in
            [p.block[axis] / 2, p.block[axis] * 2].map { length in
                var block = p.block
                block[axis] = length
                return block
            }
        }
        var other = p
        other.mergesWidthPhases.toggle()
        return registerTiles(p, spec, target) + registerTiles(other, spec, target) + p.varied(\.block, blocks)
            + p.varied(\.rows, [p.rows / 2, p.rows - 1, p.rows + 1])
            + p.varied(\.splits, [1, 2, 4])
            + p.varied(\.streamsOutput, [!p.streamsOutput])
            + p.varied(\.unroll, [1, 2, 4])
    }

    private static func neighbours(of p: BatchRows, _ target: Target) -> [BatchRows] {
        [1, 2, 3, 4, 6, 8].map { vectors in
            BatchRows(vectors: vectors, rows: target.registerTileRows(vectors: vectors), unroll: p.unroll)
        } + p.varied(\.unroll, [1, 2, 4])
    }

    // MARK: Structures

    private static func filterLanes(_ spec: KernelSpec, _ target: Target) -> [Decision] {
        if FilterLanes.reasonAgainst(spec) != nil { return [] }
        let estimate = FilterLanes.estimate(spec, target)
        let (height, width) = (spec.geometry.axes[1], spec.geometry.axes[2])
        let lanes = target.lanes(.float32)
        let filterVectors = spec.geometry.filtersPerGroup.ceilingDivision(by: lanes)
        let columns = (0..<width.stride).map { width.positions(inPhase: $0).count }.max() ?? 1
        let rows = (0..<height.stride).map { height.positions(inPhase: $0).count }.max() ?? 1
        var structures = Set([1, 2, lanes]).sorted().flatMap { estimate.varied(\.channelsPerVector, [$0]) }
        structures = structures.flatMap { p in
            p.varied(\.vectors, p.channelsPerVector == lanes ? [spec.geometry.filtersPerGroup] : Array(1...min(4, max(1, filterVectors))))
        }
        structures = structures.flatMap { $0.varied(\.mergesWidthPhases, width.stride > 1 ? [false, true] : [false]) }
        structures = structures.flatMap { $0.varied(\.fusion, [.row, .tap]) }
        structures = structures.flatMap { $0.varied(\.order, [estimate.order == .rowStationary ? .rowStationary : .heightBlocked, .weightStationary]) }
        return structures.flatMap { structure -> [FilterLanes] in
            // Accumulators, the weights of one channel loop and one input; one register is left to the compiler.
            let phases = structure.mergesWidthPhases ? width.stride : 1
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
        }.map { .filterLanes($0) }
    }

    private static func minimalFiltering(_ spec: KernelSpec, _ target: Target) -> [Decision] {
        guard MinimalFiltering.reasonAgainst(spec) == nil, let estimate = MinimalFiltering.estimate(spec, target) else { return [] }
        return estimate.varied(\.mergesWidthPhases, [false, true]).flatMap { registerTiles($0, spec, target) }.map { .minimalFiltering($0) }
    }

    /// All numbers of vectors, each with as many rows as registers allow.
    private static func registerTiles(_ p: MinimalFiltering, _ spec: KernelSpec, _ target: Target) -> [MinimalFiltering] {
        let phases = p.mergesWidthPhases ? MinimalFiltering.mergeableWidthPhases(spec) : 1
        let most = min(4 / phases, spec.geometry.filtersPerGroup.ceilingDivision(by: target.lanes(.float32)))
        return (1...max(1, most)).map { vectors in
            var tile = p
            (tile.vectors, tile.rows) = (vectors, target.registerTileRows(vectors: vectors * phases))
            return tile
        }
    }

    /// Weights too big to be read again for every block: all tiles of a small volume at once, and threads share out the filters.
    private static func wholeVolume(_ decisions: [Decision], _ spec: KernelSpec, _ target: Target) -> [Decision] {
        decisions.flatMap { decision -> [Decision] in
            guard case .minimalFiltering(var parameters) = decision,
                let resolved = (try? Schedule(spec: spec, target: target, decision: decision))?.minimalFiltering,
                resolved.tileCount <= 256
            else { return [] }
            parameters.block = resolved.axes.map(\.tiles)
            return parameters.varied(\.splits, [2, 4]).map { .minimalFiltering($0) }
        }
    }

    /// Weights too big to be read again for every block, and more tiles than `wholeVolume` takes: the transformed input of one block
    /// fills a quarter of the last-level cache, so that the weights are met by many tiles each time they are read.
    private static func largeBlocks(_ decisions: [Decision], _ spec: KernelSpec, _ target: Target) -> [Decision] {
        decisions.compactMap { decision -> Decision? in
            guard case .minimalFiltering(var parameters) = decision else { return nil }
            func resolved() -> MinimalFilteringSchedule? {
                (try? Schedule(spec: spec, target: target, decision: .minimalFiltering(parameters)))?.minimalFiltering
            }
            guard let small = resolved(), small.packedByteCount > target.lastLevelBytes / 8 else { return nil }
            parameters.block = [1, 1, small.axes[2].tiles]
            // Rows of tiles, then planes.
            for axis in [1, 0] {
                let available = small.axes[axis].tiles
                while parameters.block[axis] < available {
                    let before = parameters.block[axis]
                    parameters.block[axis] = min(available, 2 * before)
                    guard let larger = resolved(), larger.workspaceByteCount <= target.lastLevelBytes / 4 else {
                        parameters.block[axis] = before
                        break
                    }
                }
            }
            return .minimalFiltering(parameters)
        }
    }

    // MARK: Order

    private static func ranked(_ decisions: [Decision], _ spec: KernelSpec, _ target: Target) -> [Schedule] {
        let schedules = unique(decisions.compactMap { try? Schedule(spec: spec, target: target, decision: $0) })
        return schedules.map { (schedule: $0, cycles: CostModel.cycles($0)) }
            .sorted { ($0.cycles, $0.schedule.text) < ($1.cycles, $1.schedule.text) }.map(\.schedule)
    }

    private static func unique(_ schedules: [Schedule]) -> [Schedule] {
        var seen: Set<String> = []
        return schedules.filter { seen.insert($0.text).inserted }
    }
}

/// Parameters of a kernel family, of which some are given other values.
private protocol Variable {}

extension Variable {
    /// One copy for each value of a parameter; a value may be the present one.
    fileprivate func varied<T>(_ parameter: WritableKeyPath<Self, T>, _ values: [T]) -> [Self] {
        values.map {
            var copy = self
            copy[keyPath: parameter] = $0
            return copy
        }
    }
}

extension FilterLanes: Variable {}
extension MinimalFiltering: Variable {}
extension BatchRows: Variable {}
