import Testing
import VoxLayerSpec
import VoxScheduling
import VoxTensors
import _TestSupport

/// What each family does not take, and which parameters it refuses, each with its reason.
@Suite struct FamilyLimitTests {
    private let target = Target(.x86_64_v4)

    private func reason(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "none"
        } catch {
            return "\(error)"
        }
    }

    /// Which problems a family takes, said a second time by trying inputs and taps.
    @Test func familiesTakeWhatTheyArePromisedToTake() throws {
        var (specs, random) = (RandomSpecs(seed: 23), SeededRandom(seed: 24))
        var met: [String: Int] = [:]
        for number in 0..<900 {
            let target = Target.named[number % Target.named.count]
            let op = number % 10 < 5 ? KernelOp.transposedConvolution : .convolution
            var spec = switch number % 5 {
            case 0: specs.nextFast(target, op).0
            case 1: specs.nextSingleVoxel(target, op).0
            case 2: specs.next(op)
            case 3: try randomSpec(&random)
            default: try randomSpec(&random, rank: 1 + number / 5 % 4)
            }
            // Something else is wrong with some of the good ones.
            if number % 7 == 0 { spec = spec.with(policy: random.choice(Policy.allCases)) }
            if number % 11 == 0 { spec = withoutKernels(spec) }
            let (geometry, type) = (spec.geometry, spec.elements.storage)
            let isConvolution = spec.op == .convolution
            let direct = (isConvolution || spec.op == .transposedConvolution) && geometry.axes.count == 3 && type == spec.elements.accumulator
                && (spec.layout == .channelsLast || type == .float32)
            let mostTaps = geometry.axes.map(\.mostTapsOfAnOutput)
            // A window of a convolution has the kernel and one step, along each axis.
            let isSmall = geometry.axes.reduce(1) { $0 * ($1.kernel + $1.stride) } <= 343
            let fast = direct && type == .float32 && spec.policy == .fast && (2...3).contains(mostTaps.max() ?? 0)
                && geometry.axes.allSatisfy { $0.dilation == 1 || $0.kernel == 1 }
                && (isConvolution ? isSmall : geometry.axes.allSatisfy { $0.kernel >= $0.stride })
            let rows = direct && type == .float32 && geometry.groups == 1
                && geometry.axes.allSatisfy { $0.input == 1 && $0.reachesEveryOutput } && (!isConvolution || geometry.channels >= 16)
            for (name, taken, expected) in [
                ("filter lanes", FilterLanes.reasonAgainst(spec) == nil, direct),
                ("minimal filtering", MinimalFiltering.reasonAgainst(spec) == nil, fast),
                ("batch rows", BatchRows.reasonAgainst(spec) == nil, rows),
            ] {
                #expect(taken == expected, "\(name): \(spec.key)")
                met["\(name) \(expected)", default: 0] += 1
            }
        }
        #expect(met.count == 6 && met.values.allSatisfy { $0 >= 100 }, "\(met)")
    }

    @Test func whatFilterLanesDoNotTakeIsSaid() throws {
        let spec = try layer([3, 3, 3], kernel: 1, stride: 1, channels: 4, filters: 4)
        let geometry = spec.geometry
        func long(kernel: Int, stride: Int) throws -> KernelSpec {
            let axis = try AxisGeometry(input: 2, output: 2, kernel: kernel, stride: stride, dilation: 1, crop: 0)
            return KernelSpec(geometry: try Geometry(axes: [axis, geometry.axes[0], geometry.axes[0]], channels: 1, filters: 1))
        }
        func features(_ channels: Int, _ filters: Int) throws -> KernelSpec {
            KernelSpec(geometry: try Geometry(axes: geometry.axes, channels: channels, filters: filters))
        }
        func far(_ op: KernelOp, input: Int, output: Int, kernel: Int = 1, stride: Int = 1, dilation: Int = 1) throws -> KernelSpec {
            let axis = try AxisGeometry(input: input, output: output, kernel: kernel, stride: stride, dilation: dilation, crop: 0)
            return KernelSpec(op: op, geometry: try Geometry(axes: [axis, geometry.axes[0], geometry.axes[0]], channels: 1, filters: 1))
        }
        let refused: [(KernelSpec, String)] = try [
            (withoutKernels(spec), "not yet emitted"),
            (KernelSpec(geometry: geometry, layout: .channelsFirst, elements: .float64), "float32"),
            (KernelSpec(geometry: geometry, elements: ElementTypes(storage: .float32, arithmetic: .float64)), "in another type than its elements"),
            (KernelSpec(geometry: geometry, elements: ElementTypes(.bfloat16)), "its elements are bfloat16"),
            (KernelSpec(geometry: try Geometry(axes: Array(geometry.axes[..<2]), channels: 4, filters: 4)), "it has 2 spatial axes; expected 3"),
            (long(kernel: 1 << 16 + 1, stride: 1), "65537 taps; expected at most 65536"), (long(kernel: 3, stride: 1 << 15), "stride 32768 and kernel size 3"),
            (features(1 << 24, 1), "16777216 channels"), (features(1, 1 << 24), "16777216 filters"),
            // C's ints hold positions times the step, and lags.
            (far(.convolution, input: 513, output: 2, stride: 1 << 20), "places up to 537919488; expected at most 536870912"),
            (far(.convolution, input: 2, output: 2, kernel: 514, dilation: 1 << 20), "places up to 537919488"),
            (far(.transposedConvolution, input: 2, output: 2, kernel: 514, dilation: 1 << 20), "places up to 537919488"),
        ]
        for (spec, fragment) in refused {
            let reason = FilterLanes.reasonAgainst(spec)?.description ?? "none"
            #expect(reason.contains(fragment), "\(fragment): \(reason)")
            #expect(self.reason { _ = try plan(spec, target: target) } == reason, "\(fragment)")
        }
        for spec in try [long(kernel: 1 << 16, stride: 1), long(kernel: 2, stride: 1 << 15), features(1 << 24 - 1, 1), features(1, 1 << 24 - 1),
            far(.convolution, input: 512, output: 2, stride: 1 << 20), far(.convolution, input: 2, output: 2, kernel: 513, dilation: 1 << 20)] {
            #expect(FilterLanes.reasonAgainst(spec) == nil, "\(spec.key)")
        }
    }

    @Test func parametersOfFilterLanesAreChecked() throws {
        let spec = try layer([6, 7, 8], kernel: 3, stride: 2, channels: 20, filters: 20)
        let long = try KernelSpec(
            geometry: Geometry(
                axes: [1, 2000, 2000].map { try AxisGeometry(input: $0, output: $0, kernel: 1, stride: 1, dilation: 1, crop: 0) }, channels: 2, filters: 2))
        let small = try layer([4, 4, 4], kernel: 3, stride: 1, channels: 4, filters: 4)
        let large = try layer([64, 64, 64], kernel: 7, stride: 1, channels: 8, filters: 200)
        let wide = try layer([4, 40, 4000], kernel: 3, stride: 1, channels: 300, filters: 3, layout: .channelsFirst)
        #expect(reason { _ = try plan(spec, target: target, decision: .filterLanes(FilterLanes(vectors: 2, tileWidth: 4))) } == "none")
        let refused: [(FilterLanes, KernelSpec, String)] = [
            (FilterLanes(channelsPerVector: 3, tileWidth: 4), spec, "3 channels per vector"),
            (FilterLanes(channelsPerVector: 8, tileWidth: 4), spec, "8 channels per vector"),
            (FilterLanes(vectors: 0, tileWidth: 4), spec, "below 1"), (FilterLanes(tileHeight: 0, tileWidth: 4), spec, "below 1"),
            (FilterLanes(tileWidth: 0), spec, "below 1"), (FilterLanes(tileWidth: 4, blockRows: 0), spec, "below 1"),
            (FilterLanes(tileWidth: 4, unroll: 0), spec, "below 1"), (FilterLanes(vectors: 9, tileWidth: 4), spec, "64 positions or 8 vectors"),
            (FilterLanes(tileWidth: 65), spec, "64 positions or 8 vectors"),
            (FilterLanes(tileHeight: 5, tileWidth: 13, listsRows: false), spec, "64 positions or 8 vectors"),
            (FilterLanes(channelsPerVector: 2, tileWidth: 4), spec, "at most 8 filters"),
            (FilterLanes(channelsPerVector: 2, vectors: 2, tileWidth: 4), small, "at most 8 filters"),
            (FilterLanes(tileHeight: 2, tileWidth: 4), spec, "listed rows need tiles of height 1"),
            (FilterLanes(tileWidth: 4, listsRows: false), long, "enumerates 4000000 taps or outputs"),
            (FilterLanes(vectors: 8, tileHeight: 8, tileWidth: 8, listsRows: false), large, "multiply-adds; expected at most 40000"),
            (FilterLanes(tileWidth: 4, blockRows: 40), wide, "bytes of workspace"),
        ]
        for (parameters, spec, fragment) in refused {
            let said = reason { _ = try plan(spec, target: target, decision: .filterLanes(parameters)) }
            #expect(said.hasPrefix("The schedule \(parameters.text) is not applicable: ") && said.contains(fragment), "\(parameters.text): \(said)")
        }
        // A block of fewer rows needs less, and the planner finds it.
        #expect(try plan(wide, target: target).filterLanes?.blockRows == 1)
    }

    @Test func whatBatchRowsDoNotTakeIsSaid() throws {
        let long = try AxisGeometry(input: 1, output: 1 << 13, kernel: 1 << 13, stride: 1, dilation: 1, crop: 0)
        let one = try AxisGeometry(input: 1, output: 1, kernel: 1, stride: 1, dilation: 1, crop: 0)
        func outputs(_ filters: Int, channels: Int = 1) throws -> KernelSpec {
            KernelSpec(geometry: try Geometry(axes: [long, one, one], channels: channels, filters: filters))
        }
        let refused: [(KernelSpec, String)] = try [
            (withoutKernels(oneVoxel()), "batch rows take transposedConvolution and convolution only"),
            (KernelSpec(geometry: Geometry(axes: [one, one], channels: 2, filters: 2)), "it has 2 spatial axes; expected 3"),
            (layer([1, 1, 2], kernel: 2, stride: 2, channels: 4, filters: 4), "an input of one voxel"), (oneVoxel(elements: .float64), "need float32"),
            (oneVoxel(groups: 2), "need 1 group"), (oneVoxel(extra: 1), "a tap for every output"),
            (outputs(1 << 15 + 1), "it has 8192 x 32769 outputs; batch rows take at most 268435456"),
            (KernelSpec(geometry: Geometry(axes: [one, one, one], channels: 1 << 23 + 1, filters: 1)), "it has 1 x 8388609 inputs"),
            (oneVoxel(.convolution, extra: 1), "a tap for every input"), (oneVoxel(.convolution, filters: 15), "at least 16 filters"),
            (layer([1, 1, 2], kernel: 2, stride: 2, channels: 20, filters: 4, op: .convolution), "a result of one voxel"),
            (oneVoxel(.convolution, kernel: 8, channels: 1 << 14 + 1), "it has 512 x 16385 inputs; batch rows take at most 8388608"),
        ]
        for (spec, fragment) in refused {
            let reason = BatchRows.reasonAgainst(spec)?.description ?? "none"
            #expect(reason.contains(fragment), "\(fragment): \(reason)")
            #expect(BatchRows.candidates(spec, target, threads: 1).isEmpty, "\(fragment)")
        }
        #expect(try BatchRows.reasonAgainst(outputs(1 << 15)) == nil)
        #expect(try BatchRows.reasonAgainst(oneVoxel(.convolution, kernel: 8, channels: 1 << 14, filters: 16)) == nil)
    }

    /// Every number of vectors and rows on every machine: legal where accumulators, the weights of one channel and one input fit.
    @Test func parametersOfBatchRowsAreChecked() throws {
        let spec = try oneVoxel()
        for target in Target.named {
            for vectors in 0...9 {
                for rows in 0...32 {
                    let parameters = BatchRows(vectors: vectors, rows: rows)
                    let said = reason { _ = try plan(spec, target: target, decision: .batchRows(parameters)) }
                    let registers = vectors * rows + vectors + 1
                    let fragment = min(vectors, rows) < 1 ? "below 1" : registers > target.vectorRegisters ? "it needs \(registers) registers" : "none"
                    #expect(said.contains(fragment), "\(parameters.text) on \(target.name): \(said)")
                }
            }
        }
        #expect(reason { _ = try plan(spec, target: target, decision: .batchRows(BatchRows(vectors: 1, rows: 1, unroll: 0))) }.contains("below 1"))
    }

    /// Very large kernels and strides get smaller tiles, or are refused; never an endless enumeration.
    @Test func extremesEnd() throws {
        let small = try AxisGeometry(input: 2, output: 2, kernel: 1, stride: 1, dilation: 1, crop: 0)
        var planned = 0
        for (input, kernel, stride) in [(400, 64, 1), (40, 200, 3), (100_000, 3, 1), (3, 1, 5000), (5000, 5000, 1)] {
            let wide = try AxisGeometry(
                input: input, output: (input - 1) * stride + kernel, kernel: kernel, stride: stride, dilation: 1, crop: 0)
            let spec = KernelSpec(geometry: try Geometry(axes: [small, small, wide], channels: 2, filters: 40), policy: .direct)
            if let schedule = try? plan(spec, target: target) {
                let resolved = try #require(schedule.filterLanes)
                planned += 1
                #expect(resolved.tilePlan.useCount * resolved.parameters.vectors <= FilterLanesSchedule.maximumUseCount)
            }
        }
        #expect(planned >= 3)
    }

    /// Legal problems whose C would be endless, or whose kernel would overflow the stack, are refused at once and by name.
    @Test func problemsBeyondFilterLanesAreRefusedAtOnce() throws {
        let listed = FilterLanes(tileWidth: 2, listsRows: true)
        for (kernel, stride, filters, decision, fragment) in [
            ([1, 1, 1], [1, 500, 500], 1, nil, "bytes of stack"), ([700, 30, 1], [1, 1, 1], 1, listed, "bytes of stack"),
            ([3000, 300, 1], [1, 1, 1], 1, nil, "900000 taps"), ([2, 1, 1], [100_000, 1, 1], 1, nil, "stride 100000"),
            ([1, 1, 1], [1, 1, 1], 1 << 25, nil, "33554432 filters"),
        ] as [([Int], [Int], Int, FilterLanes?, String)] {
            let axes = try zip(kernel, stride).map { kernel, stride in
                try AxisGeometry(input: 2, output: stride + kernel, kernel: kernel, stride: stride, dilation: 1, crop: 0)
            }
            let spec = KernelSpec(geometry: try Geometry(axes: axes, channels: 1, filters: filters), policy: .direct)
            let said = reason { _ = try plan(spec, target: target, decision: decision.map { .filterLanes($0) }) }
            #expect(said.contains(fragment), "\(spec.key): \(said)")
        }
    }
}
