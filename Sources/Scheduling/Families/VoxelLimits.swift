import VoxLayerSpec

/// What filter lanes and minimal filtering do not take. Their C counts in ints, has tables of all taps, and has code for every phase of a
/// plane.
enum VoxelLimits {
    /// Why these families do not take a problem; nil when it is within the limits.
    static func reasonAgainst(_ spec: KernelSpec) -> String? {
        let gather = spec.gather
        if gather.axes.count != 3 { return "it has \(gather.axes.count) spatial axes; expected 3" }
        let type = spec.elements.storage
        if spec.elements != ElementTypes(type) { return "its sums are formed in another type than its elements; expected the same" }
        if type.arithmetic != type { return "its elements are \(type.rawValue); expected a type that sums are formed in" }
        if spec.layout == .channelsFirst && spec.elements != .float32 { return "planes are converted in float32" }
        if gather.tapCount > maximumTapCount { return "its kernel has \(gather.tapCount) taps; expected at most \(maximumTapCount)" }
        for axis in gather.axes where axis.phases * axis.kernel > maximumTapCount {
            return "an axis has stride \(axis.phases) and kernel size \(axis.kernel); expected a product of at most \(maximumTapCount)"
        }
        for axis in gather.axes where axis.farthestPlace > maximumPlace {
            return "an axis is read at places up to \(axis.farthestPlace); expected at most \(maximumPlace)"
        }
        for (what, count) in [("channels", gather.channels), ("filters", gather.filters)] where count > maximumFeatureCount {
            return "it has \(count) \(what); expected at most \(maximumFeatureCount)"
        }
        return nil
    }

    private static let maximumTapCount = 1 << 16
    /// Positions times the step, lags, and sums of both are C's ints.
    private static let maximumPlace = 1 << 29
    /// Channels and filters are counted in C's int, and so is a place in the weights of one tap: at most 8 vectors of 16 lanes.
    private static let maximumFeatureCount = Int(Int32.max) / (8 * 16)
}

extension AxisGather {
    /// How far from 0 a position, or a lag, lies at most, in sources. It grows with the product of steps and positions, and with dilated kernels.
    fileprivate var farthestPlace: Int {
        let lags = (0..<phases).flatMap { taps(inPhase: $0).map { abs($0.lag) } }
        return max(lags.max() ?? 0, abs(positions.lowerBound) * step, abs(positions.upperBound) * step)
    }
}
