import VoxLayerSpec
import VoxScheduling
import VoxTensors
import _TestSupport

/// How problems for the tests of generated kernels are drawn. A new kind is one more entry of `all`; what its kernels must meet at
/// least goes into `ClassCounts`.
struct ProblemKind: Sendable {
    let name: String
    /// Of a hundred kernels.
    let share: Int
    /// A problem, and parameters for it, nil for the planner's. The number counts the problems of this kind on a target.
    let draw: @Sendable (_ specs: inout RandomSpecs, _ target: Target, _ number: Int) -> (KernelSpec, Decision?)

    static let all = [
        // Everything uneven; half of them as planned, half with parameters the planner would not choose.
        ProblemKind(name: "filter lanes", share: 46) { specs, target, _ in
            let spec = specs.next()
            return (spec, specs.decision(spec, target))
        },
        ProblemKind(name: "minimal filtering", share: 21) { specs, target, _ in specs.nextFast(target) },
        // Every number of filters and of channels behind whole vectors, in every lane mode.
        ProblemKind(name: "tails", share: 20) { specs, target, number in specs.nextTail(target, number) },
        ProblemKind(name: "single voxel", share: 5) { specs, target, _ in specs.nextSingleVoxel(target) },
        // What a user gets who asks for nothing.
        ProblemKind(name: "as planned", share: 8) { specs, _, _ in (specs.nextPlanned(), nil) },
    ]

    /// Kinds in the order in which they are drawn: spread evenly over the sum of their shares.
    static func kind(_ number: Int, of kinds: [ProblemKind]) -> ProblemKind {
        let total = kinds.reduce(0) { $0 + $1.share }
        // 37 has no factor in common with the 100 of all kinds, so every share is met exactly once in a hundred.
        var place = number * 37 % total
        for kind in kinds {
            if place < kind.share { return kind }
            place -= kind.share
        }
        return kinds[0]
    }
}

extension RandomSpecs {
    private static let tails = Array(1...17) + [19, 23, 29, 31, 37, 41, 43, 47, 53, 61, 67]

    /// Filters and channels of every small number and of primes, one after another; axes small and uneven.
    mutating func nextTail(_ target: Target, _ number: Int) -> (KernelSpec, Decision?) {
        let lanes = target.lanes(.float32)
        let filters = Self.tails[number % Self.tails.count]
        // Each round meets other channels.
        let channels = Self.tails[(number * 5 + number / Self.tails.count) % Self.tails.count]
        while true {
            let axes = (0..<3).compactMap { _ in
                let stride = random.integer(1...3)
                let kernel = random.integer(1...4)
                let input = random.integer(1...5)
                let crop = random.integer(0...kernel - 1)
                return try? AxisGeometry(
                    input: input, output: (input - 1) * stride + kernel - crop - random.integer(-1...1), kernel: kernel, stride: stride,
                    dilation: 1, crop: crop)
            }
            guard axes.count == 3, let geometry = try? Geometry(axes: axes, channels: channels, filters: filters),
                geometry.multiplyAddCount < 1_000_000
            else { continue }
            let activation = random.chance(0.7) ? Activation.linear : .relu
            let spec = KernelSpec(
                geometry: geometry, epilogue: Epilogue(hasBias: random.chance(0.7), activation: activation), policy: .direct)
            let modes = filters <= lanes / 2 ? [1, 2, lanes] : [1, lanes]
            let mode = modes[number / 2 % modes.count]
            let vectors = mode == 2 ? 1 : random.integer(1...3)
            return (
                spec,
                .filterLanes(
                    FilterLanes(
                        channelsPerVector: mode, vectors: vectors, tileWidth: random.integer(1...4), mergesWidthPhases: random.chance(0.5),
                        fusion: random.choice([.tap, .row]), listsRows: random.chance(0.5),
                        order: random.choice([.heightBlocked, .rowStationary, .weightStationary]), blockRows: random.integer(1...3),
                        prefetchesNextPlane: random.chance(0.3), unroll: random.integer(1...3)))
            )
        }
    }

    /// A layer as networks have it, small, with the default policy.
    mutating func nextPlanned() -> KernelSpec {
        while true {
            let (kernel, stride) = random.choice([(2, 2), (3, 1), (3, 2), (4, 2), (5, 2), (1, 1)])
            let axes = (0..<3).compactMap { _ -> AxisGeometry? in
                let input = random.integer(4...9)
                let crop = max(0, (kernel - stride) / 2)
                return try? AxisGeometry(
                    input: input, output: input * stride, kernel: kernel, stride: stride, dilation: 1, crop: crop)
            }
            guard axes.count == 3,
                let geometry = try? Geometry(
                    axes: axes, channels: random.choice([1, 8, 12, 16, 24, 32]), filters: random.choice([1, 3, 8, 16, 24, 32])),
                geometry.multiplyAddCount < 6_000_000
            else { continue }
            return KernelSpec(
                geometry: geometry,
                epilogue: Epilogue(hasBias: random.chance(0.5), activation: random.chance(0.5) ? .linear : .relu), policy: .fast)
        }
    }
}
