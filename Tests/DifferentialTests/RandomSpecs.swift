import LayerSpec
import Scheduling
import Tensors

/// Seeded random problems on which generated kernels can go wrong: unequal axes, kernels and strides, tails everywhere.
struct RandomSpecs {
    var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    private static let activations = Activation.samples.filter(\.isPointwise)

    private static let groupFeatures = [1, 2, 3, 5, 17, 32]

    /// A legal problem of the filter-lanes family.
    mutating func next() -> KernelSpec {
        while true {
            let layout = layout()
            let longest = layout == .channelsFirst && random.chance(0.4) ? [3, 4, 40] : [11, 11, 11]
            let axes = longest.compactMap { axis(upTo: $0) }
            var channels = random.choice([1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 20])
            var filters = random.choice([1, 2, 3, 5, 6, 7, 8, 9, 12, 15, 16, 17, 21, 24, 31, 32, 33, 40, 48, 65])
            var groups = 1
            if random.chance(0.3) {
                groups = random.choice([2, 3, 4, 7])
                channels = groups * random.choice(Self.groupFeatures)
                filters = groups * random.choice(Self.groupFeatures)
            } else if random.chance(0.3) {
                // Depthwise, with and without a multiplier, and other small groups.
                groups = random.choice([3, 5, 8, 16, 17, 24, 33, 40])
                channels = groups * random.choice([1, 1, 1, 1, 2, 3, 4])
                filters = groups * random.choice([1, 1, 1, 2, 3, 4])
            }
            guard axes.count == 3, let geometry = try? Geometry(axes: axes, channels: channels, filters: filters, groups: groups),
                geometry.multiplyAddCount < 3_000_000
            else { continue }
            let activation = random.chance(0.5) ? Activation.linear : random.choice(Self.activations)
            return KernelSpec(
                geometry: geometry, layout: layout, elements: layout == .channelsLast && random.chance(0.3) ? .float64 : .float32,
                epilogue: Epilogue(hasBias: random.chance(0.7), activation: activation), policy: random.chance(0.8) ? .direct : .fast)
        }
    }

    private mutating func layout() -> Layout { random.chance(0.35) ? .channelsFirst : .channelsLast }

    /// A machine to plan for: in channels_first often one with caches so small that conversions go in several chunks.
    mutating func machine(_ spec: KernelSpec, _ target: Target) -> Target {
        guard spec.layout == .channelsFirst, random.chance(0.6) else { return target }
        let level2 = random.choice([2 << 10, 16 << 10, 64 << 10])
        return Target(target.instructionSet, level2Bytes: level2, lastLevelBytes: level2 * random.choice([4, 32]))
    }

    private mutating func axis(upTo longest: Int) -> AxisGeometry? {
        let kernel = random.choice([1, 1, 2, 2, 3, 3, 3, 4, 4, 5, 6])
        let stride = random.choice([1, 1, 1, 2, 2, 2, 3, 4])
        let dilation = random.chance(0.15) ? random.integer(2...3) : 1
        let input = random.chance(0.12) ? 1 : random.integer(2...longest)
        let reach = (input - 1) * stride + (kernel - 1) * dilation + 1
        let crop = random.chance(0.5) ? 0 : random.integer(0...max(0, min(reach - 1, kernel)))
        let end = random.chance(0.5) ? crop : random.integer(-2...kernel)
        return try? AxisGeometry(
            input: input, output: reach - crop - end, kernel: kernel, stride: stride, dilation: dilation, crop: crop)
    }

    mutating func batch() -> Int { random.choice([1, 1, 2, 3]) }

