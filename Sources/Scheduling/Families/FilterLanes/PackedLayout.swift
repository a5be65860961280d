import VoxLayerSpec

/// Where the packed weights of the filter-lanes family lie:
///
///     [part][depth phase][filter block][plane group][depth tap][row tap][width tap][channel / g][vector][lane]
///
/// Parts are the groups of features, which are computed one after another; merged groups are one part. The last block may hold fewer
/// vectors. Everything from a width tap on is a *unit*. Offsets are counted in elements.
public struct PackedLayout: Hashable, Sendable {
    /// What multiplies and adds.
    let multiplyUnit: MultiplyUnit
    /// Type of an element.
    public var type: ElementType { multiplyUnit.element }
    /// Groups of features that are computed one after another; 1 when groups are merged.
    public let parts: Int
    /// Filters of one part.
    public let partFilters: Int
    /// Lanes of one vector.
    public let lanes: Int
    /// g: channels side by side in one vector: 1, 2 or as many as there are lanes.
    public let channelsPerVector: Int
    /// Whether the lanes of a vector are channels of one filter.
    public var channelsAreLanes: Bool { channelsPerVector == lanes }
    /// Whether a vector holds two channels of each of its filters.
    public var pairsChannels: Bool { channelsPerVector == 2 && lanes > 2 }
    /// Channel steps of a unit: channels / g rounded up; missing channels are zero.
    public let channelSteps: Int
    /// Vectors of a full filter block.
    public let vectors: Int
    /// Vectors of the last filter block, 1 ... `vectors`.
    public let lastVectors: Int
    /// Filter blocks of one part.
    public let blockCount: Int
    /// Filters of a full vector; merged groups leave the lanes idle that hold no whole group.
    public let filtersPerVector: Int
    /// Filters of a full block.
    public let filtersPerBlock: Int
    /// Filters of the last block, 1 ... `filtersPerBlock`.
    public let lastFilters: Int
    /// Per depth phase: number of units of one block.
    public let unitsPerBlock: [Int]

    /// The layout of a schedule's weights.
    public init(spec: KernelSpec, target: Target, schedule: FilterLanes) {
        let gather = spec.gather
        multiplyUnit = MultiplyUnit(target, spec.elements)
        lanes = multiplyUnit.lanes
        channelsPerVector = schedule.channelsPerVector
        parts = schedule.mergesGroups ? 1 : gather.groups
        partFilters = schedule.mergesGroups ? gather.filters : gather.filtersPerGroup
        channelSteps = gather.channelsPerGroup.ceilingDivision(by: schedule.channelsPerVector)
        vectors = schedule.vectors
        filtersPerVector = schedule.mergesGroups
            ? lanes / gather.filtersPerGroup * gather.filtersPerGroup : lanes / schedule.channelsPerVector
        filtersPerBlock = schedule.vectors * filtersPerVector
        blockCount = partFilters.ceilingDivision(by: filtersPerBlock)
        lastFilters = partFilters - (blockCount - 1) * filtersPerBlock
        lastVectors = lastFilters.ceilingDivision(by: filtersPerVector)
        let plane = gather.axes[1].kernel * gather.axes[2].kernel
        unitsPerBlock = (0..<gather.axes[0].phases).map { gather.axes[0].taps(inPhase: $0).count * plane }
    }

    /// Elements of one unit in a full block.
    public var unit: Int { channelSteps * vectors * lanes }
    /// Elements of one unit in the last block.
    public var lastUnit: Int { channelSteps * lastVectors * lanes }

    /// About the bytes of a piece of the weights: those of one filter block, depth phase and plane group. Of the depth phases the largest counts,
    /// and its weights are taken as equally divided among the plane groups.
    func pieceBytes(groups: Int) -> Int { (unitsPerBlock.max() ?? 0).ceilingDivision(by: max(1, groups)) * unit * type.byteCount }

    /// Offset in elements of the first unit of each depth phase within a part, then the part's total.
    public var phaseOffsets: [Int] {
        unitsPerBlock.reduce(into: [0]) { offsets, units in
            offsets.append(offsets[offsets.count - 1] + units * ((blockCount - 1) * unit + lastUnit))
        }
    }

    /// Elements of the weights of one part.
    public var partElements: Int { phaseOffsets[unitsPerBlock.count] }

    /// Elements of all weights, before rounding up to 64 bytes.
    public var elementCount: Int { parts * partElements }

    /// Bytes of the packed weights, a multiple of 64.
    public var byteCount: Int { multiplyUnit.lineByteCount(elements: elementCount) }
}
