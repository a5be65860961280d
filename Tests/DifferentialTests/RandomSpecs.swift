import LayerSpec
import Scheduling
import Tensors

/// Seeded random problems on which generated kernels can go wrong: unequal axes, kernels and strides, tails everywhere.
struct RandomSpecs {
    var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    private static let activations = Activation.samples.filter(\.isPointwise)

    /// A legal problem of the filter-lanes family.
    mutating func next() -> KernelSpec {
        while true {
            let axes = (0..<3).compactMap { _ in axis() }
            let channels = random.choice([1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 20])
            let filters = random.choice([1, 2, 3, 5, 6, 7, 8, 9, 12, 15, 16, 17, 21, 24, 31, 32, 33, 40, 48, 65])
            guard axes.count == 3, let geometry = try? Geometry(axes: axes, channels: channels, filters: filters),
                geometry.multiplyAddCount < 3_000_000
            else { continue }
            let activation = random.chance(0.5) ? Activation.linear : random.choice(Self.activations)
            return KernelSpec(
                geometry: geometry, epilogue: Epilogue(hasBias: random.chance(0.7), activation: activation), policy: .direct)
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
            guard axes.count == 3, axes.contains(where: { $0.longestChain > 1 }),
                let geometry = try? Geometry(axes: axes, channels: channels, filters: filters), geometry.multiplyAddCount < 3_000_000
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
        let lanes = target.lanes(.float32)
        let pairs = spec.geometry.filters <= lanes / 2 && random.chance(0.5)
        let perVector = pairs ? 2 : random.chance(0.3) ? lanes : 1
        let height = random.choice([1, 1, 2, 3])
        return .filterLanes(FilterLanes(
            channelsPerVector: perVector, vectors: pairs ? 1 : random.integer(1...4), tileHeight: height,
            tileWidth: random.integer(1...7), mergesWidthPhases: random.chance(0.5), fusion: random.choice([.tap, .row]),
            listsRows: height == 1 && random.chance(0.6), order: random.choice([.heightBlocked, .weightStationary]),
            blockRows: random.integer(1...4), prefetchesNextPlane: random.chance(0.5), unroll: random.integer(1...4)))
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
        "activation": 150, "minimal filtering": 150,
    ]

    mutating func count(_ schedule: Schedule, batch: Int) {
        let spec = schedule.spec
        let axes = spec.geometry.axes
        let lanes = schedule.target.lanes(.float32)
        let facts: [(String, Bool)] = [
            ("stride above kernel", axes.contains { $0.stride > $0.kernel }),
            ("kernel no multiple of stride", axes.contains { $0.kernel % $0.stride != 0 }),
            ("asymmetric crop", axes.contains { 2 * $0.crop != ($0.input - 1) * $0.stride + $0.effectiveKernel - $0.output }),
            ("channels no multiple of lanes", spec.geometry.channels % lanes != 0),
            ("filters no multiple of lanes", spec.geometry.filters % lanes != 0),
            ("batch above 1", batch > 1),
            ("phase without taps", axes.contains { axis in (0..<axis.stride).contains { axis.taps(inPhase: $0).isEmpty } }),
            ("axis of length 1", axes.contains { $0.input == 1 }),
            ("dilation", axes.contains { $0.dilation > 1 && $0.kernel > 1 }),
            ("two channels per vector", schedule.filterLanes?.parameters.channelsPerVector == 2),
            ("channels as lanes", schedule.filterLanes?.parameters.channelsPerVector == lanes),
            ("several filter blocks", (schedule.filterLanes?.packedLayout.blockCount ?? schedule.minimalFiltering?.blockCount ?? 0) > 1),
            ("unrolled rows", schedule.filterLanes?.parameters.listsRows == false),
            ("weight-stationary", schedule.filterLanes?.parameters.order == .weightStationary),
            ("minimal filtering", schedule.minimalFiltering != nil),
            ("activation", spec.epilogue.activation != .linear),
        ]
        for (name, holds) in facts where holds { counts[name, default: 0] += 1 }
    }
}
