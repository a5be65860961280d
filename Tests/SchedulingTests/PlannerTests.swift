import Testing
import VoxLayerSpec
import VoxScheduling
import VoxTensors
import _TestSupport

/// Which family takes which problem, and what `plan` does with a decision.
@Suite struct PlannerTests {
    /// A machine without fused multiply-adds, and those with them.
    private let plain = Target(.x86_64_v2)
    private let fused = [Target(.x86_64_v4), Target(.x86_64_v3), Target(.aarch64NEON)]

    private func family(_ schedule: Schedule) -> String { type(of: schedule.decision.parameters).familyName }

    /// Families that take few problems are asked first, and the last takes all that the others take: its reason is the one to report.
    @Test func theTableGoesFromFewProblemsToMost() throws {
        #expect(kernelFamilies.map { $0.familyName } == ["batchRows", "minimalFiltering", "filterLanes"])
        #expect(kernelFamilies.map { $0.label } == ["batch-rows", "minimal-filtering", "filter-lanes"])
        #expect(kernelFamilies.map { $0.policy } == [.direct, .fast, .direct])
        #expect(kernelFamilies.map { $0.excludesOthers } == [true, false, false])
        let last = try #require(kernelFamilies.last)
        var (specs, random) = (RandomSpecs(seed: 21), SeededRandom(seed: 22))
        var taken = [0, 0, 0]
        for number in 0..<300 {
            let target = Target.named[number % Target.named.count]
            let op = number % 8 < 4 ? KernelOp.transposedConvolution : .convolution
            let spec = switch number % 4 {
            case 0: specs.nextFast(target, op).0
            case 1: specs.nextSingleVoxel(target, op).0
            case 2: specs.next(op)
            default: try randomSpec(&random)
            }
            for (index, family) in kernelFamilies.enumerated() where family.reasonAgainst(spec) == nil {
                taken[index] += 1
                #expect(last.reasonAgainst(spec) == nil, "\(spec.key)")
            }
            guard let reason = last.reasonAgainst(spec) else { continue }
            #expect(throws: reason) { try plan(spec, target: target) }
        }
        #expect(taken.allSatisfy { $0 >= 60 }, "\(taken)")
    }

    /// An input of one voxel goes to batch rows whatever the policy, layout and machine; without what they need to filter lanes.
    @Test func oneVoxelGoesToBatchRows() throws {
        for target in Target.named {
            for policy in Policy.allCases {
                for layout in Layout.allCases {
                    let taken = try plan(oneVoxel(layout: layout, policy: policy), target: target)
                    #expect(family(taken) == "batchRows" && taken.spec.policy == .direct, "\(taken.text) on \(target.name)")
                }
                for other in try [oneVoxel(extra: 1, policy: policy), oneVoxel(groups: 2, policy: policy), oneVoxel(elements: .float64, policy: policy)] {
                    #expect(try family(plan(other, target: target)) == "filterLanes", "\(other.key) on \(target.name)")
                    #expect(BatchRows.reasonAgainst(other) != nil)
                }
            }
            // Filter lanes could compute it; the table's order decides.
            #expect(try FilterLanes.reasonAgainst(oneVoxel()) == nil && FilterLanes.planned(oneVoxel(), target, threads: 1) != nil)
        }
    }

    /// A result of one voxel goes to batch rows too, with enough filters to fill vectors.
    @Test func oneVoxelOfResultsGoesToBatchRows() throws {
        for target in Target.named {
            for layout in Layout.allCases {
                let taken = try plan(oneVoxel(.convolution, layout: layout), target: target)
                #expect(family(taken) == "batchRows" && taken.spec.op == .convolution, "\(taken.text) on \(target.name)")
                // 64 voxels of 40 channels are summed; the vectors of 24 filters are shared out among two panels at least.
                let resolved = try #require(taken.batchRows)
                #expect(resolved.inputs == 64 * 40 && resolved.outputs == 24 && resolved.panels >= 2, "\(taken.text) on \(target.name)")
            }
            for other in try [
                oneVoxel(.convolution, extra: 1), oneVoxel(.convolution, filters: 15), oneVoxel(.convolution, filters: 32, groups: 2),
                oneVoxel(.convolution, elements: .float64),
            ] {
                #expect(try family(plan(other, target: target)) == "filterLanes", "\(other.key) on \(target.name)")
            }
        }
    }

    /// As many accumulators as registers allow: a weight is read once for six samples, with vectors as wide as registers are many.
    @Test func batchRowsFillTheRegisters() throws {
        for (target, vectors) in [(Target(.x86_64_v4), 4), (Target(.x86_64_v3), 2), (Target(.x86_64_v2), 2), (Target(.aarch64NEON), 4)] {
            #expect(try plan(oneVoxel(), target: target).batchRows?.parameters == BatchRows(vectors: vectors, rows: 6), "\(target.name)")
        }
    }

