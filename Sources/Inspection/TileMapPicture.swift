import VoxKernelEmission
import VoxLayerSpec
import VoxScheduling

/// A tile map as a picture: a square for each cell, its colour the cell's kind. The first work item is in full colour, neighbouring tiles differ in shade,
/// and one register tile is outlined.
struct TileMapPicture {
    let map: TileMap

    /// Colours of the style sheet; kinds beyond them begin again.
    static let colours = 8
    /// Most kinds that the legend names for a colour.
    private static let mostNamed = 3
    private static let side = 12.0
    private static let step = 14.0
    private static let margin = (left: 66.0, top: 34.0)

    static func style(ofKind kind: Int) -> String { "k\(kind % colours)" }

    /// The colours that are shown, each with the kinds that have it: more than one where there are more kinds than colours.
    var legend: [PageContext.Colour] {
        let kinds = Dictionary(grouping: Set(map.cells.map(\.kind)).sorted()) { $0 % Self.colours }
        return kinds.sorted { $0.key < $1.key }.map { colour, kinds in
            let rest = kinds.count > Self.mostNamed ? "; and \(kinds.count - Self.mostNamed) more" : ""
            let named = kinds.prefix(Self.mostNamed).map { map.kinds[$0] }.joined(separator: "; ")
            return PageContext.Colour(style: Self.style(ofKind: colour), label: named + rest)
        }
    }

    var markup: Markup {
        var picture = SVGText(
            width: Self.margin.left + Self.step * Double(map.columns) + 8, height: Self.margin.top + Self.step * Double(map.rows) + 8,
            label: "Map of \(map.rows) rows and \(map.columns) columns of results by register tile")
        picture.text("\(map.columnAxis) →", x: Self.margin.left, y: 12)
        picture.text("\(map.rowAxis) ↓", x: 0, y: Self.margin.top - 6)
        for column in stride(from: 0, to: map.columns, by: 8) {
            picture.text("\(column)", x: place(0, column).x + Self.side / 2, y: Self.margin.top - 6, anchor: "middle", style: "tick")
        }
        for row in stride(from: 0, to: map.rows, by: 4) {
            picture.text("\(row)", x: Self.margin.left - 6, y: place(row, 0).y + Self.side - 2, anchor: "end", style: "tick")
        }
        let styles = Dictionary(grouping: map.cells, by: style)
        for (style, cells) in styles.sorted(by: { $0.key < $1.key }) {
            picture.squares(at: cells.map { place($0.row, $0.column) }, side: Self.side, style: style)
        }
        if let sample = map.sample {
            let cells = map.cells.filter { $0.tile == sample }
            picture.squares(at: cells.map { place($0.row, $0.column) }, side: Self.side, style: "sample")
        }
        return picture.markup
    }

    private func style(_ cell: TileMap.Cell) -> String {
        let shade = (cell.tile.row + cell.tile.column) % 2 == 0 ? "even" : "odd"
        return "\(Self.style(ofKind: cell.kind)) \(shade)\(cell.isInItem ? "" : " outside")"
    }

    private func place(_ row: Int, _ column: Int) -> (x: Double, y: Double) {
        (Self.margin.left + Self.step * Double(column), Self.margin.top + Self.step * Double(row))
    }
}
