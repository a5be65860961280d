import VoxLayerSpec

/// A filter-lanes kernel, resolved: parameters, tiles, packed layout.
public struct FilterLanesSchedule: ResolvedFamily {
    let spec: KernelSpec
    let target: Target
    /// Who reads what.
    public let gather: Gather
    /// The parameters of the family.
    public let parameters: FilterLanes
    /// The tiles of a plane, resolved.
    public let tilePlan: TilePlan
    /// The rows that tile rows stand for.
    public var tileRows: TileRows { TileRows(tilePlan, parameters, height: gather.axes[1]) }
    /// Where the packed weights lie.
    public let packedLayout: PackedLayout
    /// How planes become voxels and back; nil for channels_last.
    public let conversion: LayoutConversion?

    /// Most multiply-adds printed into one kernel; about 1 MB of code and seconds of compilation.
    public static let maximumUseCount = 40_000

    /// Most multiply-adds of one tile of merged groups: they have no loop over channels, and clang's time grows faster than the
    /// length of straight code.
    static let maximumStraightUseCount = 4096

    /// - Throws: `SchedulingError` when the family does not take the problem or the parameters break a limit.
    init(_ spec: KernelSpec, _ target: Target, _ parameters: FilterLanes) throws(SchedulingError) {
        if let reason = FilterLanes.reasonAgainst(spec) { throw reason }
        if let reason = Self.illegality(of: parameters, spec, target) { throw .illegalSchedule(parameters.text, reason: reason) }
        // Before tiles are enumerated: a legal problem may be so large that listing its edges would take forever.
        let gather = spec.gather
        let (height, width) = (gather.axes[1], gather.axes[2])
        let cells = max(width.pairCount, width.results) * (parameters.listsRows ? 1 : max(height.pairCount, height.results))
        if cells > 1 << 20 {
            throw .illegalSchedule(
                parameters.text, reason: "it enumerates \(cells) taps or outputs of a plane; expected at most \(1 << 20)")
        }
        self.spec = spec
        self.gather = gather
        self.target = target
        self.parameters = parameters
        tilePlan = TilePlan(gather, parameters)
        packedLayout = PackedLayout(spec: spec, target: target, schedule: parameters)
        conversion = spec.layout == .channelsFirst
            ? LayoutConversion(spec, target, parameters, tilePlan, layout: packedLayout) : nil
        // The channels of merged groups are written out.
        let written = parameters.vectors * (parameters.mergesGroups ? gather.channelsPerGroup : 1)
        let straight = (tilePlan.variants.map(\.useCount).max() ?? 0) * written
        if parameters.mergesGroups && straight > Self.maximumStraightUseCount {
            throw .illegalSchedule(
                parameters.text, reason: "a tile of merged groups prints \(straight) multiply-adds; expected at most \(Self.maximumStraightUseCount)")
        }
        let uses = tilePlan.useCount * written
        if uses > Self.maximumUseCount {
            throw .illegalSchedule(parameters.text, reason: "it prints \(uses) multiply-adds; expected at most \(Self.maximumUseCount)")
        }
        if workspaceByteCount > LayoutConversion.maximumByteCount {
            throw .illegalSchedule(
                parameters.text, reason: "it needs \(workspaceByteCount) bytes of workspace; expected at most \(LayoutConversion.maximumByteCount)")
        }
    }

    /// Tile rows of one work item.
    public var blockRows: Int { min(parameters.blockRows, max(1, tilePlan.tileRows)) }
    /// Work items of one position along depth.
    public var blocks: Int { tilePlan.tileRows.ceilingDivision(by: blockRows) }
    /// Positions along depth times blocks of tile rows.
    public var placesPerSample: Int { blocks * tilePlan.depths.count }
    /// Parts that the positions of a weight-stationary kernel are cut into, so that there are at least 8 equal pieces of work.
    public var splits: Int { min(8.ceilingDivision(by: packedLayout.blockCount), max(1, placesPerSample)) }
    /// With `weightStationary`, unless planes are converted, an item is a part of the positions of all samples for one filter block, depth
    /// phase and plane group. Otherwise it is a block of tile rows at one position along depth of one sample.
    public var workItems: WorkItems {
        if parameters.order != .weightStationary || conversion?.converts == true { return .perSample(placesPerSample) }
        return .perCall(splits * packedLayout.blockCount * gather.axes[0].phases * tilePlan.groups.count)
    }
    /// Bytes of the packed weights, a multiple of 64.
    public var packedByteCount: Int { packedLayout.byteCount }
    /// Bytes of workspace of one thread.
    public var workspaceByteCount: Int { conversion?.workspaceByteCount ?? 0 }
    /// Floats from one voxel to the next in the tensor that tiles read.
    public var inputVoxel: Int { conversion?.inputVoxel ?? gather.channels }
    /// Floats from one voxel to the next in the tensor that tiles write.
    public var outputVoxel: Int { conversion?.outputVoxel ?? gather.filters }
    /// Floats from one filter to the next in the tensor that tiles write.
    public var filterStep: Int { conversion?.filterStep ?? 1 }

