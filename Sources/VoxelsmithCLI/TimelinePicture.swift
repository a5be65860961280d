import Glibc
import VoxKernelEmission
import VoxLayerSpec

/// One call of a model along an axis of time, in SVG: a bar for each step of its plan, from the end of the step before, in a row of its own.
struct TimelinePicture {
    private struct Bar {
        let name: String
        /// In milliseconds.
        let start, length: Double
        let isConvolution: Bool
        /// What stands behind the bar.
        let note: String
    }

    private let bars: [Bar]
    private let title: String
    /// Milliseconds of all steps.
    private let total: Double

    private static let (left, width, row, top) = (270.0, 470.0, 20.0, 74.0)
    private static let convolutionShade = "#2a6f97"
    private static let otherShade = "#a9c6d9"
    /// Characters of a name that have room; the whole name appears under the pointer.
    private static let mostCharacters = 36

    init(_ result: WholeResult) {
        var (start, bars) = (0.0, [Bar]())
        for step in result.steps {
            let rate = step.gflops.map { ", \(decimal($0, 0)) GFLOP/s" } ?? ""
            bars.append(
                Bar(
                    name: step.name, start: start, length: step.medianMs, isConvolution: step.specialized != nil,
                    note: "\(decimal(step.medianMs, 3)) ms\(rate)"))
            start += step.medianMs
        }
        (self.bars, total) = (bars, start)
        title = "One call of \(result.name) on \(counted(result.threads, "thread")): \(decimal(result.medianMs, 2)) ms"
    }

    var svg: String {
        let bottom = Self.top + Self.row * Double(bars.count)
        var svg = """
            <svg xmlns="http://www.w3.org/2000/svg" width="900" height="\(decimal(bottom + 52, 0))" font-family="sans-serif" font-size="13" \
            role="img" aria-label="\(Markup.line(title))">
            <rect width="100%" height="100%" fill="white"/>
            <text x="10" y="22" font-size="15">\(Markup.line(title))</text>
            \(Self.legend(x: 10, shade: Self.convolutionShade, "convolutions"))
            \(Self.legend(x: 130, shade: Self.otherShade, "other steps"))
            <text x="\(decimal(Self.left - 8, 0))" y="\(decimal(Self.top - 8, 0))" text-anchor="end">step</text>
            \(axis(bottom: bottom))

            """
        for (index, bar) in bars.enumerated() { svg += text(of: bar, y: Self.top + Self.row * Double(index)) }
        return svg + "</svg>\n"
    }

    private func x(_ milliseconds: Double) -> Double { Self.left + (total > 0 ? Self.width * milliseconds / total : 0) }

    private func text(of bar: Bar, y: Double) -> String {
        let (start, end) = (x(bar.start), x(bar.start + bar.length))
        // Behind the bar, or before it where there is no room behind.
        let isLate = end > Self.left + 0.8 * Self.width
        let note = isLate ? "x=\"\(decimal(start - 5, 1))\" text-anchor=\"end\"" : "x=\"\(decimal(end + 5, 1))\""
        // A bar that fills the axis has its note outside of it.
        let isWide = isLate && start < Self.left + 0.4 * Self.width
        let place = isWide ? "x=\"\(decimal(Self.left + Self.width + 5, 1))\"" : note
        let shade = bar.isConvolution ? Self.convolutionShade : Self.otherShade
        return """
            <g><title>\(Markup.line(bar.name)): \(Markup.line(bar.note))</title>
            <text x="\(decimal(Self.left - 8, 0))" y="\(decimal(y + 14, 0))" text-anchor="end">\(Self.short(bar.name))</text>
            <rect x="\(decimal(start, 1))" y="\(decimal(y + 3, 0))" width="\(decimal(max(end - start, 0.5), 1))" height="14" fill="\(shade)"/>
            <text \(place) y="\(decimal(y + 14, 0))" font-size="11">\(Markup.line(bar.note))</text></g>

            """
    }

    /// Lines at round numbers of milliseconds, their numbers, and what the axis is.
    private func axis(bottom: Double) -> String {
        var svg = ""
        let step = Self.roundStep(for: total)
        for count in 0...Self.mostTicks where Double(count) * step <= total * 1.0001 {
            let (value, x) = (Double(count) * step, decimal(x(Double(count) * step), 1))
            let places = step >= 1 ? 0 : Int(-floor(log10(step)))
            svg += "<line x1=\"\(x)\" y1=\"\(decimal(Self.top, 0))\" x2=\"\(x)\" y2=\"\(decimal(bottom, 0))\" stroke=\"#dddddd\"/>\n"
            svg += "<text x=\"\(x)\" y=\"\(decimal(bottom + 16, 0))\" text-anchor=\"middle\" font-size=\"11\">\(decimal(value, places))</text>\n"
        }
        let middle = decimal(Self.left + Self.width / 2, 0)
        return svg + "<text x=\"\(middle)\" y=\"\(decimal(bottom + 38, 0))\" text-anchor=\"middle\">time in ms, medians of the steps</text>"
    }

    private static let mostTicks = 10

    /// 1, 2 or 5 times a power of ten, so that at most ten of them span the time.
    private static func roundStep(for total: Double) -> Double {
        if !(total > 0 && total.isFinite) { return 1 }
        let power = pow(10, floor(log10(total / Double(mostTicks))))
        return [1, 2, 5, 10].map { $0 * power }.first { total / $0 <= Double(mostTicks) } ?? 10 * power
    }

    private static func legend(x: Double, shade: String, _ words: String) -> String {
        "<rect x=\"\(decimal(x, 0))\" y=\"34\" width=\"14\" height=\"14\" fill=\"\(shade)\"/>"
            + "<text x=\"\(decimal(x + 20, 0))\" y=\"46\">\(words)</text>"
    }

    /// Cut as it is shown: escapes take room too.
    private static func short(_ name: String) -> String {
        let name = VoxLayerSpec.escaped(name)
        return Markup.escaped(name.count > mostCharacters ? name.prefix(mostCharacters - 1) + "\u{2026}" : name)
    }
}
