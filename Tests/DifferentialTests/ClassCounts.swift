import VoxLayerSpec
import VoxScheduling

/// How often each dangerous class was met.
struct ClassCounts {
    private(set) var counts: [String: Int] = [:]

    /// Least number of kernels of each class among 1000; a whole run has three times as many.
    static let minima = [
        "stride above kernel": 60, "kernel no multiple of stride": 150, "asymmetric crop": 200, "channels no multiple of lanes": 300,
        "filters no multiple of lanes": 300, "batch above 1": 150, "phase without taps": 60, "axis of length 1": 60,
        "dilation": 60, "two channels per vector": 40, "channels as lanes": 60, "several filter blocks": 100, "unrolled rows": 40, "weight-stationary": 60,
        "row-stationary": 40, "split filters": 30, "streamed output": 40, "batch rows": 40,
        "activation": 130, "minimal filtering": 150, "minimal filtering, phases of two tap counts": 60, "minimal filtering, streamed output": 30,
        "minimal filtering, merged phases": 25,
        "groups": 120, "groups, filters as lanes": 24, "groups, two channels per vector": 6,
        "groups, channels as lanes": 12, "groups, weight-stationary": 12, "groups, unrolled rows": 6, "groups, minimal filtering": 30,
        "groups, batch above 1": 36,
        "channels first": 150, "channels first, minimal filtering": 42, "channels first, weight-stationary": 18,
        "channels first, several chunks": 12, "channels first, several blocks": 24, "channels first, batch above 1": 54,
        "channels first, whole vectors of voxels": 72, "channels first, several groups": 24, "channels first, one channel": 6,
        "channels first, one filter": 6, "channels first, channels as lanes": 12,
        "depthwise": 24, "merged groups": 24, "merged groups of several channels": 8,
        "merged groups that leave lanes idle": 4, "float64": 40, "float64, filters as lanes": 12, "float64, two channels per vector": 3,
        "float64, channels as lanes": 6, "float64, merged groups": 6, "float64, groups": 16, "float64, weight-stationary": 4,
        "float64, unrolled rows": 3, "float64, activation": 6, "float64, batch above 1": 12,
    ]

    mutating func count(_ schedule: Schedule, batch: Int) {
        let spec = schedule.spec
        let axes = spec.geometry.axes
        let lanes = schedule.target.lanes(spec.elements.storage)
        let lanesParameters = schedule.filterLanes?.parameters
        let facts: [(String, Bool)] = [
            ("stride above kernel", axes.contains { $0.stride > $0.kernel }),
            ("kernel no multiple of stride", axes.contains { $0.kernel % $0.stride != 0 }),
            ("asymmetric crop", axes.contains { 2 * $0.crop != ($0.input - 1) * $0.stride + $0.effectiveKernel - $0.output }),
            ("channels no multiple of lanes", spec.gather.channelsPerGroup % lanes != 0),
            ("filters no multiple of lanes", spec.gather.filtersPerGroup % lanes != 0),
            ("batch above 1", batch > 1),
            ("phase without taps", spec.gather.axes.contains { axis in (0..<axis.phases).contains { axis.taps(inPhase: $0).isEmpty } }),
            ("axis of length 1", axes.contains { $0.input == 1 }),
            ("dilation", axes.contains { $0.dilation > 1 && $0.kernel > 1 }),
            ("groups", spec.geometry.groups > 1),
            ("depthwise", spec.geometry.groups > 1 && spec.gather.channelsPerGroup == 1),
            ("merged groups", lanesParameters?.mergesGroups == true),
            ("merged groups of several channels", lanesParameters?.mergesGroups == true && spec.gather.channelsPerGroup > 1),
            ("merged groups that leave lanes idle", lanesParameters?.mergesGroups == true && lanes % spec.gather.filtersPerGroup != 0),
            ("float64", spec.elements == .float64),
            ("filters as lanes", lanesParameters?.channelsPerVector == 1 && lanesParameters?.mergesGroups == false),
            ("two channels per vector", lanesParameters?.channelsPerVector == 2 && lanes > 2),
            ("channels as lanes", lanesParameters?.channelsPerVector == lanes),
            ("several filter blocks", (schedule.filterLanes?.packedLayout.blockCount ?? schedule.minimalFiltering?.blockCount ?? 0) > 1),
            ("unrolled rows", schedule.filterLanes?.parameters.listsRows == false),
            ("weight-stationary", schedule.filterLanes?.parameters.order == .weightStationary),
            ("row-stationary", lanesParameters?.order == .rowStationary),
            ("minimal filtering", schedule.minimalFiltering != nil),
            ("minimal filtering, phases of two tap counts", schedule.minimalFiltering?.axes.contains { $0.classes.count > 1 } == true),
            ("minimal filtering, streamed output", schedule.minimalFiltering?.parameters.streamsOutput == true),
            ("minimal filtering, merged phases", (schedule.minimalFiltering?.widthPhases ?? 1) > 1),
            ("split filters", (schedule.minimalFiltering?.splits ?? 1) > 1),
            ("streamed output", schedule.filterLanes?.parameters.streamsOutput == true),
            ("batch rows", schedule.batchRows != nil),
            ("activation", spec.epilogue.activation != .linear),
        ]
        for (name, holds) in facts + channelsFirstFacts(schedule, batch: batch) where holds {
            counts[name, default: 0] += 1
            if spec.geometry.groups > 1 { counts["groups, \(name)", default: 0] += 1 }
            if spec.elements == .float64 { counts["float64, \(name)", default: 0] += 1 }
            counts["\(name), \(schedule.target.name)", default: 0] += 1
        }
    }

    private func channelsFirstFacts(_ schedule: Schedule, batch: Int) -> [(String, Bool)] {
        let spec = schedule.spec
        let (channels, filters, width) = (spec.gather.channels, spec.gather.filters, spec.gather.axes[2])
        let lanes = schedule.target.lanes(.float32)
        let (direct, fast) = (schedule.filterLanes, schedule.minimalFiltering)
        let isStationary = direct?.parameters.order == .weightStationary
        let chunk = direct?.conversion.map { $0.chunkBlocks * $0.chunkDepths } ?? 0
        let facts: [(String, Bool)] = [
            ("", true),
            (", minimal filtering", fast != nil),
            (", weight-stationary", isStationary),
            (", several chunks", isStationary && chunk < schedule.workItems.count(batch: batch)),
            (", several blocks", direct.map { $0.blocks > 1 } ?? (schedule.workItems.count(batch: 1) > 1)),
            (", batch above 1", batch > 1),
            (
                ", whole vectors of voxels",
                2 * channels > lanes && width.sources >= lanes || 2 * filters > lanes && width.results >= lanes
            ),
            (", several groups", spec.geometry.groups > 1),
            (", one channel", channels == 1),
            (", one filter", filters == 1),
            (", channels as lanes", direct?.parameters.channelsPerVector == lanes),
        ]
        return spec.layout == .channelsFirst ? facts.map { ("channels first" + $0, $1) } : []
    }
}