    /// A problem that minimal filtering takes, and parameters for it: phases of 1, 2 and 3 taps, whatever else is uneven.
    mutating func nextFast(_ target: Target) -> (KernelSpec, Decision) {
        while true {
            let layout = layout()
            let wide = layout == .channelsFirst && random.chance(0.4)
            let axes = [9, 9, wide ? 30 : 9].compactMap { fastAxis(upTo: $0) }
            let channels = random.choice([1, 3, 8, 16, 17, 20, 33])
            let filters = random.choice([1, 5, 8, 15, 16, 17, 32, 40, 48, 65])
            let groups = random.chance(0.35) ? random.integer(2...3) : 1
            guard axes.count == 3, axes.contains(where: { AxisGather($0, .transposedConvolution).longestChain > 1 }),
                let geometry = try? Geometry(axes: axes, channels: groups * channels, filters: groups * filters, groups: groups),
                geometry.multiplyAddCount < 3_000_000
            else { continue }
            let activation = random.chance(0.6) ? Activation.linear : random.choice(Self.activations)
            let spec = KernelSpec(
                geometry: geometry, layout: layout, epilogue: Epilogue(hasBias: random.chance(0.7), activation: activation), policy: .fast)
            let phases = MinimalFiltering.mergeableWidthPhases(spec)
            let merges = phases > 1 && random.chance(0.6)
            let vectors = random.integer(1...(merges ? 2 : 4))
            let tileVectors = merges ? vectors * phases : vectors
            if 2 * tileVectors + 1 > target.vectorRegisters { continue }
            let rows = random.integer(1...max(1, (target.vectorRegisters - 1) / tileVectors - 1))
            return (
                spec,
                .minimalFiltering(
                    MinimalFiltering(
                        block: [4, 4, wide ? 9 : 4].map { random.integer(1...$0) }, vectors: vectors, rows: rows, mergesWidthPhases: merges,
                        splits: random.integer(1...3), streamsOutput: random.chance(0.3), unroll: random.integer(1...3)))
            )
        }
    }

    /// A problem with an input of one voxel and a tap for every output, in either layout, for the batch-rows family.
    mutating func nextSingleVoxel(_ target: Target) -> (KernelSpec, Decision) {
        while true {
            let axes = (0..<3).compactMap { _ in
                let (kernel, dilation) = (random.integer(1...5), random.chance(0.2) ? 2 : 1)
                let crop = random.chance(0.5) ? 0 : random.integer(0...kernel - 1)
                let end = random.chance(0.5) ? 0 : random.integer(0...kernel - 1)
                return try? AxisGeometry(
                    input: 1, output: (kernel - 1) * dilation + 1 - crop - end, kernel: kernel, stride: random.integer(1...3), dilation: dilation,
                    crop: crop)
            }
            let channels = random.choice([1, 2, 3, 5, 8, 17, 40, 64])
            let filters = random.choice([1, 2, 3, 7, 15, 16, 17, 33, 64])
            guard axes.count == 3, let geometry = try? Geometry(axes: axes, channels: channels, filters: filters) else { continue }
            let spec = KernelSpec(
                geometry: geometry, layout: random.choice([.channelsLast, .channelsFirst]),
                epilogue: Epilogue(hasBias: random.chance(0.7), activation: random.chance(0.5) ? .linear : random.choice(Self.activations)),
                policy: .direct)
            if BatchRows.reasonAgainst(spec) != nil { continue }
            let vectors = random.integer(1...4)
            let rows = random.integer(1...max(1, (target.vectorRegisters - 1) / vectors - 1))
            return (spec, .batchRows(BatchRows(vectors: vectors, rows: rows, unroll: random.integer(1...3))))
        }
    }

    private mutating func fastAxis(upTo longest: Int) -> AxisGeometry? {
        let stride = random.choice([1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 4])
        let kernel = random.integer(stride...min(8, 3 * stride))
        let input = random.chance(0.12) ? 1 : random.integer(2...longest)
        let reach = (input - 1) * stride + kernel
        let crop = random.chance(0.4) ? 0 : random.integer(0...max(0, min(reach - 1, kernel)))
        let end = random.chance(0.5) ? crop : random.integer(-2...kernel)
        return try? AxisGeometry(input: input, output: reach - crop - end, kernel: kernel, stride: stride, dilation: 1, crop: crop)
    }

