/// The resolved numbers of one problem: one `AxisGeometry` per spatial axis, channels, filters and groups.
///
/// With groups G, filter f = g * (F / G) + f' reads channels g * (C / G) ..< (g + 1) * (C / G), and the kernel has the Keras
/// shape (kernel sizes..., F / G, C).
public struct Geometry: Hashable, Sendable {
    /// Spatial axes in the order of the tensors; (depth, height, width) for a 3-D layer.
    public let axes: [AxisGeometry]
    /// Features of x.
    public let channels: Int
    /// Features of y.
    public let filters: Int
    /// Independent parts of the features; divides channels and filters.
    public let groups: Int

    /// No tensor of a legal problem is larger than this (1 TiB); sums of a few of them stay far below 2^63.
    public static let maximumByteCount = 1 << 40

    /// Most spatial axes. Keras layers have three.
    public static let maximumRank = 8

    /// - Throws: `SpecError` when a count is not positive, groups do not divide, or a tensor exceeds `maximumByteCount`.
    public init(axes: [AxisGeometry], channels: Int, filters: Int, groups: Int = 1) throws(SpecError) {
        for (what, value) in [("number of channels", channels), ("number of filters", filters), ("number of groups", groups)] where value < 1 {
            throw .tooSmall(what, value, minimum: 1)
        }
        if !(1...Self.maximumRank).contains(axes.count) { throw .wrongCount("spatial axes with inputs", axes.map(\.input), expected: 3) }
        if channels % groups != 0 { throw .groupsDoNotDivide(groups: groups, what: "channels", channels) }
        if filters % groups != 0 { throw .groupsDoNotDivide(groups: groups, what: "filters", filters) }
        self.axes = axes
        self.channels = channels
        self.filters = filters
        self.groups = groups
        let widest = ElementType.float64.byteCount
        for (what, factors) in [
            ("input size", axes.map(\.input) + [channels, widest]),
            ("output size", axes.map(\.output) + [filters, widest]),
            ("kernel size", axes.map(\.kernel) + [filters / groups, channels, widest]),
        ] {
            if try Checked.product(factors, what) > Self.maximumByteCount { throw .tooLarge(what, factors) }
        }
        _ = try Checked.product(axes.map(\.pairCount) + [channels, filters / groups, 2], "operation count")
    }

    /// Channels one filter reads: C / G.
    public var channelsPerGroup: Int { channels / groups }
    /// Filters one channel reaches: F / G.
    public var filtersPerGroup: Int { filters / groups }

    /// Product of the spatial input extents.
    public var inputVolume: Int { axes.reduce(1) { $0 * $1.input } }
    /// Product of the spatial output extents.
    public var outputVolume: Int { axes.reduce(1) { $0 * $1.output } }
    /// Product of the kernel sizes.
    public var tapCount: Int { axes.reduce(1) { $0 * $1.kernel } }

    /// The Keras shape of the kernel tensor: (kernel sizes..., F / G, C).
    public var kernelShape: [Int] { axes.map(\.kernel) + [filtersPerGroup, channels] }

    /// Shape of x.
    public func inputShape(batch: Int, layout: Layout) -> [Int] {
        layout.shape(batch: batch, spatial: axes.map(\.input), channels: channels)
    }

    /// Shape of y.
    public func outputShape(batch: Int, layout: Layout) -> [Int] {
        layout.shape(batch: batch, spatial: axes.map(\.output), channels: filters)
    }

    /// Multiply-adds of one batch element; taps that fall outside the volume are not counted.
    public var multiplyAddCount: Int {
        axes.reduce(channels * filtersPerGroup) { $0 * $1.pairCount }
    }

    /// Useful floating-point operations of one batch element (two per multiply-add).
    public var flopCount: Int { 2 * multiplyAddCount }
}
