import VoxKernelEmission
import VoxLayerSpec

/// The rates of a benchmark as horizontal bars, in SVG.
struct BarChart {
    private let bars: [(name: String, rate: Double, interpreter: Double, share: Double?)]
    private let title: String
    private let peak: Double?

    init(_ results: [BenchmarkResult], threads: Int) {
        bars = results.map { ($0.name, $0.gflops, $0.gflop / $0.interpreterMs * 1e3, $0.shareOfPeak) }
        peak = results.compactMap(\.peakGflopsPerThread).max().map { $0 * Double(threads) }
        title = "GFLOP/s on \(counted(threads, "thread")): kernel, and interpreter in grey"
    }

    var svg: String {
        let (left, length, row) = (180.0, 560.0, 34.0)
        let full = max(peak ?? 0, bars.map(\.rate).max() ?? 0, 1)
        let height = 60 + row * Double(bars.count)
        var svg = """
            <svg xmlns="http://www.w3.org/2000/svg" width="900" height="\(decimal(height, 0))" font-family="sans-serif" font-size="13">
            <rect width="100%" height="100%" fill="white"/>
            <text x="10" y="22" font-size="15">\(Markup.line(title))</text>

            """
        for (index, bar) in bars.enumerated() {
            let y = 40 + row * Double(index)
            let end = left + length * bar.rate / full
            svg += """
                <text x="\(decimal(left - 8, 0))" y="\(decimal(y + 16, 0))" text-anchor="end">\(Markup.line(bar.name))</text>
                <rect x="\(decimal(left, 0))" y="\(decimal(y, 1))" width="\(decimal(end - left, 1))" height="15" fill="#2a6f97"/>
                <rect x="\(decimal(left, 0))" y="\(decimal(y + 16, 1))" width="\(decimal(length * bar.interpreter / full, 1))" height="6" fill="#aaaaaa"/>
                <text x="\(decimal(end + 6, 1))" y="\(decimal(y + 13, 0))">\(decimal(bar.rate, 0)) (\(percent(bar.share)) of peak)</text>

                """
        }
        if let peak {
            let x = decimal(left + length * peak / full, 1)
            svg += "<line x1=\"\(x)\" y1=\"32\" x2=\"\(x)\" y2=\"\(decimal(height - 16, 0))\" stroke=\"#bb3e03\" stroke-dasharray=\"4 3\"/>\n"
        }
        return svg + "</svg>\n"
    }
}