    /// What decides between minimal filtering and direct sums, one reason at a time.
    @Test func minimalFilteringIsChosenWhereItPays() throws {
        for target in fused {
            let usual = try layer([16, 16, 16], kernel: 4, stride: 2, channels: 64, filters: 64)
            #expect(try family(plan(usual, target: target)) == "minimalFiltering", "\(target.name)")
            let three = try layer([16, 16, 16], kernel: 3, stride: 1, channels: 64, filters: 64)
            #expect(try family(plan(three, target: target)) == "minimalFiltering", "\(target.name)")
            let first = try layer([16, 16, 16], kernel: 3, stride: 1, channels: 64, filters: 64, layout: .channelsFirst)
            #expect(try family(plan(first, target: target)) == "minimalFiltering", "\(target.name)")
            let lanes = target.vectorBytes / 4
            let others: [(KernelSpec, String)] = try [
                (usual.with(policy: .direct), "the policy allows plain sums only"),
                (layer([16, 16, 16], kernel: 2, stride: 2, channels: 64, filters: 64), "no phase has two taps"),
                (layer([16, 16, 16], kernel: 4, stride: 1, channels: 64, filters: 64), "a phase has four taps"),
                (layer([16, 16, 16], kernel: 2, stride: 3, channels: 64, filters: 64), "a phase has no tap"),
                (layer([16, 16, 16], kernel: 3, stride: 1, channels: 64, filters: 64, elements: .float64), "elements are double"),
                (layer([16, 16, 16], kernel: 4, stride: 2, channels: 7, filters: 64), "fewer than eight channels do not pay for the transforms"),
                (layer([16, 16, 16], kernel: 4, stride: 2, channels: 64, filters: lanes - 1), "filters fill no vector"),
                (layer([16, 16, 16], kernel: 4, stride: 2, channels: 64, filters: 2 * (lanes - 1), groups: 2), "filters of a group fill no vector"),
                (layer([6, 6, 6], kernel: 3, stride: 1, channels: 64, filters: 64), "27 tiles meet the weights"),
                (layer([8, 8, 8], kernel: 4, stride: 2, channels: 256, filters: 128), "transformed weights exceed a quarter of the last level"),
            ]
            for (spec, why) in others {
                #expect(try family(plan(spec, target: target)) == "filterLanes", "\(target.name): \(why)")
            }
        }
        // Without fused multiply-adds the products are not what takes the time.
        #expect(try family(plan(layer([16, 16, 16], kernel: 4, stride: 2, channels: 64, filters: 64), target: plain)) == "filterLanes")
    }