    /// A schedule other than the estimate, or nil to take the estimate.
    mutating func decision(_ spec: KernelSpec, _ target: Target) -> Decision? {
        guard random.chance(0.5) else { return nil }
        let lanes = target.lanes(spec.elements.storage)
        let gather = spec.gather
        let pairs = gather.filtersPerGroup <= lanes / 2 && random.chance(0.5)
        let merges = gather.groups > 1 && 2 * gather.filtersPerGroup <= lanes && gather.channelsPerGroup <= min(8, 4 * gather.filtersPerGroup)
            && random.chance(0.7)
        let perVector = merges ? 1 : pairs ? 2 : random.chance(0.3) ? lanes : 1
        let height = random.choice([1, 1, 2, 3])
        let vectors = pairs && !merges ? 1 : random.integer(1...4)
        // Beyond some 60 accumulators, which no machine has registers for, clang takes minutes.
        let width = random.integer(1...7)
        let most = max(1, 60 / (height * vectors * gather.axes[2].phases))
        return .filterLanes(FilterLanes(
            channelsPerVector: perVector, vectors: vectors, tileHeight: height,
            tileWidth: min(width, most), mergesWidthPhases: random.chance(0.5), fusion: random.choice([.tap, .row]),
            listsRows: height == 1 && random.chance(0.6), order: random.choice([.heightBlocked, .rowStationary, .weightStationary]),
            blockRows: random.integer(1...4), prefetchesNextPlane: random.chance(0.5), streamsOutput: random.chance(0.3), unroll: random.integer(1...4),
            mergesGroups: merges))
    }
}

/// How often each dangerous class was met.
struct ClassCounts {
    private(set) var counts: [String: Int] = [:]

    /// Least number of kernels of each class among 1000; a whole run has three times as many.
    static let minima = [
        "stride above kernel": 60, "kernel no multiple of stride": 150, "asymmetric crop": 200, "channels no multiple of lanes": 300,
        "filters no multiple of lanes": 300, "batch above 1": 150, "phase without taps": 60, "axis of length 1": 60,
        "dilation": 60, "two channels per vector": 40, "channels as lanes": 60, "several filter blocks": 100, "unrolled rows": 40, "weight-stationary": 60,
        "row-stationary": 40, "split filters": 30, "streamed output": 40, "batch rows": 40,
        "activation": 130, "minimal filtering": 150, "minimal filtering, phases of two tap counts": 60, "minimal filtering, streamed output": 30,
        "minimal filtering, merged phases": 25,
        "groups": 120, "groups, filters as lanes": 24, "groups, two channels per vector": 6,
        "groups, channels as lanes": 12, "groups, weight-stationary": 12, "groups, unrolled rows": 6, "groups, minimal filtering": 30,
        "groups, batch above 1": 36,
        "channels first": 150, "channels first, minimal filtering": 42, "channels first, weight-stationary": 18,
        "channels first, several chunks": 12, "channels first, several blocks": 24, "channels first, batch above 1": 54,
        "channels first, whole vectors of voxels": 72, "channels first, several groups": 24, "channels first, one channel": 6,
        "channels first, one filter": 6, "channels first, channels as lanes": 12,
        "depthwise": 24, "merged groups": 24, "merged groups of several channels": 8,
        "merged groups that leave lanes idle": 4, "float64": 40, "float64, filters as lanes": 12, "float64, two channels per vector": 3,
        "float64, channels as lanes": 6, "float64, merged groups": 6, "float64, groups": 16, "float64, weight-stationary": 4,
        "float64, unrolled rows": 3, "float64, activation": 6, "float64, batch above 1": 12,
    ]

