import VoxLayerSpec
import VoxScheduling

/// What `Templates/families/FilterLanes/lane_pack.c.mustache` is rendered with.
struct LanePacking {
    struct TapPlace { let phase: Int; let unit: Int }

    let tapCount: Int
    /// Depth phase and unit of every tap, in the order of the kernel tensor.
    let tapPlaces: [TapPlace]
    /// Elements of all weights, with zeros up to whole lines.
    let packedElements: Int
    let channelSteps: Int
    let channelsPerVector: Int
    /// Whether filters follow each other in the kernel tensor, not channels.
    let filtersLast: Bool
    /// Filters of all groups.
    let tensorFilters: Int

    init(_ op: KernelOp, _ gather: Gather, _ units: LaneUnits, _ layout: PackedLayout) {
        tapCount = gather.tapCount
        tapPlaces = Self.places(gather, units)
        packedElements = layout.byteCount / layout.type.byteCount
        channelSteps = layout.channelSteps
        channelsPerVector = layout.channelsPerVector
        filtersLast = op == .convolution
        tensorFilters = gather.filters
    }

    private static func places(_ gather: Gather, _ units: LaneUnits) -> [TapPlace] {
        let (height, width) = (gather.axes[1], gather.axes[2])
        var places = Array(repeating: TapPlace(phase: 0, unit: 0), count: gather.tapCount)
        for (phase, taps) in units.depthTaps.enumerated() {
            for (number, depthTap) in taps.enumerated() {
                for (index, group) in units.groups.enumerated() {
                    let first = units.first(phase: phase, tap: number, group: index)
                    for (row, rowTap) in group.rowTaps.enumerated() {
                        for (column, widthTap) in group.widthTaps.enumerated() {
                            let tap = (depthTap.tap * height.kernel + rowTap.tap) * width.kernel + widthTap.tap
                            places[tap] = TapPlace(phase: phase, unit: first + row * group.widthTaps.count + column)
                        }
                    }
                }
            }
        }
        return places
    }
}
