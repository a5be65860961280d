import VoxLayerSpec

extension FilterLanes {
    /// The estimate; very large kernels or strides get smaller tiles, which print less code.
    public static func planned(_ spec: KernelSpec, _ target: Target, threads: Int) throws(SchedulingError) -> Schedule? {
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

    /// The parameters that follow from the measured rules in `Documentation/kernel-families.md`.
    static func estimate(_ spec: KernelSpec, _ target: Target) -> FilterLanes {
        let gather = spec.gather
        let (height, width) = (gather.axes[1], gather.axes[2])
        let lanes = MultiplyUnit(target, spec.elements).lanes

        var schedule = FilterLanes(tileWidth: 1)
        schedule.fillLanes(gather, lanes: lanes)
        // Unless they are merged, groups are computed one after another, so lanes hold the features of one.
        let filterVectors = gather.filtersPerGroup.ceilingDivision(by: lanes)
        let weightBytes = gather.tapCount * gather.channels * filterVectors * lanes * spec.elements.storage.byteCount
        // A convolution has as many positions as results, a transposed one about as many as sources.
        let volume = min(gather.sourceVolume, gather.resultVolume)
        let isStationary = !schedule.mergesGroups && weightBytes > target.level2Bytes / 2 && volume <= 16 * 16 * 16
        if spec.op == .convolution { schedule.narrowPieces(spec, target) }
        let positions = schedule.fuseTaps(width, target, lanes: lanes, isStationary: isStationary)
        schedule.cutTiles(height, width, positions: positions)

        let channelSteps = gather.channelsPerGroup.ceilingDivision(by: schedule.channelsPerVector)
        schedule.unroll = schedule.mergesGroups ? 1 : channelSteps <= 4 ? channelSteps : 2

        let tileRows = height.mostPositions.ceilingDivision(by: schedule.tileHeight)
        if isStationary {
            schedule.order = .weightStationary
            schedule.blockRows = max(1, tileRows / 4)
        } else {
            schedule.orderItems(spec, target, tileRows: tileRows)
        }
        return schedule
    }

    /// What the lanes of a vector are: filters, filters of several groups, filters with two channels each, or channels.
    private mutating func fillLanes(_ gather: Gather, lanes: Int) {
        let (channels, filters) = (gather.channelsPerGroup, gather.filtersPerGroup)
        // Half a vector of filters or less: fill the other half with the neighbouring channel.
        if filters <= lanes / 2 && channels >= 2 { channelsPerVector = 2 }
        vectors = filters > lanes ? 2 : 1
        // Few filters: channels as lanes, when that leaves fewer lanes idle (the tree at the end costs about 15 %) and each sum is
        // long enough to pay for the tree.
        let filterShare = Double(filters * channelsPerVector) / Double(lanes)
        let channelShare = Double(channels) / Double(channels.ceilingDivision(by: lanes) * lanes)
        if filterShare < 0.85 * channelShare && filters <= 6 && gather.longestChain >= 8 * lanes {
            channelsPerVector = lanes
            vectors = filters
        }
        // Small groups: one vector of filters of several of them, when that leaves fewer lanes idle. Measured: a layer of 32 groups
        // of 4 channels and 4 filters reaches 89 % of the peak; inputs in more than two vectors need many shuffles.
        if Self.reasonAgainstMergingGroups(gather, lanes: lanes) == nil {
            let share = Double(gather.filters) / Double(gather.filters.ceilingDivision(by: lanes / filters * filters) * lanes)
            let apart = channelsPerVector == lanes ? 0.85 * channelShare : filterShare
            if (channels == 1 ? 1 : channels <= 2 * filters ? 0.8 : 0.5) * share > apart {
                channelsPerVector = 1
                vectors = 1
                mergesGroups = true
            }
        }
    }

    /// One vector of filters where the second-level cache does not keep a piece of two, which has all taps of a convolution: each tile would stream it
    /// from further away. Half as wide a tile has twice the positions, where there are registers, and so reads each weight half as often.
    private mutating func narrowPieces(_ spec: KernelSpec, _ target: Target) {
        let piece = PackedLayout(spec: spec, target: target, schedule: self).pieceBytes(groups: 1)
        if channelsPerVector == 1 && target.vectorRegisters > 16 && piece > target.level2Bytes * 3 / 4 { vectors = 1 }
    }

    /// Which taps share a channel loop, and whether width phases share a tile.
    /// - Parameters:
    ///   - width: the last axis of the problem.
    ///   - target: the machine.
    ///   - lanes: elements of a vector.
    ///   - isStationary: whether weights are outermost.
    /// - Returns: as many positions as a tile should hold.
    private mutating func fuseTaps(_ width: AxisGather, _ target: Target, lanes: Int, isStationary: Bool) -> Int {
        // Accumulators, weights of one loop and one input must stay in registers; 2 of 32 are left to the compiler, 1 of 16.
        let registers = target.vectorRegisters - (target.vectorRegisters > 16 ? 2 : 1)
        // Row fusion over merged width phases re-uses each broadcast input for every tap of the kernel row. It pays while
        // enough registers remain for accumulators; 12 are the least that hide the latency of two units (4 cycles each) well.
        // Big weights are better streamed phase by phase, each tap's for as many positions as there are.
        let phases = width.phases
        let merged = registers - 1 - width.kernel * vectors
        let single = registers - 1 - width.longestChain * vectors
        let least = channelsPerVector == lanes ? min(12, lanes) : 12
        var positions: Int
        if !isStationary && mergingPhasesPays(width, lanes: lanes, merged: merged, single: single, least: least) {
            mergesWidthPhases = phases > 1
            fusion = .row
            positions = merged / (phases * vectors)
        } else if single / vectors * vectors >= least {
            fusion = .row
            positions = single / vectors
        } else {
            fusion = .tap
            positions = (registers - 1 - vectors) / vectors
        }
        let phasesInTile = mergesWidthPhases ? phases : 1
        // 24 accumulators are enough; more only lengthen edges. Where lanes are channels, one tree sums as many as there are lanes;
        // fewer than 8 would wait for each other.
        let enough = channelsPerVector == lanes ? max(lanes, 8) : 24
        positions = max(1, min(positions, enough / (phasesInTile * vectors)))
        return positions
    }

    /// Whether tiles that hold all width phases are better than tiles that hold one.
    /// - Parameters:
    ///   - width: the last axis of the problem.
    ///   - lanes: elements of a vector.
    ///   - merged: registers left for sums when a tile holds all phases.
    ///   - single: registers left for sums when it holds one.
    ///   - least: sums that hide the latency of the multiply-adds.
    private func mergingPhasesPays(_ width: AxisGather, lanes: Int, merged: Int, single: Int, least: Int) -> Bool {
        let phases = width.phases
        // Tiles of equal width may hold fewer sums than registers do.
        let columns = width.mostPositions
        func sums(_ most: Int, phases: Int) -> Double {
            let widest = most / (phases * vectors)
            return widest < 1 ? 0 : Double(columns * phases * vectors) / Double(columns.ceilingDivision(by: widest))
        }
        // With several vectors of filters the weights of a row would take too many registers. (Kernel 5, stride 2, 32 channels and
        // filters: 186 GFLOP/s merged, 243 phase by phase.) With one tap there is nothing to re-use, but lines are written whole.
        let pays = vectors == 1 || width.longestChain == 1
            || channelsPerVector == lanes && sums(merged, phases: phases) >= min(16, sums(single, phases: 1))
        // Short rows may not fill the registers either way.
        let hides = merged / (phases * vectors) * phases * vectors >= least
            || vectors == 1 && sums(merged, phases: phases) >= sums(single, phases: 1)
        return pays && hides
    }

    /// Tiles of one row, or of several where rows are short.
    /// - Parameters:
    ///   - height: the axis of the rows.
    ///   - width: the last axis of the problem.
    ///   - positions: as many as a tile should hold.
    private mutating func cutTiles(_ height: AxisGather, _ width: AxisGather, positions: Int) {
        let (heightPositions, widthPositions) = (height.mostPositions, width.mostPositions)
        if widthPositions >= positions || heightPositions == 1 {
            tileWidth = min(positions, widthPositions)
            // Even tiles: 80 positions as 7 x 12 would leave one of 8; as 7 of 11 or 12 they are alike.
            let count = widthPositions.ceilingDivision(by: tileWidth)
            tileWidth = widthPositions.ceilingDivision(by: count)
            listsRows = true
        } else {
            tileWidth = widthPositions
            tileHeight = max(1, min(heightPositions, positions / widthPositions))
            listsRows = tileHeight == 1
        }
    }

    /// What is outermost, tile rows of an item, and how memory is read and written, where weights are not outermost.
    /// - Parameters:
    ///   - spec: the problem.
    ///   - target: the machine.
    ///   - tileRows: rows of tiles in a plane.
    private mutating func orderItems(_ spec: KernelSpec, _ target: Target, tileRows: Int) {
        let gather = spec.gather
        let (depth, height, width) = (gather.axes[0], gather.axes[1], gather.axes[2])
        let elementBytes = spec.elements.storage.byteCount
        // Three slabs (rows of three input planes) in half the second-level cache.
        let rowBytes = width.sources * gather.channels * elementBytes
        let rows = max(1, target.level2Bytes / 2 / (3 * rowBytes * height.step))
        blockRows = max(1, min(tileRows, min(rows, 16) / tileHeight))
        // Even blocks: 25 rows as 16 and 9 would leave one of two threads with little to do.
        blockRows = tileRows.ceilingDivision(by: tileRows.ceilingDivision(by: blockRows))
        streamsOutput = PlaneConversion.streams(spec, target)
        // Planes that the second-level cache does not keep from call to call come from further away, and the hardware does not foresee that
        // they are read. Measured with prefetching: 190 instead of 117 GFLOP/s with 2 filters, 216 instead of 171 with 3, 221 instead of 208
        // with 16.
        let inputBytes = gather.sourceVolume * gather.channels * elementBytes
        prefetchesNextPlane = depth.sources > 1 && inputBytes > target.level2Bytes / 2
        // Measured: kernel 2, stride 2, 128 channels, 64 filters on 32^3, with pieces of 32 KB, reach 95 % of the peak instead of 85.
        let layout = PackedLayout(spec: spec, target: target, schedule: self)
        let groups = height.phases * (mergesWidthPhases ? 1 : width.phases)
        let piece = layout.pieceBytes(groups: groups)
        let whole = piece * groups * layout.blockCount
        if piece <= target.level1Bytes && whole > target.level1Bytes { order = .rowStationary }
        // A convolution has one plane group, so its pieces have all taps. Where the second-level cache keeps one, but not all, a row of tiles shares it.
        let kept = target.level2Bytes * 3 / 4
        if spec.op == .convolution && width.mostPositions > tileWidth && piece <= kept && whole > kept { order = .rowStationary }
        if spec.layout == .channelsFirst { fitConversion(spec, target, tileRows: tileRows) }
    }

    /// Tile rows of an item where planes become voxels: so many that the item's slots and outputs fit half the second-level cache, in blocks of
    /// nearly equal length.
    private mutating func fitConversion(_ spec: KernelSpec, _ target: Target, tileRows: Int) {
        let gather = spec.gather
        blockRows = 1
        if let smallest = try? FilterLanesSchedule(spec, target, self) {
            for blocks in 1...max(1, tileRows) {
                blockRows = tileRows.ceilingDivision(by: blocks)
                let conversion = LayoutConversion(spec, target, self, smallest.tilePlan, layout: smallest.packedLayout)
                if conversion.workspaceByteCount <= target.level2Bytes / 2 { break }
            }
        }
        // Memory is read and written through as many streams as there are features, too many for the hardware to foresee.
        let features = gather.sourceVolume * gather.channels + gather.resultVolume * gather.filters
        let bytes = features * spec.elements.storage.byteCount
        prefetchesNextPlane = bytes > target.level2Bytes
    }
}