    mutating func count(_ schedule: Schedule, batch: Int) {
        let spec = schedule.spec
        let axes = spec.geometry.axes
        let lanes = schedule.target.lanes(spec.elements.storage)
        let lanesParameters = schedule.filterLanes?.parameters
        let facts: [(String, Bool)] = [
            ("stride above kernel", axes.contains { $0.stride > $0.kernel }),
            ("kernel no multiple of stride", axes.contains { $0.kernel % $0.stride != 0 }),
            ("asymmetric crop", axes.contains { 2 * $0.crop != ($0.input - 1) * $0.stride + $0.effectiveKernel - $0.output }),
            ("channels no multiple of lanes", spec.gather.channelsPerGroup % lanes != 0),
            ("filters no multiple of lanes", spec.gather.filtersPerGroup % lanes != 0),
            ("batch above 1", batch > 1),
            ("phase without taps", spec.gather.axes.contains { axis in (0..<axis.phases).contains { axis.taps(inPhase: $0).isEmpty } }),
            ("axis of length 1", axes.contains { $0.input == 1 }),
            ("dilation", axes.contains { $0.dilation > 1 && $0.kernel > 1 }),
            ("groups", spec.geometry.groups > 1),
            ("depthwise", spec.geometry.groups > 1 && spec.geometry.channelsPerGroup == 1),
            ("merged groups", lanesParameters?.mergesGroups == true),
            ("merged groups of several channels", lanesParameters?.mergesGroups == true && spec.geometry.channelsPerGroup > 1),
            ("merged groups that leave lanes idle", lanesParameters?.mergesGroups == true && lanes % spec.geometry.filtersPerGroup != 0),
            ("float64", spec.elements == .float64),
            ("filters as lanes", lanesParameters?.channelsPerVector == 1 && lanesParameters?.mergesGroups == false),
            ("two channels per vector", lanesParameters?.channelsPerVector == 2 && lanes > 2),
            ("channels as lanes", lanesParameters?.channelsPerVector == lanes),
            ("several filter blocks", (schedule.filterLanes?.packedLayout.blockCount ?? schedule.minimalFiltering?.blockCount ?? 0) > 1),
            ("unrolled rows", schedule.filterLanes?.parameters.listsRows == false),
            ("weight-stationary", schedule.filterLanes?.parameters.order == .weightStationary),
            ("row-stationary", lanesParameters?.order == .rowStationary),
            ("minimal filtering", schedule.minimalFiltering != nil),
            ("minimal filtering, phases of two tap counts", schedule.minimalFiltering?.axes.contains { $0.classes.count > 1 } == true),
            ("minimal filtering, streamed output", schedule.minimalFiltering?.parameters.streamsOutput == true),
            ("minimal filtering, merged phases", (schedule.minimalFiltering?.widthPhases ?? 1) > 1),
            ("split filters", (schedule.minimalFiltering?.splits ?? 1) > 1),
            ("streamed output", schedule.filterLanes?.parameters.streamsOutput == true),
            ("batch rows", schedule.batchRows != nil),
            ("activation", spec.epilogue.activation != .linear),
        ]
        for (name, holds) in facts + channelsFirstFacts(schedule, batch: batch) where holds {
            counts[name, default: 0] += 1
            if spec.geometry.groups > 1 { counts["groups, \(name)", default: 0] += 1 }
            if spec.elements == .float64 { counts["float64, \(name)", default: 0] += 1 }
            counts["\(name), \(schedule.target.name)", default: 0] += 1
        }
    }

    private func channelsFirstFacts(_ schedule: Schedule, batch: Int) -> [(String, Bool)] {
        let spec = schedule.spec
        let (channels, filters, width) = (spec.geometry.channels, spec.geometry.filters, spec.geometry.axes[2])
        let lanes = schedule.target.lanes(.float32)
        let (direct, fast) = (schedule.filterLanes, schedule.minimalFiltering)
        let isStationary = direct?.parameters.order == .weightStationary
        let chunk = direct?.conversion.map { $0.chunkBlocks * $0.chunkDepths } ?? 0
        let facts: [(String, Bool)] = [
            ("", true),
            (", minimal filtering", fast != nil),
            (", weight-stationary", isStationary),
            (", several chunks", isStationary && chunk < schedule.workItems.count(batch: batch)),
            (", several blocks", direct.map { $0.blocks > 1 } ?? (schedule.workItems.count(batch: 1) > 1)),
            (", batch above 1", batch > 1),
            (
                ", whole vectors of voxels",
                2 * channels > lanes && width.input >= lanes || 2 * filters > lanes && width.output >= lanes
            ),
            (", several groups", spec.geometry.groups > 1),
            (", one channel", channels == 1),
            (", one filter", filters == 1),
            (", channels as lanes", direct?.parameters.channelsPerVector == lanes),
        ]
        return spec.layout == .channelsFirst ? facts.map { ("channels first" + $0, $1) } : []
    }
}
