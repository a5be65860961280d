import LayerSpec
import Scheduling
import Tensors

/// Seeded random problems on which generated kernels can go wrong: unequal axes, kernels and strides, tails everywhere.
struct RandomSpecs {
    private var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    private static let activations = Activation.samples.filter(\.isPointwise)

    private static let groupFeatures = [1, 2, 3, 5, 17, 32]

    /// A legal problem of the filter-lanes family.
    mutating func next() -> KernelSpec {
        while true {
            let axes = (0..<3).compactMap { _ in axis() }
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
                geometry: geometry, elements: random.chance(0.3) ? .float64 : .float32,
                epilogue: Epilogue(hasBias: random.chance(0.7), activation: activation), policy: random.chance(0.8) ? .direct : .fast)
        }
    }

    private mutating func axis() -> AxisGeometry? {
        let kernel = random.choice([1, 1, 2, 2, 3, 3, 3, 4, 4, 5, 6])
        let stride = random.choice([1, 1, 1, 2, 2, 2, 3, 4])
        let dilation = random.chance(0.15) ? random.integer(2...3) : 1
        let input = random.chance(0.12) ? 1 : random.integer(2...11)
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
            let axes = (0..<3).compactMap { _ in fastAxis() }
            let channels = random.choice([1, 3, 8, 16, 17, 20, 33])
            let filters = random.choice([1, 5, 8, 15, 16, 17, 32, 40, 48, 65])
            let groups = random.chance(0.35) ? random.integer(2...3) : 1
            guard axes.count == 3, axes.contains(where: { $0.longestChain > 1 }),
                let geometry = try? Geometry(axes: axes, channels: groups * channels, filters: groups * filters, groups: groups),
                geometry.multiplyAddCount < 3_000_000
            else { continue }
            let activation = random.chance(0.6) ? Activation.linear : random.choice(Self.activations)
            let vectors = random.integer(1...4)
            let rows = random.integer(1...max(1, (target.vectorRegisters - 1) / vectors - 1))
            return (
                KernelSpec(geometry: geometry, epilogue: Epilogue(hasBias: random.chance(0.7), activation: activation), policy: .fast),
                .minimalFiltering(
                    MinimalFiltering(
                        block: (0..<3).map { _ in random.integer(1...4) }, vectors: vectors, rows: rows, unroll: random.integer(1...3)))
            )
        }
    }

    private mutating func fastAxis() -> AxisGeometry? {
        let stride = random.choice([1, 1, 2, 2, 2, 3])
        let kernel = random.integer(stride...3 * stride)
        let input = random.chance(0.12) ? 1 : random.integer(2...9)
        let reach = (input - 1) * stride + kernel
        let crop = random.chance(0.4) ? 0 : random.integer(0...max(0, min(reach - 1, kernel)))
        let end = random.chance(0.5) ? crop : random.integer(-2...kernel)
        return try? AxisGeometry(input: input, output: reach - crop - end, kernel: kernel, stride: stride, dilation: 1, crop: crop)
    }

    /// A schedule other than the estimate, or nil to take the estimate.
    mutating func decision(_ spec: KernelSpec, _ target: Target) -> Decision? {
        guard random.chance(0.5) else { return nil }
        let lanes = target.lanes(spec.elements.storage)
        let pairs = spec.geometry.filtersPerGroup <= lanes / 2 && random.chance(0.5)
        let geometry = spec.geometry
        let merges = geometry.groups > 1 && 2 * geometry.filtersPerGroup <= lanes && geometry.channelsPerGroup <= min(8, 4 * geometry.filtersPerGroup)
            && random.chance(0.7)
        let perVector = merges ? 1 : pairs ? 2 : random.chance(0.3) ? lanes : 1
        let height = random.choice([1, 1, 2, 3])
        let vectors = pairs && !merges ? 1 : random.integer(1...4)
        // Beyond some 60 accumulators, which no machine has registers for, clang takes minutes.
        let width = random.integer(1...7)
        let most = max(1, 60 / (height * vectors * geometry.axes[2].stride))
        return .filterLanes(FilterLanes(
            channelsPerVector: perVector, vectors: vectors, tileHeight: height,
            tileWidth: min(width, most), mergesWidthPhases: random.chance(0.5), fusion: random.choice([.tap, .row]),
            listsRows: height == 1 && random.chance(0.6), order: random.choice([.heightBlocked, .weightStationary]),
            blockRows: random.integer(1...4), prefetchesNextPlane: random.chance(0.5), unroll: random.integer(1...4), mergesGroups: merges))
    }
}

/// How often each dangerous class was met.
struct ClassCounts {
    private(set) var counts: [String: Int] = [:]

    /// Least number of pairs of each class.
    static let minima = [
        "stride above kernel": 60, "kernel no multiple of stride": 150, "asymmetric crop": 200, "channels no multiple of lanes": 300,
        "filters no multiple of lanes": 300, "batch above 1": 150, "phase without taps": 60, "axis of length 1": 60,
        "dilation": 60, "two channels per vector": 40, "channels as lanes": 60, "several filter blocks": 100, "unrolled rows": 40, "weight-stationary": 60,
        "activation": 130, "minimal filtering": 150, "groups": 250, "groups, filters as lanes": 40, "groups, two channels per vector": 10,
        "groups, channels as lanes": 20, "groups, weight-stationary": 20, "groups, unrolled rows": 10, "groups, minimal filtering": 50,
        "groups, batch above 1": 60, "depthwise": 60, "merged groups": 60, "merged groups of several channels": 20,
        "merged groups that leave lanes idle": 10, "float64": 100, "float64, filters as lanes": 30, "float64, two channels per vector": 5,
        "float64, channels as lanes": 15, "float64, merged groups": 15, "float64, groups": 40, "float64, weight-stationary": 10,
        "float64, unrolled rows": 8, "float64, activation": 15, "float64, batch above 1": 30,
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
            ("channels no multiple of lanes", spec.geometry.channelsPerGroup % lanes != 0),
            ("filters no multiple of lanes", spec.geometry.filtersPerGroup % lanes != 0),
            ("batch above 1", batch > 1),
            ("phase without taps", axes.contains { axis in (0..<axis.stride).contains { axis.taps(inPhase: $0).isEmpty } }),
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
            ("minimal filtering", schedule.minimalFiltering != nil),
            ("activation", spec.epilogue.activation != .linear),
        ]
        for (name, holds) in facts where holds {
            counts[name, default: 0] += 1
            if spec.geometry.groups > 1 { counts["groups, \(name)", default: 0] += 1 }
            if spec.elements == .float64 { counts["float64, \(name)", default: 0] += 1 }
            counts["\(name), \(schedule.target.name)", default: 0] += 1
        }
    }
}
