import Testing
import VoxLayerSpec
import VoxTensors
import VoxVerification

/// The error bound of minimal filtering, along one axis against the transforms written out by hand.
@Suite struct FilteringBoundTests {
    private func axis(results: Int, sources: Int, kernel: Int, stride: Int) throws -> AxisGeometry {
        try AxisGeometry(input: results, output: sources, kernel: kernel, stride: stride, dilation: 1, crop: 0)
    }

    /// A convolution along the width, of three channels to two filters.
    private func spec(_ width: AxisGeometry, layout: Layout) throws -> KernelSpec {
        let one = try axis(results: 1, sources: 1, kernel: 1, stride: 1)
        return KernelSpec(
            op: .convolution, geometry: try Geometry(axes: [one, one, width], channels: 2, filters: 3), layout: layout,
            epilogue: Epilogue(hasBias: true, activation: .linear))
    }

    /// Roundings, and how far small integers grow: parts of a kernel are added up, and where one of them has halves in its weights, all count twice.
    @Test func theBoundCountsEveryPart() throws {
        for (op, kernel, stride, products, additions, growth) in [
            (KernelOp.transposedConvolution, 3, 1, 1, 3, 18), (.convolution, 3, 1, 1, 3, 18), (.transposedConvolution, 4, 2, 1, 2, 8),
            (.convolution, 4, 2, 2, 2, 16), (.convolution, 3, 2, 2, 2, 9), (.convolution, 5, 2, 2, 3, 34), (.convolution, 2, 3, 2, 0, 2),
        ] {
            let axes = try (0..<3).map { _ in try axis(results: 4, sources: 4 * stride, kernel: kernel, stride: stride) }
            let bound = MinimalFilteringBound(KernelSpec(op: op, geometry: try Geometry(axes: axes, channels: 7, filters: 7)))
            #expect(bound.chain == 7 * products * products * products + 3 * additions + 3, "\(op.rawValue), kernel \(kernel), stride \(stride)")
            #expect(bound.integerGrowth == 7 * growth * growth * growth, "\(op.rawValue), kernel \(kernel), stride \(stride)")
        }
    }

    /// F(2, 2) makes (x0 - x1) w0 + x1 (w0 + w1) of the first result of a tile and x1 (w0 + w1) + (x2 - x1) w1 of the second, so the bound has x1
    /// twice with one of the taps. With stride 2 and kernel 3, taps 0 and 2 do this with every second source, and tap 1 is a product by itself.
    @Test func magnitudesAreThoseOfTheTransforms() throws {
        var random = SeededRandom(seed: 71)
        for layout in Layout.allCases {
            for (kernel, stride) in [(2, 1), (3, 2)] {
                let sources = 2 * stride + kernel
                let spec = try spec(axis(results: 3, sources: sources, kernel: kernel, stride: stride), layout: layout)
                let bound = MinimalFilteringBound(spec)
                let (y, weights, bias) = (random.reals(sources * 3), random.reals(kernel * 6), random.reals(2))
                func source(_ place: Int, _ channel: Int) -> Double {
                    if place >= sources { return 0 }
                    return abs(layout == .channelsLast ? y[place * 3 + channel] : y[channel * sources + place])
                }
                for result in 0..<3 {
                    for filter in 0..<2 {
                        var expected = abs(bias[filter])
                        for channel in 0..<3 {
                            func weight(_ tap: Int) -> Double { abs(weights[(tap * 3 + channel) * 2 + filter]) }
                            func x(_ offset: Int) -> Double { source((result + offset) * stride, channel) }
                            let last = stride == 2 ? 2 : 1
                            expected += result % 2 == 0
                                ? weight(0) * (x(0) + 2 * x(1)) + weight(last) * x(1) : weight(0) * x(0) + weight(last) * (2 * x(0) + x(1))
                            if stride == 2 { expected += weight(1) * source(result * 2 + 1, channel) }
                        }
                        let index = layout == .channelsLast ? result * 2 + filter : filter * 3 + result
                        let received = bound.magnitude(of: index, input: y, weights: weights, bias: bias)
                        #expect(abs(received - expected) < 1e-12, "kernel \(kernel), stride \(stride), \(layout): result \(result), filter \(filter)")
                        #expect(bound.filter(of: index) == filter)
                        #expect(received <= bound.largestMagnitudes(input: y, weights: weights, bias: bias)[filter] + 1e-12)
                    }
                }
            }
        }
    }
}
