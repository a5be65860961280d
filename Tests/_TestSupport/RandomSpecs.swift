import VoxLayerSpec
import VoxScheduling
import VoxTensors

/// Seeded random problems on which generated kernels can go wrong: unequal axes, kernels and strides, tails everywhere.
package struct RandomSpecs {
    package var random: SeededRandom

    package init(seed: UInt64) { random = SeededRandom(seed: seed) }

    private static let activations = Activation.samples.filter(\.isPointwise)

    private static let groupFeatures = [1, 2, 3, 5, 17, 32]

    /// A legal problem of the filter-lanes family.
    /// - Parameter op: either convolution; features of what it reads are `channels`, those of its results `filters`.
    package mutating func next(_ op: KernelOp = .transposedConvolution) -> KernelSpec {
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
            guard axes.count == 3, let geometry = try? Self.geometry(op, axes, channels: channels, filters: filters, groups: groups),
                geometry.multiplyAddCount < 3_000_000
            else { continue }
            let activation = random.chance(0.5) ? Activation.linear : random.choice(Self.activations)
            return KernelSpec(
                op: op, geometry: geometry, layout: layout, elements: layout == .channelsLast && random.chance(0.3) ? .float64 : .float32,
                epilogue: Epilogue(hasBias: random.chance(0.7), activation: activation), policy: random.chance(0.8) ? .direct : .fast)
        }
    }

    /// The relation of a layer that reads `channels` features and has `filters`: a convolution reads y and results in x.
    private static func geometry(
        _ op: KernelOp, _ axes: [AxisGeometry], channels: Int, filters: Int, groups: Int = 1
    ) throws(SpecError) -> Geometry {
        let (x, y) = op == .convolution ? (filters, channels) : (channels, filters)
        return try Geometry(axes: axes, channels: x, filters: y, groups: groups)
    }

    private mutating func layout() -> Layout { random.chance(0.35) ? .channelsFirst : .channelsLast }

    /// A machine to plan for: in channels_first often one with caches so small that conversions go in several chunks.
    package mutating func machine(_ spec: KernelSpec, _ target: Target) -> Target {
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

    package mutating func batch() -> Int { random.choice([1, 1, 2, 3]) }

    /// A problem that minimal filtering takes, and parameters for it: phases, or parts of the kernel, of 1, 2 and 3 taps, whatever else is uneven.
    package mutating func nextFast(_ target: Target, _ op: KernelOp = .transposedConvolution) -> (KernelSpec, Decision) {
        while true {
            let layout = layout()
            let wide = layout == .channelsFirst && random.chance(0.4)
            // Convolutions are often without a stride.
            let isPlain = op == .convolution && random.chance(0.4)
            let axes = [9, 9, wide ? 30 : 9].compactMap { fastAxis(upTo: $0, op, isPlain: isPlain) }
            let channels = random.choice([1, 3, 8, 16, 17, 20, 33])
            let filters = random.choice([1, 5, 8, 15, 16, 17, 32, 40, 48, 65])
            let groups = random.chance(0.35) ? random.integer(2...3) : 1
            guard axes.count == 3, axes.contains(where: { $0.kernel > $0.stride }),
                let geometry = try? Self.geometry(op, axes, channels: groups * channels, filters: groups * filters, groups: groups),
                geometry.multiplyAddCount < 3_000_000
            else { continue }
            let activation = random.chance(0.6) ? Activation.linear : random.choice(Self.activations)
            let spec = KernelSpec(
                op: op, geometry: geometry, layout: layout, epilogue: Epilogue(hasBias: random.chance(0.7), activation: activation), policy: .fast)
            // Windows of a convolution may be too large, and so may what strides pass over.
            if MinimalFiltering.reasonAgainst(spec) != nil || spec.gather.sourceVolume * spec.gather.channels > 3_000_000 { continue }
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

    /// A problem with an input of one voxel and a tap for every output, in either layout, for the batch-rows family; of a convolution, with a result of
    /// one voxel and a tap for every input.
    package mutating func nextSingleVoxel(_ target: Target, _ op: KernelOp = .transposedConvolution) -> (KernelSpec, Decision) {
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
            guard axes.count == 3, let geometry = try? Self.geometry(op, axes, channels: channels, filters: filters) else { continue }
            let spec = KernelSpec(
                op: op, geometry: geometry, layout: random.choice([.channelsLast, .channelsFirst]),
                epilogue: Epilogue(hasBias: random.chance(0.7), activation: random.chance(0.5) ? .linear : random.choice(Self.activations)),
                policy: .direct)
            if BatchRows.reasonAgainst(spec) != nil { continue }
            let vectors = random.integer(1...4)
            let rows = random.integer(1...max(1, (target.vectorRegisters - 1) / vectors - 1))
            return (spec, .batchRows(BatchRows(vectors: vectors, rows: rows, unroll: random.integer(1...3))))
        }
    }

    private mutating func fastAxis(upTo longest: Int, _ op: KernelOp, isPlain: Bool) -> AxisGeometry? {
        let stride = isPlain ? 1 : random.choice([1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 4])
        // Phases need taps, the parts of a kernel are those that there are.
        let kernel = random.integer((op == .convolution ? 1 : stride)...min(8, 3 * stride))
        let input = random.chance(0.12) ? 1 : random.integer(2...longest)
        let reach = (input - 1) * stride + kernel
        let crop = random.chance(0.4) ? 0 : random.integer(0...max(0, min(reach - 1, kernel)))
        let end = random.chance(0.5) ? crop : random.integer(-2...kernel)
        return try? AxisGeometry(input: input, output: reach - crop - end, kernel: kernel, stride: stride, dilation: 1, crop: crop)
    }

    /// A schedule other than the estimate, or nil to take the estimate.
    package mutating func decision(_ spec: KernelSpec, _ target: Target) -> Decision? {
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
