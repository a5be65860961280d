import VoxLayerSpec

/// Parameters of the family filter lanes, which computes plain sums. The lanes of a vector are filters, filters with two channels each, or channels
/// (`channelsPerVector`). A register tile covers positions of one plane of the output, and each tap is printed only for the outputs that it
/// reaches.
///
/// A *position* is one q of a phase (`AxisGather`); a tile holds `tileHeight` x `tileWidth` of them, for one row phase and either one width
/// phase or all of them (`mergesWidthPhases`).
public struct FilterLanes: KernelFamily {
    /// How many taps share one channel loop.
    public enum Fusion: String, Codable, Hashable, Sendable {
        /// One tap: needs one weight vector per vector of filters, and enough positions to hide latency.
        case tap
        /// All taps of one kernel row: one broadcast input feeds up to kernel-width multiply-adds.
        case row
    }

    /// What is outermost in `run`.
    public enum Order: String, Codable, Hashable, Sendable {
        /// Work items: weights are read again for every tile, inputs once. For weights that fit the caches.
        case heightBlocked = "hblock"
        /// Work items too, but every filter block and plane group takes its turn with a whole row of tiles. For weights that do not fit the
        /// first-level cache, while the piece of each such turn does.
        case rowStationary = "rstat"
        /// Pieces of the weights, each of one filter block, depth phase and plane group: every weight is streamed once a call. For weights
        /// that do not fit the second-level cache.
        case weightStationary = "wstat"
    }

    /// How many channels stand side by side in a vector:
    ///
    /// - 1: each lane is a filter.
    /// - 2: each filter has two lanes, for an even and an odd channel, and their sums are added at the end. For at most half a vector of filters.
    /// - As many as there are lanes: a vector belongs to one filter, and a tree adds up the lanes of its sums at the end. For few filters.
    public var channelsPerVector: Int
    /// Whether the lanes of a vector are filters of several consecutive groups of features, each of which reads its own channels. For
    /// depthwise layers and small groups; otherwise groups are computed one after another.
    public var mergesGroups: Bool
    /// Vectors of filters in the register tile.
    public var vectors: Int
    /// Positions of a tile along height.
    public var tileHeight: Int
    /// Positions of a tile along width.
    public var tileWidth: Int
    /// Whether a tile holds the outputs of all width phases, or of one.
    public var mergesWidthPhases: Bool
    /// Which taps share a channel loop.
    public var fusion: Fusion
    /// Whether kernel rows are looped over at run time, as depth taps are, so that row edges need no code of their own. Only for tiles of
    /// height 1.
    public var listsRows: Bool
    /// Order of the loops around the tiles.
    public var order: Order
    /// Tile rows of one work item.
    public var blockRows: Int
    /// Whether what the next item reads of its newest input plane is prefetched into the second-level cache, and with channels_first also
    /// the memory that results go to.
    public var prefetchesNextPlane: Bool
    /// Whether whole vectors of the output are stored past the caches: for outputs that do not fit them.
    public var streamsOutput: Bool
    /// Unroll count of channel loops.
    public var unroll: Int

    /// Parameters as given; `Schedule` checks them against a problem and a target.
    public init(
        channelsPerVector: Int = 1, vectors: Int = 1, tileHeight: Int = 1, tileWidth: Int, mergesWidthPhases: Bool = false,
        fusion: Fusion = .row, listsRows: Bool = true, order: Order = .heightBlocked, blockRows: Int = 1,
        prefetchesNextPlane: Bool = false, streamsOutput: Bool = false, unroll: Int = 2, mergesGroups: Bool = false
    ) {
        self.channelsPerVector = channelsPerVector
        self.mergesGroups = mergesGroups
        self.vectors = vectors
        self.tileHeight = tileHeight
        self.tileWidth = tileWidth
        self.mergesWidthPhases = mergesWidthPhases
        self.fusion = fusion
        self.listsRows = listsRows
        self.order = order
        self.blockRows = blockRows
        self.prefetchesNextPlane = prefetchesNextPlane
        self.streamsOutput = streamsOutput
        self.unroll = unroll
    }

    /// Vectors of sums that a tile keeps in registers.
    /// - Parameter width: the last axis of the problem.
    func accumulatorCount(_ width: AxisGather) -> Int {
        tileHeight * tileWidth * (mergesWidthPhases ? width.phases : 1) * vectors
    }

    /// Canonical text, equal for equal schedules.
    public var text: String {
        var parts = [
            Self.label, mergesGroups ? "groups" : "g\(channelsPerVector)", "v\(vectors)", "tile\(tileHeight)x\(tileWidth)",
            mergesWidthPhases ? "merge=w" : "merge=none", "fuse=\(fusion.rawValue)", listsRows ? "rows=listed" : "rows=unrolled",
            "order=\(order.rawValue)", "block\(blockRows)", prefetchesNextPlane ? "prefetch" : "noprefetch",
        ]
        if streamsOutput { parts.append("stream") }
        return (parts + ["unroll\(unroll)"]).joined(separator: ",")
    }
}

extension FilterLanes {
    public static let familyName = "filterLanes"
    public static let policy = Policy.direct
    public static let excludesOthers = false

    public func resolved(_ spec: KernelSpec, _ target: Target) throws(SchedulingError) -> FilterLanesSchedule {
        try FilterLanesSchedule(spec, target, self)
    }
}

extension Decision {
    /// Filter lanes with given parameters.
    public static func filterLanes(_ parameters: FilterLanes) -> Decision { Decision(parameters) }
}

extension Schedule {
    /// The resolved filter-lanes schedule; nil for another family.
    package var filterLanes: FilterLanesSchedule? { family as? FilterLanesSchedule }
}
