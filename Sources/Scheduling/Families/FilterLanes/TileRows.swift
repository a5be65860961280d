import VoxLayerSpec

/// Which positions the tile rows of a plane stand for, and which input rows these read.
public struct TileRows: Hashable, Sendable {
    /// Positions of all tile rows.
    public let total: Int
    /// Positions of a tile row; the rows behind the first `largerTiles` have one less.
    public let positions: Int
    /// See `positions`.
    public let largerTiles: Int
    /// Positions a ..< b read the input rows a * `step` + `low` ... (b - 1) * `step` + `high`, as far as these exist.
    public let step: Int
    /// See `step`.
    public let low: Int
    /// See `step`.
    public let high: Int

    init(_ tiles: TilePlan, _ parameters: FilterLanes, height: AxisGather) {
        total = tiles.groups.map(\.rows.count).max() ?? 0
        let count = max(1, tiles.tileRows)
        positions = parameters.listsRows ? 1 : total.ceilingDivision(by: count)
        largerTiles = parameters.listsRows || total % count == 0 ? count : total % count
        let reaching = tiles.groups.filter { !$0.rowTaps.isEmpty && !$0.rows.isEmpty }
        step = height.step
        low = reaching.map { height.place(position: $0.rows.lowerBound, lag: $0.rowTaps.map(\.lag).max() ?? 0) }.min() ?? 0
        high = reaching.map { height.place(position: $0.rows.lowerBound, lag: $0.rowTaps.map(\.lag).min() ?? 0) }.max() ?? 0
    }
}
