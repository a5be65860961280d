import VoxLayerSpec
import VoxScheduling

/// What `Templates/families/FilterLanes/filter_lanes.c.mustache` is rendered with: one value per part of the kernel, with every number and
/// name resolved. A value that is nil leaves its part out.
struct FilterLanesContext: KernelContext {
    let name: String
    let heading: KernelHeading
    let lanesAre: String
    /// Whether the kernel computes the convolution of an ordinary layer.
    let isConvolution: Bool
    let counts: TileCounts
    let features: LaneFeatures
    let extents: TensorExtents
    let grid: LaneGrid
    let filterBlocks: LaneFilterBlocks
    let steps: LaneSteps
    let rows: LaneRows?
    let converts: Bool
    let inputPlanes: LaneInputPlanes?
    let outputPlanes: LaneOutputPlanes?
    /// Whether whole vectors of the output bypass the caches.
    let streamsOutput: Bool
    let vectors: LaneVectors
    let tiles: [LaneTile]
    let tileTables: LaneTileTables
    let depth: LaneDepthTaps
    /// Nil where the rows of a kernel are written out.
    let listedRows: LaneListedRows?
    let order: LaneOrder
    /// Nil for a layer without one.
    let bias: LaneBias?
    let packing: LanePacking

    init(_ schedule: Schedule, _ resolved: FilterLanesSchedule, name: String) {
        let spec = schedule.spec
        let gather = resolved.gather
        let (layout, plan) = (resolved.packedLayout, resolved.tilePlan)
        let units = LaneUnits(gather.axes[0], plan)
        let printers = LanePrinters(schedule, resolved)

        self.name = name
        lanesAre = Self.lanesAre(resolved)
        isConvolution = spec.op == .convolution
        features = LaneFeatures(gather, layout)
        extents = TensorExtents(gather)
        grid = LaneGrid(gather, resolved)
        filterBlocks = LaneFilterBlocks(spec, resolved)
        steps = LaneSteps(gather, resolved)
        depth = LaneDepthTaps(units, layout)
        inputPlanes = LaneInputPlanes(resolved.conversion)
        outputPlanes = LaneOutputPlanes(gather, resolved.conversion)
        converts = inputPlanes != nil || outputPlanes != nil
        streamsOutput = resolved.conversion?.streamsOutput ?? resolved.parameters.streamsOutput
        vectors = LaneVectors(printers, gather, layout)
        tiles = printers.tiles
        counts = TileCounts(tiles)
        tileTables = LaneTileTables(resolved, steps, full: layout.blockCount > 1 ? { printers.full.name($0) } : nil, last: { printers.last.name($0) })
        listedRows = resolved.parameters.listsRows ? LaneListedRows(plan) : nil
        order = LaneOrder(
            resolved, listMaximum: depth.depthTapMaximum * (listedRows?.rowTapMaximum ?? 1), leastDepthLag: depth.leastDepthLag, converts: converts,
            convertsOutput: outputPlanes != nil, streamsOutput: streamsOutput)
        rows = converts || order.fetch != nil
            ? LaneRows(resolved.tileRows, locatesInputRows: inputPlanes != nil || order.fetch != nil) : nil
        bias = spec.epilogue.hasBias ? LaneBias(layout) : nil
        packing = LanePacking(spec.op, gather, units, layout)

        let loops = ["batch", "depth positions"] + (layout.parts > 1 ? ["groups"] : []) + ["tile rows and columns"]
            + (layout.blockCount > 1 ? ["filter blocks"] : [])
            + (depth.depthTapMaximum > 1 ? ["depth taps"] : []) + (listedRows.map { $0.rowTapMaximum > 1 } ?? false ? ["row taps"] : [])
            + (layout.channelSteps > 1 && !resolved.parameters.mergesGroups ? ["channels"] : [])
        heading = KernelHeading(
            schedule, unit: MultiplyUnit(schedule.target, spec.elements),
            looped: loops + LoopTexts.conversion(input: inputPlanes != nil, output: outputPlanes != nil), converts: converts)
    }

    private static func lanesAre(_ resolved: FilterLanesSchedule) -> String {
        if resolved.packedLayout.channelsAreLanes { return "channels of one filter" }
        if resolved.packedLayout.pairsChannels { return "filters, each with two channels side by side" }
        return resolved.parameters.mergesGroups ? "filters of consecutive groups" : "filters"
    }
}

/// What is outermost in the kernel, and what is fetched before it is needed.
struct LaneOrder {
    let weightStationary: Bool
    let rowStationary: Bool
    /// How many parts the positions have, where a work item is one part of them with one piece of the weights; else nil.
    let splits: Int?
    /// Nil unless several work items share a pass over the weights.
    let chunks: LaneChunks?
    /// Nil where nothing is fetched.
    let fetch: LaneFetch?
    let fetchesOutput: Bool
    /// Most taps that a tile row lists.
    let listMaximum: Int

    init(_ resolved: FilterLanesSchedule, listMaximum: Int, leastDepthLag: Int, converts: Bool, convertsOutput: Bool, streamsOutput: Bool) {
        let parameters = resolved.parameters
        weightStationary = parameters.order == .weightStationary
        rowStationary = parameters.order == .rowStationary
        if case .perCall = resolved.workItems { splits = resolved.splits } else { splits = nil }
        chunks = weightStationary && converts ? resolved.conversion.map(LaneChunks.init) : nil
        fetch = parameters.prefetchesNextPlane && !weightStationary ? LaneFetch(leastDepthLag: leastDepthLag) : nil
        fetchesOutput = fetch != nil && convertsOutput && !streamsOutput
        self.listMaximum = listMaximum
    }
}

/// What is prefetched of the input (`lane_fetch.c.mustache`).
struct LaneFetch {
    /// The least lag along depth: the newest plane that position q reads is q * step less this.
    let leastDepthLag: Int
}

/// The bias of the last block of filters.
struct LaneBias {
    /// Whether it ends inside a vector. Where lanes are channels, the bias of each filter is read by itself.
    let padsBias: Bool
    let lastLanes: Int
    let lastFilters: Int

    init(_ layout: PackedLayout) {
        lastFilters = layout.lastFilters
        lastLanes = layout.lastVectors * layout.lanes
        padsBias = !layout.channelsAreLanes && (lastFilters % layout.lanes != 0 || layout.filtersPerVector != layout.lanes)
    }
}
