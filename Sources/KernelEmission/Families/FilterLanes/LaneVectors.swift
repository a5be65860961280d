import VoxLayerSpec
import VoxScheduling

/// What `Templates/families/FilterLanes/lane_vectors.c.mustache` is rendered with: functions that load and store parts of vectors.
struct LaneVectors {
    struct GroupLoad { let name: String; let channel: Int; let groups: Int; let steps: [LaneTile.Statement] }

    let partialStores: [PartialStore]
    let partialLoads: [Int]
    let groupLoads: [GroupLoad]

    init(_ printers: LanePrinters, _ gather: Gather, _ layout: PackedLayout) {
        let (full, last) = (printers.full, printers.last)
        let hasFull = layout.blockCount > 1
        let partial = Set(layout.channelsAreLanes ? [] : last.storedLanes + (hasFull ? full.storedLanes : [])).subtracting([layout.lanes])
        partialStores = partial.sorted().map { PartialStore($0, lanes: layout.lanes) }
        let groupReads = Set(last.groupReads + (hasFull ? full.groupReads : [])).sorted()
        groupLoads = groupReads.filter { !$0.isPlain }.map(GroupLoad.init)
        let channelTail = layout.channelsAreLanes ? [gather.channelsPerGroup % layout.lanes] : []
        partialLoads = Set(channelTail + groupReads.flatMap(\.partialLoads)).subtracting([0]).sorted()
    }
}

extension LaneVectors.GroupLoad {
    init(_ read: GroupRead) {
        self.init(name: read.name, channel: read.channel, groups: read.groups, steps: read.statements.map(LaneTile.Statement.init))
    }
}
