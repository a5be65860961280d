import VoxKernelEmission
import VoxLayerSpec

/// Elements of a picture in SVG, put together as text. Colours are classes of the page's style sheet.
struct SVGText {
    private var body = ""
    private let width: Double
    private let height: Double
    private let label: String

    /// - Parameter label: what the picture shows, for those who do not see it.
    init(width: Double, height: Double, label: String) {
        (self.width, self.height, self.label) = (width, height, label)
    }

    var markup: Markup {
        Markup(
            """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Self.number(width)) \(Self.number(height))" width="\(Self.number(width))" role="img" \
            aria-label="\(Markup.escaped(label))">
            \(body)</svg>
            """)
    }

    mutating func text(_ text: String, x: Double, y: Double, anchor: String = "start", style: String = "") {
        let style = style.isEmpty ? "" : " class=\"\(style)\""
        body += "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" text-anchor=\"\(anchor)\"\(style)>\(Markup.escaped(text))</text>\n"
    }

    mutating func line(from a: (x: Double, y: Double), to b: (x: Double, y: Double), style: String) {
        body += "<path class=\"\(style)\" d=\"M\(Self.number(a.x)) \(Self.number(a.y))L\(Self.number(b.x)) \(Self.number(b.y))\"/>\n"
    }

    mutating func polyline(_ points: [(x: Double, y: Double)], style: String) {
        let path = points.enumerated().map { ($0 == 0 ? "M" : "L") + "\(Self.number($1.x)) \(Self.number($1.y))" }.joined()
        body += "<path class=\"\(style)\" d=\"\(path)\"/>\n"
    }

    /// Equal squares.
    mutating func squares(at corners: [(x: Double, y: Double)], side: Double, style: String) {
        let side = Self.number(side)
        let path = corners.map { "M\(Self.number($0.x)) \(Self.number($0.y))h\(side)v\(side)h-\(side)z" }.joined()
        body += "<path class=\"\(style)\" d=\"\(path)\"/>\n"
    }

    mutating func circle(_ centre: (x: Double, y: Double), radius: Double, style: String) {
        body += "<circle class=\"\(style)\" cx=\"\(Self.number(centre.x))\" cy=\"\(Self.number(centre.y))\" r=\"\(Self.number(radius))\"/>\n"
    }

    /// At most one decimal.
    private static func number(_ value: Double) -> String {
        value == value.rounded() ? decimal(value, 0) : decimal(value, 1)
    }
}