    /// Kernels with equal packing keys share packed weights; the number after the slash changes with the layout.
    public var packingKey: String {
        let layout = packedLayout
        let axes = spec.geometry.axes
        return ([
            "\(FilterLanes.label)/1", spec.elements.storage.rawValue, "l\(layout.lanes)", "g\(layout.channelsPerVector)", "v\(layout.vectors)",
            parameters.mergesWidthPhases ? "w" : "n",
            "k" + axes.map { String($0.kernel) }.joined(separator: "x"), "s" + axes.map { String($0.stride) }.joined(separator: "x"),
            "d" + axes.map { String($0.dilation) }.joined(separator: "x"), "c\(gather.channels)", "f\(gather.filters)",
            "groups\(gather.groups)", parameters.mergesGroups ? "merged" : "apart",
        ] + (spec.op == .transposedConvolution ? [] : [spec.op.rawValue])).joined(separator: ";")
    }

    /// Registers live in the widest channel loop: accumulators, the loop's weight vectors, one input.
    public var liveRegisters: Int {
        let width = gather.axes[2]
        let tapsPerLoop: Int
        switch parameters.fusion {
        case .tap: tapsPerLoop = 1
        case .row: tapsPerLoop = parameters.mergesWidthPhases ? width.kernel : width.longestChain
        }
        return parameters.accumulatorCount(width) + tapsPerLoop * parameters.vectors + 1
    }

    private static func illegality(of p: FilterLanes, _ spec: KernelSpec, _ target: Target) -> String? {
        let lanes = MultiplyUnit(target, spec.elements).lanes
        if ![1, 2, lanes].contains(p.channelsPerVector) { return "\(p.channelsPerVector) channels per vector" }
        if min(p.vectors, p.tileHeight, p.tileWidth, p.blockRows, p.unroll) < 1 { return "a parameter below 1" }
        if p.vectors > 8 || p.tileHeight * p.tileWidth > 64 { return "a tile larger than 64 positions or 8 vectors" }
        if p.channelsPerVector == 2 && lanes > 2 {
            if p.vectors != 1 || spec.gather.filtersPerGroup > lanes / 2 {
                return "two channels per vector need at most \(lanes / 2) filters in a group"
            }
        }
        if p.mergesGroups, let reason = FilterLanes.reasonAgainstMergingGroups(spec.gather, lanes: lanes) { return reason }
        if p.mergesGroups && p.channelsPerVector != 1 { return "merged groups with several channels per vector" }
        if p.listsRows && p.tileHeight != 1 { return "listed rows need tiles of height 1" }
        let bytes = stackByteCount(p, spec)
        if bytes > maximumStackByteCount {
            return "its lists of taps take \(bytes) bytes of stack; expected at most \(maximumStackByteCount)"
        }
        return nil
    }

    /// Most stack that the lists of run-time taps may take; a thread may have as little as 128 KiB.
    static let maximumStackByteCount = 64 << 10

    /// Stack that `run` of `filter_lanes.c.mustache` needs for the taps of every plane group, and for the depth taps.
    private static func stackByteCount(_ p: FilterLanes, _ spec: KernelSpec) -> Int {
        let axes = spec.gather.axes
        let (depth, height, width) = (axes[0], axes[1], axes[2])
        let groups = height.phases * (p.mergesWidthPhases ? 1 : width.phases)
        let listed = depth.longestChain * (p.listsRows ? height.longestChain : 1)
        // A listed tap takes two 64-bit numbers, a group a count, an output and a flag, a depth tap a pointer and an offset.
        return groups * (listed * 16 + 16) + depth.longestChain * 16
    }
}
