import LayerSpec

extension FilterLanes {
    /// Why this family does not take a problem, nil when it does.
    public static func reasonAgainst(_ spec: KernelSpec) -> SchedulingError? {
        func no(_ reason: String) -> SchedulingError { .notApplicable(key: spec.key.text, reason: reason) }
        if spec.op != .forward { return .notYetEmitted(operation: spec.op.rawValue) }
        let geometry = spec.geometry
        if geometry.axes.count != 3 { return no("it has \(geometry.axes.count) spatial axes; expected 3") }
        if spec.elements.storage != spec.elements.arithmetic {
            return no("filter lanes form sums in the type of the elements")
        }
        if spec.layout == .channelsFirst && spec.elements != .float32 { return no("planes are converted in float32") }
        // The C has a table of all taps, one of all depth phases, and code for every phase of a plane.
        if geometry.tapCount > maximumTapCount {
            return no("its kernel has \(geometry.tapCount) taps; expected at most \(maximumTapCount)")
        }
        for axis in geometry.axes where axis.stride * axis.kernel > maximumTapCount {
            return no("an axis has stride \(axis.stride) and kernel size \(axis.kernel); expected a product of at most \(maximumTapCount)")
        }
        // Channels and filters are counted in C's int, and so is a place in the weights of one tap: at most 8 vectors of 16 lanes.
        for (what, count) in [("channels", geometry.channels), ("filters", geometry.filters)] where count > maximumFeatureCount {
            return no("it has \(count) \(what); expected at most \(maximumFeatureCount)")
        }
        return nil
    }

    /// Why lanes cannot run over consecutive groups, nil when they can: a vector holds whole groups, several of them, and their
    /// channels lie in four vectors at most.
    static func reasonAgainstMergingGroups(_ geometry: Geometry, lanes: Int) -> String? {
        let (channels, filters) = (geometry.channelsPerGroup, geometry.filtersPerGroup)
        if geometry.groups == 1 { return "merged groups need several groups" }
        if 2 * filters > lanes { return "merged groups need at most \(lanes / 2) filters in a group" }
        if channels > maximumMergedChannels { return "merged groups take at most \(maximumMergedChannels) channels in a group" }
        if channels > 4 * filters { return "merged groups take at most four times as many channels as filters" }
        return nil
    }

    private static let maximumMergedChannels = 8
    private static let maximumTapCount = 1 << 16
    private static let maximumFeatureCount = Int(Int32.max) / (8 * 16)
}
