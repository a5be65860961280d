import LayerSpec
import Scheduling

/// What `Templates/families/filter_lanes.c.mustache` is rendered with: every number and name resolved, one struct per level.
struct FilterLanesContext: KernelContext {
    struct Accumulator { let name: String; let index: Int; let initial: String }
    struct Weight { let name: String; let offset: Int }
    struct Use { let accumulator: String; let weight: String }
    struct Input { let type: String; let load: String; let uses: [Use] }
    struct Counted { let steps: Int; let step: Int; let unrolled: [Int]; let weights: [Weight]; let inputs: [Input] }
    struct Straight { let comment: String; let weights: [Weight]; let inputs: [Input] }
    struct Loop {
        let comment: String
        let counted: [Counted]
        let straight: [Straight]

        /// Inputs and weights that are loaded, over the loop and what is written out.
        var inputs: [Input] { counted.flatMap(\.inputs) + straight.flatMap(\.inputs) }
        var weightCount: Int { counted.reduce(0) { $0 + $1.weights.count } + straight.reduce(0) { $0 + $1.weights.count } }
    }
    struct Store { let statement: String }
    struct Tile {
        let name: String
        let comment: String
        let unitName: String
        let accumulators: [Accumulator]
        let loops: [Loop]
        let hasLoops: Bool
        let boxed: Bool
        let sumCount: Int
        let outputCount: Int
        let places: String
        let stores: [Store]
    }
    struct Entry { let full: String; let last: String; let input: Int; let output: Int }
    struct Group { let index: Int; let entryCount: Int; let entries: [Entry] }
    struct DepthTap { let lag: Int; let units: String }
    struct DepthPhase { let first: Int; let count: Int; let weights: Int; let units: Int }
    struct RowGroup { let phase: Int; let first: Int; let positions: Int; let count: Int; let taps: String }
    struct GroupLoad { let name: String; let channel: Int; let groups: Int; let steps: [Store] }
    struct TapPlace { let phase: Int; let unit: Int }

    let name: String
    let key: String
    let target: String
    let schedule: String
    let looped: String
    let multiplyAdds: Int
    let tileMultiplyAdds: Int
    let tileLoads: Int
    let tileInputs: Int
    let lanesAre: String
    let lanes: Int
    let elements: String
    let realBytes: Int
    let unitHeader: String
    let channels: Int
    let filters: Int
    let parts: Int
    let inputChannels: Int
    let groupFilters: Int
    let partWeights: Int
    let inputDepth: Int, inputHeight: Int, inputWidth: Int
    let outputDepth: Int, outputHeight: Int, outputWidth: Int
    let depthStride: Int, depthCrop: Int
    let heightStride: Int, heightCrop: Int
    let firstDepth: Int
    let depths: Int
    let tileRows: Int
    let tileColumns: Int
    let blockRows: Int
    let blocks: Int
    let splits: Int
    let blockCount: Int
    let blockFilters: Int
    let vectorFilters: Int
    let blockChannels: Int
    let groupCount: Int
    let unit: Int
    let lastUnit: Int
    let inputRow: Int
    let inputPlane: Int
    let outputRow: Int
    let outputPlane: Int
    let outputSample: Int
    let filterStep: Int
    let layout: String
    let converts: Bool
    let convertsInput: Bool
    let convertsOutput: Bool
    let streamsOutput: Bool
    let fetchesInput: Bool
    let fetchesOutput: Bool
    let locatesRows: Bool
    let locatesInputRows: Bool
    let rowsPerTile: Int, largerTiles: Int
    let inputVoxel: Int, outputVoxel: Int
    let outputFilters: Int
    let lowRow: Int, highRow: Int
    let slots: Int, slotFloats: Int
    let chunkBlocks: Int, chunkItems: Int
    let itemFloats: Int
    let stagedPlace: Int, scratchPlace: Int
    let depthStep: Int, heightStep: Int
    let leastDepthLag: Int
    let isConvolution: Bool
    let usesBias: Bool
    let padsBias: Bool
    let lastLanes: Int
    let lastFilters: Int
    let partialStores: [PartialStore]
    let partialLoads: [Int]
    let groupLoads: [GroupLoad]
    let tiles: [Tile]
    let listsRows: Bool
    let groups: [Group]
    let depthTapCount: Int
    let depthTaps: [DepthTap]
    let depthTapMaximum: Int
    let depthPhases: [DepthPhase]
    let rowTapMaximum: Int
    let rowGroups: [RowGroup]
    let listMaximum: Int
    let weightStationary: Bool
    let rowStationary: Bool
    let perCall: Bool
    let tapCount: Int
    let tapPlaces: [TapPlace]
    let packedElements: Int
    let packedElementsRounded: Int
    let channelSteps: Int
    let channelsPerVector: Int

