import Glibc
import VoxKernelEmission
import VoxLayerSpec

/// A roofline (Williams, Waterman and Patterson 2009): rates over arithmetic intensity, both axes logarithmic, under the lower of two bounds. What memory
/// allows rises with the intensity until it meets the peak of the multiply-adds.
struct RooflinePicture {
    /// Operations a byte.
    let intensity: Double
    /// In GFLOP/s, of one thread.
    let peak: Double
    /// In GB/s.
    let bandwidth: Double
    let measured: Double
    let expected: Double?

    private static let frame = (left: 64.0, top: 20.0, width: 540.0, height: 260.0)

    /// Whole powers of ten around values, with some room.
    private static func decades(_ values: [Double]) -> ClosedRange<Double> {
        let positive = values.filter { $0 > 0 && $0.isFinite }
        let (low, high) = (positive.min() ?? 1, positive.max() ?? 1)
        return floor(log10(low / 1.5))...ceil(log10(high * 1.5))
    }

    private var horizontal: ClosedRange<Double> { Self.decades([intensity, peak / bandwidth]) }
    private var vertical: ClosedRange<Double> { Self.decades([peak, measured] + [expected].compactMap(\.self)) }

    private func point(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
        func part(_ value: Double, of range: ClosedRange<Double>) -> Double {
            min(1, max(0, (log10(value) - range.lowerBound) / (range.upperBound - range.lowerBound)))
        }
        return (
            Self.frame.left + Self.frame.width * part(x, of: horizontal), Self.frame.top + Self.frame.height * (1 - part(y, of: vertical))
        )
    }

    var markup: Markup {
        var picture = SVGText(
            width: Self.frame.left + Self.frame.width + 16, height: Self.frame.top + Self.frame.height + 48,
            label: "Roofline: \(decimal(measured, 1)) GFLOP/s at \(decimal(intensity, 2)) operations a byte, under a peak of \(decimal(peak, 1)) GFLOP/s")
        drawAxes(on: &picture)
        let (left, right) = (pow(10, horizontal.lowerBound), pow(10, horizontal.upperBound))
        let bottom = pow(10, vertical.lowerBound)
        // The rising line begins where it enters the frame: at the left or at the bottom.
        let start = max(left, bottom / bandwidth)
        let ridge = peak / bandwidth
        picture.polyline([point(start, start * bandwidth), point(ridge, peak), point(right, peak)], style: "roof")
        let label = point(right, peak)
        picture.text("peak \(decimal(peak, 1)) GFLOP/s", x: label.x - 4, y: label.y - 6, anchor: "end", style: "rooftext")
        // Half way up, below the line.
        let middle = (start * ridge).squareRoot()
        let slope = point(middle, middle * bandwidth)
        picture.text("memory \(decimal(bandwidth, 1)) GB/s", x: slope.x + 12, y: slope.y + 14, style: "rooftext")
        picture.line(from: point(intensity, bottom), to: point(intensity, min(peak, intensity * bandwidth)), style: "intensity")
        if let expected {
            let place = point(intensity, expected)
            picture.circle(place, radius: 6, style: "expected")
            picture.text("expected \(decimal(expected, 1))", x: place.x - 10, y: place.y + 18, anchor: "end")
        }
        let place = point(intensity, measured)
        picture.circle(place, radius: 5, style: "measured")
        // Near the right edge there is no room behind the point.
        let isFarRight = place.x > Self.frame.left + 0.8 * Self.frame.width
        picture.text(
            "measured \(decimal(measured, 1))", x: place.x + (isFarRight ? -12 : 12), y: place.y + (isFarRight ? 20 : 4), anchor: isFarRight ? "end" : "start")
        return picture.markup
    }

    private func drawAxes(on picture: inout SVGText) {
        let (frame, bottom) = (Self.frame, Self.frame.top + Self.frame.height)
        for decade in stride(from: horizontal.lowerBound, through: horizontal.upperBound, by: 1) {
            let x = point(pow(10, decade), 1).x
            picture.line(from: (x, frame.top), to: (x, bottom), style: "grid")
            picture.text(Self.power(decade), x: x, y: bottom + 16, anchor: "middle", style: "tick")
        }
        for decade in stride(from: vertical.lowerBound, through: vertical.upperBound, by: 1) {
            let y = point(1, pow(10, decade)).y
            picture.line(from: (frame.left, y), to: (frame.left + frame.width, y), style: "grid")
            picture.text(Self.power(decade), x: frame.left - 6, y: y + 4, anchor: "end", style: "tick")
        }
        picture.text("operations a byte", x: frame.left + frame.width / 2, y: bottom + 36, anchor: "middle")
        picture.text("GFLOP/s", x: 4, y: 12)
    }

    private static func power(_ decade: Double) -> String { decimal(pow(10, decade), decade < 0 ? Int(-decade) : 0) }
}
