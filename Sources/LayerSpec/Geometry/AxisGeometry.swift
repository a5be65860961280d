/// One axis of the relation between an input index `i`, a tap `t` and an output index `o`:
///
///     o = i * stride + t * dilation - crop
///
/// with `0 <= i < input`, `0 <= t < kernel`, `0 <= o < output`. `Gather` solves it for the results of an operation.
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

    /// The relation itself.
    package func output(ofInput i: Int, tap t: Int) -> Int { i * stride + t * dilation - crop }

    /// The inputs that tap `t` connects with an output: `i -> i * stride + t * dilation - crop` for those in the returned range.
    public func inputs(ofTap t: Int) -> Range<Int> {
        let shift = t * dilation - crop
        let first = max(0, (-shift).ceilingDivision(by: stride))
        let end = min(input, (output - shift).ceilingDivision(by: stride))
        return first..<max(first, end)
    }

    /// Number of (input, tap) pairs whose output exists: the multiply-adds of this axis alone.
    public var pairCount: Int { (0..<kernel).reduce(0) { $0 + inputs(ofTap: $1).count } }

    /// The taps that every result of an operation reads, where all results read the same ones; else nil.
    package func commonTaps(_ op: KernelOp) -> [Int]? {
        // A tap connects each position of the results with one source at most: with all of them exactly if it has as many pairs.
        let results = switch op {
        case .transposedConvolution: output
        case .convolution: input
        case .kernelGradient: 0
        }
        var taps: [Int] = []
        for tap in 0..<kernel {
            let pairs = inputs(ofTap: tap).count
            if pairs == results { taps.append(tap) } else if pairs > 0 { return nil }
        }
        return taps
    }

    /// Most pairs that one tap has.
    var mostPairsOfATap: Int { (0..<kernel).reduce(0) { max($0, inputs(ofTap: $1).count) } }
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