    /// Convolutions with two or three taps a step, from the channels on that pay for the transforms.
    @Test func minimalFilteringTakesConvolutionsWhereItPays() throws {
        func convolution(
            _ size: Int, kernel: Int, stride: Int, channels: Int = 64, filters: Int = 64, layout: Layout = .channelsLast
        ) throws -> KernelSpec {
            try layer([size, size, size], kernel: kernel, stride: stride, channels: channels, filters: filters, layout: layout, op: .convolution)
        }
        for target in fused {
            for layout in Layout.allCases {
                #expect(try family(plan(convolution(16, kernel: 3, stride: 1, layout: layout), target: target)) == "minimalFiltering", "\(target.name)")
            }
            #expect(try family(plan(convolution(16, kernel: 4, stride: 2), target: target)) == "minimalFiltering", "\(target.name)")
            for (spec, why) in try [
                (convolution(16, kernel: 2, stride: 2), "no part has two taps"), (convolution(16, kernel: 4, stride: 1), "a part has four taps"),
                (convolution(16, kernel: 3, stride: 1, channels: 7), "fewer than eight channels"),
                (convolution(6, kernel: 3, stride: 1), "27 tiles meet the weights"), (convolution(8, kernel: 6, stride: 2), "windows are too large"),
            ] { #expect(try family(plan(spec, target: target)) == "filterLanes", "\(target.name): \(why)") }
        }
        #expect(try family(plan(convolution(16, kernel: 3, stride: 1), target: plain)) == "filterLanes")
    }

    /// The limits of tiles and of transformed weights are where they are said to be.
    @Test func minimalFilteringNeedsTilesAndRoomForItsWeights() throws {
        let target = Target(.x86_64_v4)
        // Tiles are two positions long: 7^3 have 4^3 tiles, 6 x 7 x 7 have 3 x 4 x 4.
        #expect(try family(plan(layer([7, 7, 7], kernel: 3, stride: 1, channels: 64, filters: 64), target: target)) == "minimalFiltering")
        #expect(try family(plan(layer([6, 7, 7], kernel: 3, stride: 1, channels: 64, filters: 64), target: target)) == "filterLanes")
        let spec = try layer([16, 16, 16], kernel: 4, stride: 2, channels: 64, filters: 64)
        let bytes = try plan(spec, target: target).packedByteCount
        for (room, expected) in [(4 * bytes, "minimalFiltering"), (4 * bytes - 4, "filterLanes")] {
            #expect(try family(plan(spec, target: Target(.x86_64_v4, lastLevelBytes: room))) == expected, "\(room) bytes")
        }
    }

    /// Weights that no cache keeps are read for each block of tiles: many small blocks read them too often, few large ones do not.
    @Test func minimalFilteringDoesNotWaitForItsWeights() throws {
        let target = Target(.x86_64_v4, level2Bytes: 2 << 20, lastLevelBytes: 300 << 20)
        func name(_ channels: Int, kernel: Int, stride: Int, _ position: [Int]) throws -> String {
            try family(plan(layer(position, kernel: kernel, stride: stride, channels: channels, filters: channels, op: .convolution), target: target))
        }
        #expect(try name(512, kernel: 3, stride: 1, [4, 14, 14]) == "filterLanes")
        #expect(try name(240, kernel: 4, stride: 2, [4, 32, 32]) == "filterLanes")
        #expect(try name(256, kernel: 3, stride: 1, [16, 16, 16]) == "minimalFiltering")
        #expect(try name(320, kernel: 3, stride: 1, [8, 8, 8]) == "minimalFiltering")
    }

    /// A decision is taken as it is, even where the planner would choose another family.
    @Test func decisionsAreTakenAsTheyAre() throws {
        let target = Target(.x86_64_v4)
        let few = try layer([6, 6, 6], kernel: 3, stride: 1, channels: 64, filters: 64)
        let decisions: [(KernelSpec, Decision)] = try [
            (few, .minimalFiltering(MinimalFiltering(block: [2, 2, 3], vectors: 2, rows: 7))),
            (few, .filterLanes(FilterLanes(vectors: 2, tileWidth: 3, unroll: 3))),
            (oneVoxel(), .filterLanes(FilterLanes(tileWidth: 2))), (oneVoxel(), .batchRows(BatchRows(vectors: 1, rows: 3, unroll: 5))),
        ]
        for (spec, decision) in decisions {
            let schedule = try plan(spec, target: target, decision: decision, threads: 7)
            #expect(schedule.decision == decision && schedule.text == decision.text, "\(decision.text)")
            #expect(try schedule != plan(spec, target: target), "\(decision.text)")
        }
    }

    /// A decision is checked like any other: a family's reason against the problem, and the limits of its parameters.
    @Test func decisionsAreChecked() throws {
        let target = Target(.x86_64_v4)
        // No phase has two taps.
        let single = try layer([4, 4, 4], kernel: 2, stride: 2, channels: 8, filters: 8)
        let cases: [(KernelSpec, Decision, (any KernelFamily.Type)?)] = try [
            (layer([4, 4, 4], kernel: 3, stride: 1, channels: 8, filters: 8), .batchRows(BatchRows(vectors: 4, rows: 6)), BatchRows.self),
            (single, .minimalFiltering(MinimalFiltering(block: [1, 1, 1], vectors: 1, rows: 4)), MinimalFiltering.self),
            (withoutKernels(oneVoxel()), .filterLanes(FilterLanes(tileWidth: 2)), FilterLanes.self),
            (oneVoxel(), .batchRows(BatchRows(vectors: 4, rows: 7)), nil),
            (layer([4, 4, 4], kernel: 3, stride: 1, channels: 8, filters: 8), .filterLanes(FilterLanes(tileWidth: 65)), nil),
        ]
        for (spec, decision, family) in cases {
            let error = #expect(throws: SchedulingError.self) { try plan(spec, target: target, decision: decision) }
            if let family {
                #expect(error == family.reasonAgainst(spec) && error != nil, "\(decision.text)")
            } else {
                guard case .illegalSchedule(decision.text, _)? = error else {
                    Issue.record("\(String(describing: error))")
                    continue
                }
            }
        }
    }

    /// The schedule's activation is one that kernels apply, whichever family takes the problem.
    @Test func otherActivationsAreLeftToTheCaller() throws {
        for spec in try [
            oneVoxel(), layer([16, 16, 16], kernel: 4, stride: 2, channels: 64, filters: 64),
            layer([3, 4, 5], kernel: 2, stride: 2, channels: 4, filters: 4),
        ] {
            for activation in Activation.samples {
                let schedule = try plan(spec.with(epilogue: Epilogue(hasBias: true, activation: activation)), target: Target(.x86_64_v3))
                #expect(schedule.spec.epilogue == Epilogue(hasBias: true, activation: activation.isPointwise ? activation : .linear), "\(activation)")
            }
        }
    }
}
