import VoxLayerSpec
import VoxScheduling

/// Where the weights of plane groups and taps lie within a depth phase, counted in units: [plane group][depth tap][row tap][width tap].
struct LaneUnits {
    /// The taps of every depth phase.
    let depthTaps: [[AxisGather.PhaseTap]]
    let groups: [TilePlan.Group]
    private let unitsBeforeGroup: [Int]

    init(_ depth: AxisGather, _ plan: TilePlan) {
        depthTaps = (0..<depth.phases).map { depth.taps(inPhase: $0) }
        groups = plan.groups
        var unitsBefore = 0
        unitsBeforeGroup = plan.groups.map { group in
            defer { unitsBefore += group.unitsPerDepthTap }
            return unitsBefore
        }
    }

    /// The first unit of a depth tap in a plane group.
    /// - Parameters:
    ///   - phase: the depth phase.
    ///   - tap: number of the tap in its phase.
    ///   - group: index of the plane group.
    func first(phase: Int, tap: Int, group: Int) -> Int {
        unitsBeforeGroup[group] * depthTaps[phase].count + tap * groups[group].unitsPerDepthTap
    }
}

/// What `Templates/families/FilterLanes/lane_tables.c.mustache` is rendered with: where every tile reads and writes.
struct LaneTileTables {
    struct Entry { let full: String; let last: String; let input: Int; let output: Int }
    struct Group { let index: Int; let entryCount: Int; let entries: [Entry] }

    let groups: [Group]

    /// - Parameters:
    ///   - full: names the tiles of full blocks of filters; nil when there is one block.
    ///   - last: names those of the last block.
    init(_ resolved: FilterLanesSchedule, _ steps: LaneSteps, full: ((Int) -> String)?, last: (Int) -> String) {
        groups = resolved.tilePlan.tiles.enumerated().map { index, tiles in
            Group(
                index: index, entryCount: max(1, tiles.count),
                entries: tiles.map { tile in
                    guard let tile else { return Entry(full: "NULL", last: "NULL", input: 0, output: 0) }
                    return Entry(
                        full: full?(tile.variant) ?? "NULL", last: last(tile.variant),
                        input: tile.input.row * steps.inputRow + tile.input.column * resolved.inputVoxel,
                        output: tile.output.row * steps.outputRow + tile.output.column * resolved.outputVoxel)
                })
        }
    }
}

/// The taps of every depth phase.
struct LaneDepthTaps {
    struct DepthTap { let lag: Int; let units: String }
    struct DepthPhase { let first: Int; let count: Int; let weights: Int; let units: Int }

    let depthTapCount: Int
    let depthTaps: [DepthTap]
    /// Most taps of a phase.
    let depthTapMaximum: Int
    let depthPhases: [DepthPhase]
    /// The least lag along depth: the newest plane that position q reads is q * step less this.
    let leastDepthLag: Int

    init(_ units: LaneUnits, _ layout: PackedLayout) {
        let phaseOffsets = layout.phaseOffsets
        var depthTaps: [DepthTap] = []
        var depthPhases: [DepthPhase] = []
        for (phase, taps) in units.depthTaps.enumerated() {
            depthPhases.append(
                DepthPhase(first: depthTaps.count, count: taps.count, weights: phaseOffsets[phase], units: layout.unitsPerBlock[phase]))
            for (number, tap) in taps.enumerated() {
                let first = units.groups.indices.map { units.first(phase: phase, tap: number, group: $0) }
                depthTaps.append(DepthTap(lag: tap.lag, units: first.map(String.init).joined(separator: ", ")))
            }
        }
        self.depthTaps = depthTaps
        self.depthPhases = depthPhases
        depthTapCount = max(1, depthTaps.count)
        depthTapMaximum = max(1, units.depthTaps.map(\.count).max() ?? 0)
        leastDepthLag = depthTaps.map(\.lag).min() ?? 0
    }
}

/// Kernel rows that are looped over at run time.
struct LaneListedRows {
    struct RowGroup { let phase: Int; let first: Int; let positions: Int; let count: Int; let taps: String }

    /// Most taps of a group's row phase.
    let rowTapMaximum: Int
    let rowGroups: [RowGroup]

    init(_ plan: TilePlan) {
        rowTapMaximum = max(1, plan.groups.map(\.rowTaps.count).max() ?? 0)
        rowGroups = plan.groups.map { group in
            RowGroup(
                phase: group.rowPhase, first: group.rows.lowerBound, positions: group.rows.count, count: group.rowTaps.count,
                taps: group.rowTaps.isEmpty
                    ? "{ 0, 0 }"
                    : group.rowTaps.enumerated().map { "{ \($1.lag), \($0 * group.widthTaps.count) }" }.joined(separator: ", "))
        }
    }
}
