import VoxLayerSpec

/// How a filter-lanes kernel works on channels_first tensors: rows of the input planes that a work item needs become voxels in
/// the thread's workspace, tiles read those and write voxels of a scratch there, and finished rows go back to planes.
///
/// Work items are computed in *chunks*. Where items are the outermost loop, a chunk is one item; where weights are, it is as many items as the
/// workspace may hold. The rows of an input plane that a block needs have a *slot* in the workspace. They stay there, so that the thread's next
/// items need not convert them again.
public struct LayoutConversion: Hashable, Sendable {
    /// Whether inputs are converted; a plane of a single channel is voxels already.
    public let convertsInput: Bool
    /// Whether outputs are; not with a single filter, nor where lanes are channels, whose finished sums may lie in any order.
    public let convertsOutput: Bool
    /// Whether anything is converted.
    public var converts: Bool { convertsInput || convertsOutput }
    /// Floats from voxel to voxel where tiles read.
    public let inputVoxel: Int
    /// Floats from voxel to voxel where tiles write.
    public let outputVoxel: Int
    /// Floats from filter to filter where tiles write.
    public let filterStep: Int

    /// Input planes of one block that have slots of their own.
    public let slots: Int
    /// Blocks of tile rows that a chunk spans.
    public let chunkBlocks: Int
    /// Positions along depth that a chunk spans; all of them when it spans several blocks.
    public let chunkDepths: Int
    /// Most items that share one pass over the weights.
    public var chunkItems: Int { chunkBlocks * chunkDepths }
    /// Floats of one slot.
    public let slotFloats: Int
    /// Floats of the outputs of one item in one depth phase.
    public let itemFloats: Int
    /// Where slots begin in the workspace, in floats; before them are the numbers of the planes that fill them.
    public let stagedPlace: Int
    /// Where outputs begin in the workspace, in floats.
    public let scratchPlace: Int
    /// Bytes of workspace of one thread.
    public let workspaceByteCount: Int
    /// Whether finished planes bypass the caches.
    public let streamsOutput: Bool

    /// Most workspace of a thread, in bytes.
    static let maximumByteCount = 64 << 20

    /// - Parameter tiles: the tiles of a plane.
    init(_ spec: KernelSpec, _ target: Target, _ parameters: FilterLanes, _ tiles: TilePlan, layout: PackedLayout) {
        let gather = spec.gather
        let (depth, height, width) = (gather.axes[0], gather.axes[1], gather.axes[2])
        let (unit, lanes) = (layout.multiplyUnit, layout.lanes)
        convertsInput = gather.channels > 1
        convertsOutput = gather.filters > 1 && parameters.channelsPerVector != lanes
        inputVoxel = convertsInput ? PlaneConversion.voxel(features: gather.channels, lanes: lanes) : 1
        outputVoxel = convertsOutput ? PlaneConversion.voxel(features: layout.partFilters, lanes: lanes) : 1
        filterStep = convertsOutput ? 1 : gather.resultVolume

        let tileRows = TileRows(tiles, parameters, height: height)
        let blockPositions = min(tileRows.total, min(parameters.blockRows, tileRows.total) * tileRows.positions)
        let inputRows = max(0, min(height.sources, (blockPositions - 1) * height.step + 1 + tileRows.high - tileRows.low))
        slotFloats = convertsInput ? inputRows * width.sources * inputVoxel : 0
        let outputRows = min(height.results, blockPositions * height.phases)
        itemFloats = convertsOutput ? outputRows * width.results * outputVoxel : 0

        let lags = (0..<depth.phases).flatMap { depth.taps(inPhase: $0).map(\.lag) }
        let span = (lags.max() ?? 0) - (lags.min() ?? 0) + 1
        let depths = max(1, tiles.depths.count)
        // Weights outermost: the larger a chunk, the less often weights are streamed. A share of the last-level cache keeps it near.
        let room = target.lastLevelBytes / 8 / unit.element.byteCount
        var (blocks, planes) = (1, 1)
        if parameters.order == .weightStationary {
            let whole = depth.sources * slotFloats + depths * itemFloats
            if whole <= room {
                blocks = max(1, min(64, room / max(1, whole)))
                planes = depths
            } else {
                planes = max(1, min(depths, (room - (span - depth.step) * slotFloats) / max(1, depth.step * slotFloats + itemFloats)))
            }
        }
        (chunkBlocks, chunkDepths) = (blocks, planes)
        slots = convertsInput ? min(depth.sources, (planes - 1) * depth.step + span) : 0
        // The number of a plane has 8 bytes.
        stagedPlace = unit.wholeLines(blocks * slots * 8 / unit.element.byteCount)
        scratchPlace = unit.wholeLines(stagedPlace + blocks * slots * slotFloats)
        let floats = scratchPlace + blocks * planes * itemFloats
        workspaceByteCount = convertsInput || convertsOutput ? unit.lineByteCount(elements: floats) : 0
        streamsOutput = convertsOutput && parameters.streamsOutput
    }
}
