import VoxLayerSpec

extension FilterLanes {
    /// Why this family does not take a problem, nil when it does.
    public static func reasonAgainst(_ spec: KernelSpec) -> SchedulingError? {
        func no(_ reason: String) -> SchedulingError { .notApplicable(key: spec.key.text, reason: reason) }
        if let reason = VoxelLimits.reasonAgainst(spec) { return no(reason) }
        return spec.op.isGather ? nil : .notYetEmitted(operation: spec.op.rawValue)
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
