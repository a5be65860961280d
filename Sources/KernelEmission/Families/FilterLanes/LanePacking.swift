import LayerSpec
import Scheduling

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

    init(_ geometry: Geometry, _ units: LaneUnits, _ layout: PackedLayout) {
        tapCount = geometry.tapCount
        tapPlaces = Self.places(geometry, units)
        packedElements = layout.byteCount / layout.type.byteCount
        channelSteps = layout.channelSteps
        channelsPerVector = layout.channelsPerVector
    }

    private static func places(_ geometry: Geometry, _ units: LaneUnits) -> [TapPlace] {
        let (height, width) = (geometry.axes[1], geometry.axes[2])
        var places = Array(repeating: TapPlace(phase: 0, unit: 0), count: geometry.tapCount)
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
