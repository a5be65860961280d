import VoxLayerSpec

extension FilterLanes {
    /// Why this family does not take a problem, nil when it does.
    public static func reasonAgainst(_ spec: KernelSpec) -> SchedulingError? {
        func no(_ reason: String) -> SchedulingError { .notApplicable(key: spec.key.text, reason: reason) }
        if let reason = VoxelLimits.reasonAgainst(spec) { return no(reason) }
        return switch spec.op {
        case .transposedConvolution: nil
        case .convolution: reasonAgainstConvolution(spec).map(no)
        default: .notYetEmitted(operation: spec.op.rawValue)
        }
    }

    /// Why this family does not take a convolution, nil when it does.
    private static func reasonAgainstConvolution(_ spec: KernelSpec) -> String? {
        if spec.layout != .channelsLast { return "filter lanes take convolution with channels_last only" }
        if spec.elements != .float32 { return "filter lanes take convolution in float32 only" }
        for axis in spec.geometry.axes {
            if axis.dilation != 1 && axis.kernel != 1 { return "filter lanes take convolution with dilation 1 only" }
            if axis.stride > 3 { return "filter lanes take convolution with strides of at most 3; received \(axis.stride)" }
        }
        return nil
    }

    /// Why a vector cannot hold filters of consecutive groups, nil when it can. It must hold two whole groups or more, whose channels lie in
    /// four vectors at most.
    static func reasonAgainstMergingGroups(_ gather: Gather, lanes: Int) -> String? {
        let (channels, filters) = (gather.channelsPerGroup, gather.filtersPerGroup)
        if gather.groups == 1 { return "merged groups need several groups" }
        if 2 * filters > lanes { return "merged groups need at most \(lanes / 2) filters in a group" }
        if channels > maximumMergedChannels { return "merged groups take at most \(maximumMergedChannels) channels in a group" }
        if channels > 4 * filters { return "merged groups take at most four times as many channels as filters" }
        return nil
    }

    private static let maximumMergedChannels = 8
}