    init(_ schedule: Schedule, _ resolved: FilterLanesSchedule, name: String) {
        let spec = schedule.spec
        let gather = resolved.gather
        let (depth, height, width) = (gather.axes[0], gather.axes[1], gather.axes[2])
        let parameters = resolved.parameters
        let layout = resolved.packedLayout
        let plan = resolved.tilePlan

        self.name = name
        key = spec.key.text
        target = schedule.target.instructionSet.rawValue
        self.schedule = schedule.text
        multiplyAdds = spec.geometry.multiplyAddCount
        lanesAre =
            if layout.channelsAreLanes {
                "channels of one filter"
            } else if layout.pairsChannels {
                "filters, each with two channels side by side"
            } else if parameters.mergesGroups {
                "filters of consecutive groups"
            } else {
                "filters"
            }
        lanes = layout.lanes
        elements = layout.type.rawValue
        realBytes = layout.type.byteCount
        unitHeader = MultiplyUnit(schedule.target, spec.elements).header
        channels = gather.channelsPerGroup
        filters = layout.partFilters
        parts = layout.parts
        inputChannels = gather.channels
        groupFilters = gather.filtersPerGroup
        partWeights = layout.partElements
        (inputDepth, inputHeight, inputWidth) = (depth.sources, height.sources, width.sources)
        (outputDepth, outputHeight, outputWidth) = (depth.results, height.results, width.results)
        (depthStride, depthCrop, heightStride, heightCrop) = (depth.phases, depth.crop, height.phases, height.crop)
        firstDepth = plan.depths.lowerBound
        depths = plan.depths.count
        tileRows = plan.tileRows
        tileColumns = plan.tileColumns
        blockRows = resolved.blockRows
        blocks = resolved.blocks
        splits = resolved.splits
        blockCount = layout.blockCount
        blockFilters = layout.filtersPerBlock
        vectorFilters = layout.filtersPerVector
        blockChannels = parameters.mergesGroups ? layout.filtersPerBlock / gather.filtersPerGroup * gather.channelsPerGroup : 0
        groupCount = plan.groups.count
        unit = layout.unit
        lastUnit = layout.lastUnit
        inputRow = width.sources * resolved.inputVoxel
        inputPlane = height.sources * inputRow
        outputRow = width.results * resolved.outputVoxel
        outputPlane = height.results * outputRow
        outputSample = gather.resultVolume * gather.filters
        filterStep = resolved.filterStep
        let conversion = resolved.conversion
        convertsInput = conversion?.convertsInput ?? false
        convertsOutput = conversion?.convertsOutput ?? false
        converts = convertsInput || convertsOutput
        streamsOutput = conversion?.streamsOutput ?? parameters.streamsOutput
        self.layout = spec.layout == .channelsLast ? "channels last" : "channels first"
        (inputVoxel, outputVoxel) = (resolved.inputVoxel, resolved.outputVoxel)
        outputFilters = gather.filters
        let tileRows = resolved.tileRows
        (rowsPerTile, largerTiles) = (tileRows.positions, tileRows.largerTiles)
        (lowRow, highRow) = (tileRows.low, tileRows.high)
        (slots, slotFloats) = (conversion?.slots ?? 0, conversion?.slotFloats ?? 0)
        chunkBlocks = conversion?.chunkBlocks ?? 1
        chunkItems = (conversion?.chunkBlocks ?? 1) * (conversion?.chunkDepths ?? 1)
        itemFloats = conversion?.itemFloats ?? 0
        (stagedPlace, scratchPlace) = (conversion?.stagedPlace ?? 0, conversion?.scratchPlace ?? 0)
        (depthStep, heightStep) = (depth.step, height.step)
        isConvolution = spec.op == .convolution
        leastDepthLag = (0..<depth.phases).flatMap { depth.taps(inPhase: $0).map(\.lag) }.min() ?? 0
        usesBias = spec.epilogue.hasBias
        let lastFilters = layout.lastFilters
        self.lastFilters = lastFilters
        lastLanes = layout.lastVectors * layout.lanes
        // Where lanes are channels the bias of each filter is read by itself.
        padsBias = !layout.channelsAreLanes && (lastFilters % layout.lanes != 0 || layout.filtersPerVector != layout.lanes)
        listsRows = parameters.listsRows

        // Tiles, once for full filter blocks and once for the last one where the two differ.
        let lastDiffers = lastFilters != layout.filtersPerBlock
        let full = TilePrinter(schedule, resolved, filters: layout.filtersPerBlock, unitName: "UNIT", suffix: "")
        let last = TilePrinter(schedule, resolved, filters: lastFilters, unitName: lastDiffers ? "LAST_UNIT" : "UNIT", suffix: lastDiffers ? "_last" : "")
        var printed: [Tile] = []
        if layout.blockCount > 1 || !lastDiffers { printed += plan.variants.indices.map(full.tile) }
        if lastDiffers { printed += plan.variants.indices.map(last.tile) }
        tiles = printed
        let partial = Set(layout.channelsAreLanes ? [] : last.storedLanes + (layout.blockCount > 1 ? full.storedLanes : [])).subtracting([layout.lanes])
        partialStores = partial.sorted().map { PartialStore($0, lanes: layout.lanes) }
        let groupReads = Set(last.groupReads + (layout.blockCount > 1 ? full.groupReads : [])).sorted()
        groupLoads = groupReads.filter { !$0.isPlain }.map(GroupLoad.init)
        let channelTail = layout.channelsAreLanes ? [gather.channelsPerGroup % layout.lanes] : []
        partialLoads = Set(channelTail + groupReads.flatMap(\.partialLoads)).subtracting([0]).sorted()
        tileMultiplyAdds = printed.reduce(0) { $0 + $1.loops.reduce(0) { $0 + $1.inputs.reduce(0) { $0 + $1.uses.count } } }
        tileLoads = printed.reduce(0) { $0 + $1.loops.reduce(0) { $0 + $1.weightCount } }
        tileInputs = printed.reduce(0) { $0 + $1.loops.reduce(0) { $0 + $1.inputs.count } }

        let rowFloats = inputRow
        let outputFloats = outputRow
        let hasFull = layout.blockCount > 1
        groups = plan.tiles.enumerated().map { index, tiles in
            Group(
                index: index, entryCount: max(1, tiles.count),
                entries: tiles.map { tile in
                    guard let tile else { return Entry(full: "NULL", last: "NULL", input: 0, output: 0) }
                    return Entry(
                        full: hasFull ? full.name(tile.variant) : "NULL", last: last.name(tile.variant),
                        input: tile.input.row * rowFloats + tile.input.column * resolved.inputVoxel,
                        output: tile.output.row * outputFloats + tile.output.column * resolved.outputVoxel)
                })
        }

        // Units: [plane group][depth tap][row tap][width tap] within a depth phase.
        let depthTapsByPhase = (0..<depth.phases).map { depth.taps(inPhase: $0) }
        var unitsBefore = 0
        let unitsBeforeGroup = plan.groups.map { group in
            defer { unitsBefore += group.unitsPerDepthTap }
            return unitsBefore
        }
        func groupBase(_ phase: Int, _ group: Int) -> Int { unitsBeforeGroup[group] * depthTapsByPhase[phase].count }
        let phaseOffsets = layout.phaseOffsets
        var depthTaps: [DepthTap] = []
        var depthPhases: [DepthPhase] = []
        for (phase, taps) in depthTapsByPhase.enumerated() {
            depthPhases.append(
                DepthPhase(
                    first: depthTaps.count, count: taps.count, weights: phaseOffsets[phase],
                    units: layout.unitsPerBlock[phase]))
            for (number, tap) in taps.enumerated() {
                let units = plan.groups.indices.map { groupBase(phase, $0) + number * plan.groups[$0].unitsPerDepthTap }
                depthTaps.append(DepthTap(lag: tap.lag, units: units.map(String.init).joined(separator: ", ")))
            }
        }
        self.depthTaps = depthTaps
        self.depthPhases = depthPhases
        depthTapCount = max(1, depthTaps.count)
        depthTapMaximum = max(1, depthTapsByPhase.map(\.count).max() ?? 0)
        rowTapMaximum = max(1, plan.groups.map(\.rowTaps.count).max() ?? 0)
        rowGroups = plan.groups.map { group in
            RowGroup(
                phase: group.rowPhase, first: group.rows.lowerBound, positions: group.rows.count, count: group.rowTaps.count,
                taps: group.rowTaps.isEmpty
                    ? "{ 0, 0 }"
                    : group.rowTaps.enumerated().map { "{ \($1.lag), \($0 * group.widthTaps.count) }" }.joined(separator: ", "))
        }
        listMaximum = depthTapMaximum * (parameters.listsRows ? rowTapMaximum : 1)

        weightStationary = parameters.order == .weightStationary
        rowStationary = parameters.order == .rowStationary
        if case .perCall = resolved.workItems { perCall = true } else { perCall = false }
        fetchesInput = parameters.prefetchesNextPlane && !weightStationary
        fetchesOutput = fetchesInput && convertsOutput && !streamsOutput
        locatesRows = converts || fetchesInput
        locatesInputRows = convertsInput || fetchesInput

        // Where the unit of every tap lies.
        tapCount = gather.tapCount
        var places = Array(repeating: TapPlace(phase: 0, unit: 0), count: gather.tapCount)
        for (phase, taps) in depthTapsByPhase.enumerated() {
            for (number, depthTap) in taps.enumerated() {
                for (index, group) in plan.groups.enumerated() {
                    let base = groupBase(phase, index) + number * group.unitsPerDepthTap
                    for (row, rowTap) in group.rowTaps.enumerated() {
                        for (column, widthTap) in group.widthTaps.enumerated() {
                            let tap = (depthTap.tap * height.kernel + rowTap.tap) * width.kernel + widthTap.tap
                            places[tap] = TapPlace(phase: phase, unit: base + row * group.widthTaps.count + column)
                        }
                    }
                }
            }
        }
        tapPlaces = places
        packedElements = layout.elementCount
        packedElementsRounded = layout.byteCount / layout.type.byteCount
        channelSteps = layout.channelSteps
        channelsPerVector = layout.channelsPerVector

        let loops = ["batch", "depth positions"] + (layout.parts > 1 ? ["groups"] : []) + ["tile rows and columns"]
            + (layout.blockCount > 1 ? ["filter blocks"] : [])
            + (depthTapMaximum > 1 ? ["depth taps"] : []) + (parameters.listsRows && rowTapMaximum > 1 ? ["row taps"] : [])
            + (layout.channelSteps > 1 && !parameters.mergesGroups ? ["channels"] : [])
        looped = (loops + LoopTexts.conversion(input: convertsInput, output: convertsOutput)).joined(separator: ", ")
    }
}
