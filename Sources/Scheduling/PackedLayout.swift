import LayerSpec

/// Where the packed weights of the filter-lanes family lie:
///
///     [part][depth phase][filter block][plane group][depth tap][row tap][width tap][channel / g][vector][lane]
///
/// Parts are the groups of features, computed one after another. The last block may hold fewer vectors. Everything from a width tap on is a *unit*; offsets are counted in floats.
public struct PackedLayout: Hashable, Sendable {
    /// Groups of features, computed one after another.
    public let parts: Int
    /// Filters of one part.
    public let partFilters: Int
    /// Lanes of one vector, channels in one vector (g).
    public let lanes: Int
    /// g: channels side by side in one vector, 1 or 2.
    public let channelsPerVector: Int
    /// Channel steps of a unit: channels / g rounded up; missing channels are zero.
    public let channelSteps: Int
    /// Vectors of a full filter block, and of the last one.
    public let vectors: Int
    /// Vectors of the last filter block, 1 ... `vectors`.
    public let lastVectors: Int
    /// Filter blocks of one part.
    public let blockCount: Int
    /// Filters of a full block.
    public let filtersPerBlock: Int
    /// Filters of the last block, 1 ... `filtersPerBlock`.
    public let lastFilters: Int
    /// Per depth phase: number of units of one block.
    public let unitsPerBlock: [Int]

    /// The layout of a schedule's weights.
    public init(spec: KernelSpec, target: Target, schedule: FilterLanes) {
        let geometry = spec.geometry
        lanes = target.lanes(.float32)
        channelsPerVector = schedule.channelsPerVector
        parts = geometry.groups
        partFilters = geometry.filtersPerGroup
        channelSteps = geometry.channelsPerGroup.ceilingDivision(by: schedule.channelsPerVector)
        vectors = schedule.vectors
        filtersPerBlock = schedule.vectors * lanes / schedule.channelsPerVector
        blockCount = partFilters.ceilingDivision(by: filtersPerBlock)
        lastFilters = partFilters - (blockCount - 1) * filtersPerBlock
        lastVectors = (lastFilters * schedule.channelsPerVector).ceilingDivision(by: lanes)
        let plane = geometry.axes[1].kernel * geometry.axes[2].kernel
        unitsPerBlock = (0..<geometry.axes[0].stride).map { geometry.axes[0].taps(inPhase: $0).count * plane }
    }

    /// Floats of one unit in a full block, and in the last.
    public var unit: Int { channelSteps * vectors * lanes }
    /// Floats of one unit in the last block.
    public var lastUnit: Int { channelSteps * lastVectors * lanes }

    /// Float offset of the first unit of each depth phase within a part, then the part's total.
    public var phaseOffsets: [Int] {
        unitsPerBlock.reduce(into: [0]) { offsets, units in
            offsets.append(offsets[offsets.count - 1] + units * ((blockCount - 1) * unit + lastUnit))
        }
    }

    /// Floats of the weights of one part.
    public var partFloats: Int { phaseOffsets[unitsPerBlock.count] }

    /// Floats of all weights, before rounding up to 64 bytes.
    public var floatCount: Int { parts * partFloats }

    /// Bytes of the packed weights, a multiple of 64.
    public var byteCount: Int { (floatCount * 4).ceilingDivision(by: 64) * 64 }
}
