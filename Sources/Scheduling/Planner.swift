import LayerSpec

/// Chooses a schedule for a problem on a target; pure, needs no running.
/// - `decision`: parameters to use instead of the estimate (from a tuning run); checked like any other.
/// - Throws: `SchedulingError` when no family takes the problem, or the decision does not apply.
public func plan(_ spec: KernelSpec, target: Target, decision: Decision? = nil) throws(SchedulingError) -> Schedule {
    if let decision { return try Schedule(spec: spec, target: target, decision: decision) }
    if let fast = CostModel.minimalFiltering(spec, target) { return fast }
    if let reason = FilterLanes.reasonAgainst(spec) { throw reason }
    // Very large kernels or strides: smaller tiles print less code.
    var estimate = FilterLanes.estimate(spec, target)
    while true {
        do {
            return try Schedule(spec: spec, target: target, decision: .filterLanes(estimate))
        } catch {
            guard case .illegalSchedule = error, let smaller = estimate.withLessCode else { throw error }
            estimate = smaller
        }
    }
}

extension FilterLanes {
    /// The next schedule to try when this one prints too much code; nil when there is none.
    var withLessCode: FilterLanes? {
        var smaller = self
        if !listsRows {
            smaller.tileHeight = 1
            smaller.listsRows = true
        } else if vectors > 1 {
            smaller.vectors = 1
        } else if mergesWidthPhases {
            smaller.mergesWidthPhases = false
        } else if tileWidth > 1 {
            smaller.tileWidth /= 2
        } else {
            return nil
        }
        return smaller
    }

    /// The schedule a human would write down from the measured rules in `Documentation/kernel-families.md`.
    static func estimate(_ spec: KernelSpec, _ target: Target) -> FilterLanes {
        let geometry = spec.geometry
        let (depth, height, width) = (geometry.axes[0], geometry.axes[1], geometry.axes[2])
        let lanes = target.lanes(.float32)
        // Accumulators, weights of one loop and one input must stay in registers; 2 are left to the compiler.
        let registers = target.vectorRegisters - 2

        var schedule = FilterLanes(tileWidth: 1)
        // Half a vector of filters or less: fill the other half with the neighbouring channel.
        if geometry.filters <= lanes / 2 && geometry.channels >= 2 { schedule.channelsPerVector = 2 }
        schedule.vectors = geometry.filters > lanes ? 2 : 1
        // Few filters: channels as lanes, when that leaves fewer lanes idle (the tree at the end costs about 15 %) and each sum is
        // long enough to pay for the tree.
        let filterShare = Double(geometry.filters * schedule.channelsPerVector) / Double(lanes)
        let channelShare = Double(geometry.channels) / Double(geometry.channels.ceilingDivision(by: lanes) * lanes)
        if filterShare < 0.85 * channelShare && geometry.filters <= 6 && geometry.longestChain >= 8 * lanes {
            schedule.channelsPerVector = lanes
            schedule.vectors = geometry.filters
        }

        let weightBytes = geometry.tapCount * geometry.channels * geometry.filters.ceilingDivision(by: lanes) * lanes * 4
        let isStationary = weightBytes > target.level2Bytes / 2 && geometry.inputVolume <= 16 * 16 * 16

        // Row fusion over merged width phases re-uses each broadcast input for every tap of the kernel row. It pays while
        // enough registers remain for accumulators; 12 are the least that hide the latency of two units (4 cycles each) well.
        // Big weights are better streamed phase by phase, each tap's for as many positions as there are.
        let phases = width.stride
        let merged = registers - 1 - width.kernel * schedule.vectors
        let single = registers - 1 - width.longestChain * schedule.vectors
        let least = min(12, target.vectorRegisters / 2)
        var positions: Int
        if !isStationary && merged / (phases * schedule.vectors) * phases * schedule.vectors >= least {
            schedule.mergesWidthPhases = phases > 1
            schedule.fusion = .row
            positions = merged / (phases * schedule.vectors)
        } else if single / schedule.vectors * schedule.vectors >= least {
            schedule.fusion = .row
            positions = single / schedule.vectors
        } else {
            schedule.fusion = .tap
            positions = (registers - 1 - schedule.vectors) / schedule.vectors
        }
        let phasesInTile = schedule.mergesWidthPhases ? phases : 1
        // 24 accumulators are enough; more only lengthen edges. Where lanes are channels, one tree sums as many as there are lanes.
        let enough = schedule.channelsPerVector == lanes ? lanes : 24
        positions = max(1, min(positions, enough / (phasesInTile * schedule.vectors)))

        let widthPositions = (0..<width.stride).map { width.positions(inPhase: $0).count }.max() ?? 1
        let heightPositions = (0..<height.stride).map { height.positions(inPhase: $0).count }.max() ?? 1
        if widthPositions >= positions || heightPositions == 1 {
            schedule.tileWidth = min(positions, widthPositions)
            // Even tiles: 80 positions as 7 x 12 would leave one of 8; as 7 of 11 or 12 they are alike.
            let count = widthPositions.ceilingDivision(by: schedule.tileWidth)
            schedule.tileWidth = widthPositions.ceilingDivision(by: count)
            schedule.listsRows = true
        } else {
            schedule.tileWidth = widthPositions
            schedule.tileHeight = max(1, min(heightPositions, positions / widthPositions))
            schedule.listsRows = schedule.tileHeight == 1
        }

        let channelSteps = geometry.channels.ceilingDivision(by: schedule.channelsPerVector)
        schedule.unroll = channelSteps <= 4 ? channelSteps : 2

        let tileRows = heightPositions.ceilingDivision(by: schedule.tileHeight)
        if isStationary {
            schedule.order = .weightStationary
            schedule.blockRows = max(1, tileRows / 4)
        } else {
            // Three slabs (rows of three input planes) in half the second-level cache.
            let rowBytes = width.input * geometry.channels * 4
            let rows = max(1, target.level2Bytes / 2 / (3 * rowBytes))
            schedule.blockRows = max(1, min(tileRows, min(rows, 16) / schedule.tileHeight))
            let planeBytes = geometry.inputVolume / depth.input * geometry.channels * 4
            schedule.prefetchesNextPlane = depth.input > 1 && planeBytes * 3 > target.level2Bytes
        }
        return schedule
    }
}
