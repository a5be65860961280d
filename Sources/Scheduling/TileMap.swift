/// Which results of a plane belong to which register tile, for a picture: the corner of the plane with the first work item.
public struct TileMap: Hashable, Sendable {
    /// The place of a register tile: tiles of equal parts are neighbours where their rows and columns are.
    public struct Tile: Hashable, Sendable {
        /// Tiles of different parts lie between each other, as those of different phases do.
        public let part: Int
        /// Rows of tiles from the first.
        public let row: Int
        /// Columns of tiles from the first.
        public let column: Int
    }

    /// One element of the picture.
    public struct Cell: Hashable, Sendable {
        /// Rows of the plane from the first.
        public let row: Int
        /// Columns of the plane from the first.
        public let column: Int
        /// The tile it belongs to.
        public let tile: Tile
        /// Index into `kinds`.
        public let kind: Int
        /// Whether the first work item computes it.
        public let isInItem: Bool
    }

    /// Rows that the cells cover.
    public let rows: Int
    /// Columns that the cells cover.
    public let columns: Int
    /// What rows are, for people.
    public let rowAxis: String
    /// What columns are.
    public let columnAxis: String
    /// What cells of one colour have in common.
    public let kinds: [String]
    /// In no order; each place at most once.
    public let cells: [Cell]
    /// What the picture shows, in sentences.
    public let caption: String

    /// Most rows that are shown.
    static let maximumRows = 32
    /// Most columns that are shown.
    static let maximumColumns = 48

    /// - Parameters:
    ///   - rows: how many there are to be shown; more than fit are left out.
    ///   - columns: likewise.
    ///   - axes: what they are.
    ///   - kinds: what cells of one colour have in common.
    ///   - caption: what the picture shows.
    ///   - cells: gives those of the first rows and columns.
    init(
        rows: Int, columns: Int, axes: (rows: String, columns: String), kinds: [String], caption: String, cells: (_ rows: Int, _ columns: Int) -> [Cell]
    ) {
        self.rows = min(rows, Self.maximumRows)
        self.columns = min(columns, Self.maximumColumns)
        (rowAxis, columnAxis) = axes
        self.kinds = kinds
        self.caption = caption
        self.cells = cells(self.rows, self.columns)
    }

    /// The largest tile of the first work item that is shown; the first of several.
    public var sample: Tile? {
        var counts: [Tile: Int] = [:]
        for cell in cells where cell.isInItem { counts[cell.tile, default: 0] += 1 }
        return counts.max { a, b in
            (a.value, b.key.part, b.key.row, b.key.column) < (b.value, a.key.part, a.key.row, a.key.column)
        }?.key
    }
}

extension TileMap {
    /// The kinds of cells of a plane of results: one for each phase along height and width.
    static func kinds(rowPhases: Int, columnPhases: Int) -> [String] {
        if rowPhases * columnPhases == 1 { return ["all results"] }
        return (0..<rowPhases).flatMap { row in (0..<columnPhases).map { "phase \(row) along height, \($0) along width" } }
    }
}
