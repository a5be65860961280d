/// One axis of the relation between an input index `i`, a tap `t` and an output index `o`:
///
///     o = i * stride + t * dilation - crop
///
/// with `0 <= i < input`, `0 <= t < kernel`, `0 <= o < output`. This is the only place that solves it.
///
/// Phases: `o + crop = q * stride + r` with `0 <= r < stride` splits the outputs into `stride` phases `r`. Within a phase
/// every tap `t` with `t * dilation = r + j * stride` reads input `i = q - j`; `j` is the tap's *lag*.
public struct AxisGeometry: Hashable, Sendable {
    /// Number of input positions.
    public let input: Int
    /// Number of output positions.
    public let output: Int
    /// Number of taps.
    public let kernel: Int
    /// Outputs between the positions of neighbouring inputs.
    public let stride: Int
    /// Outputs between neighbouring taps.
    public let dilation: Int
    /// Outputs cut off at the beginning.
    public let crop: Int

    /// Largest legal value of each number; keeps every index product of three axes within 64 bits.
    public static let maximum = 1 << 20

    /// - Throws: `SpecError` when a number is out of range or the output is empty.
    public init(input: Int, output: Int, kernel: Int, stride: Int, dilation: Int, crop: Int, axis: Int = 0) throws(SpecError) {
        for (what, value) in [("input length", input), ("kernel size", kernel), ("stride", stride), ("dilation rate", dilation)] {
            if value < 1 { throw .tooSmall(what, value, minimum: 1) }
            if value > Self.maximum { throw .aboveMaximum(what, value, maximum: Self.maximum) }
        }
        if output < 1 { throw .emptyOutput(axis: axis, length: output) }
        if output > Self.maximum * 2 { throw .aboveMaximum("output length", output, maximum: Self.maximum * 2) }
        if crop < 0 { throw .tooSmall("crop", crop, minimum: 0) }
        if crop > Self.maximum * 2 { throw .aboveMaximum("crop", crop, maximum: Self.maximum * 2) }
        self.input = input
        self.output = output
        self.kernel = kernel
        self.stride = stride
        self.dilation = dilation
        self.crop = crop
    }

    /// Length of the dilated kernel: `(kernel - 1) * dilation + 1`.
    public var effectiveKernel: Int { (kernel - 1) * dilation + 1 }

    /// A tap as seen from one phase: it reads input `q - lag`.
    public struct PhaseTap: Hashable, Sendable {
        /// Index of the tap in the kernel.
        public let tap: Int
        /// How many positions before q it reads; negative for an input behind q.
        public let lag: Int

        package init(tap: Int, lag: Int) {
            self.tap = tap
            self.lag = lag
        }
    }

    /// The taps of phase `r`, in ascending order; empty for a phase no tap falls into.
    public func taps(inPhase r: Int) -> [PhaseTap] {
        (0..<kernel).compactMap { tap in
            let distance = tap * dilation - r
            return distance % stride == 0 ? PhaseTap(tap: tap, lag: distance.flooredDivision(by: stride)) : nil
        }
    }

    /// The positions `q` of phase `r` whose output `q * stride + r - crop` exists.
    public func positions(inPhase r: Int) -> Range<Int> {
        let first = (crop - r).ceilingDivision(by: stride)
        let end = (output + crop - r).ceilingDivision(by: stride)
        return first..<max(first, end)
    }

    /// The output index of position `q` of phase `r`.
    public func output(position q: Int, phase r: Int) -> Int { q * stride + r - crop }

    /// Phase and position of output `o`.
    public func phase(ofOutput o: Int) -> (phase: Int, position: Int) {
        let sum = o + crop
        return (sum % stride, sum / stride)
    }

    /// Every (tap, input) pair that contributes to output `o`, taps ascending.
    public func contributions(toOutput o: Int) -> [(tap: Int, input: Int)] {
        let (r, q) = phase(ofOutput: o)
        return taps(inPhase: r).compactMap { phaseTap in
            let i = q - phaseTap.lag
            return i >= 0 && i < input ? (phaseTap.tap, i) : nil
        }
    }

    /// Outputs reached by tap `t`: `i -> i * stride + t * dilation - crop` for the inputs in the returned range.
    public func inputs(ofTap t: Int) -> Range<Int> {
        let shift = t * dilation - crop
        let first = max(0, (-shift).ceilingDivision(by: stride))
        let end = min(input, (output - shift).ceilingDivision(by: stride))
        return first..<max(first, end)
    }

    /// Number of (input, tap) pairs whose output exists: the multiply-adds of this axis alone.
    public var pairCount: Int { (0..<kernel).reduce(0) { $0 + inputs(ofTap: $1).count } }

    /// Most taps that share a phase, so that they can meet in one output.
    public var longestChain: Int {
        // Two taps share a phase when their distance is a multiple of stride / gcd(stride, dilation).
        var (divisor, rest) = (stride, dilation)
        while rest != 0 { (divisor, rest) = (rest, divisor % rest) }
        return kernel.ceilingDivision(by: stride / divisor)
    }
}

extension Int {
    /// Division rounded towards minus infinity; `divisor > 0`.
    package func flooredDivision(by divisor: Int) -> Int {
        self >= 0 ? self / divisor : -((divisor - 1 - self) / divisor)
    }

    /// Division rounded towards plus infinity; `divisor > 0`.
    package func ceilingDivision(by divisor: Int) -> Int {
        -((-self).flooredDivision(by: divisor))
    }
}
