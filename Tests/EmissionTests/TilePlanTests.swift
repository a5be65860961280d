import KernelEmission
import LayerSpec
import Scheduling
import Tensors
import Testing

/// Problems of every kind of edge, small.
private func problems() throws -> [KernelSpec] {
    var specs: [KernelSpec] = []
    for (kernel, stride, dilation, crop, room) in [
        (3, 1, 1, 1, 0), (4, 2, 1, 1, 0), (2, 3, 1, 0, 1), (5, 2, 1, 3, 0), (1, 4, 1, 0, 3), (3, 1, 2, 2, 0), (3, 2, 3, 1, 2), (6, 4, 1, 5, 1),
    ] {
        let axes = try [4, 3, 13].map { input in
            try AxisGeometry(
                input: input, output: (input - 1) * stride + (kernel - 1) * dilation + 1 - 2 * crop + room, kernel: kernel,
                stride: stride, dilation: dilation, crop: crop)
        }
        for (channels, filters) in [(3, 5), (1, 16), (8, 40)] {
            specs.append(KernelSpec(geometry: try Geometry(axes: axes, channels: channels, filters: filters), policy: .direct))
        }
    }
    return specs
}

@Suite struct TilePlanTests {
    /// Every output of a plane is in exactly one tile, and every tap that reaches it is multiplied exactly once.
    @Test func tilesCoverThePlaneOnce() throws {
        var tileCount = 0
        for spec in try problems() {
            for target in Target.named {
                var schedules = [try plan(spec, target: target)]
                schedules.append(
                    try plan(
                        spec, target: target,
                        decision: .filterLanes(FilterLanes(tileHeight: 2, tileWidth: 3, mergesWidthPhases: true, listsRows: false))))
                for schedule in schedules {
                    let resolved = try #require(schedule.filterLanes)
                    let tiles = resolved.tilePlan
                    let (height, width) = (spec.geometry.axes[1], spec.geometry.axes[2])
                    let listed = resolved.parameters.listsRows
                    var outputs: [TilePlan.Place: Int] = [:]
                    var uses = 0
                    for (group, placed) in zip(tiles.groups, tiles.tiles) {
                        for tile in placed.compactMap({ $0 }) {
                            let variant = tiles.variants[tile.variant]
                            tileCount += 1
                            // Listed rows: one row of tiles stands for each row phase.
                            let row = listed ? group.rowPhase : tile.output.row
                            for output in variant.outputs {
                                outputs[.init(row: row + output.row, column: tile.output.column + output.column), default: 0] += 1
                            }
                            uses += variant.useCount
                        }
                    }
                    let rows = listed ? height.stride : height.output
                    #expect(outputs.count == rows * width.output, "\(spec.key) \(schedule.text)")
                    #expect(outputs.values.allSatisfy { $0 == 1 }, "\(spec.key) \(schedule.text)")
                    #expect(
                        uses == (listed ? height.stride : height.pairCount) * width.pairCount, "\(spec.key) \(schedule.text)")
                }
            }
        }
        #expect(tileCount > 2000)
    }

    /// The printed multiply-adds are those of the plan: nothing is lost between plan and text.
    @Test func printedMultiplyAddsAreCounted() throws {
        for spec in try problems() {
            let schedule = try plan(spec, target: Target(.x86_64_v3))
            let unit = try KernelUnit(schedule)
            let resolved = try #require(schedule.filterLanes)
            let layout = resolved.packedLayout
            let perUse = (layout.blockCount > 1 ? layout.vectors : 0)
                + (layout.blockCount > 1 && spec.geometry.filters % layout.filtersPerBlock == 0 ? 0 : layout.lastVectors)
            let lonely = spec.geometry.channels % layout.channelsPerVector != 0
            let bodies = lonely ? (layout.channelSteps > 1 ? 2 : 1) : 1
            let printed = unit.source.text.split(separator: "+= s * ").count - 1
            #expect(printed == resolved.tilePlan.useCount * perUse * bodies, "\(spec.key) \(schedule.text)")
            #expect(unit.source.text.contains("counted   \(spec.geometry.multiplyAddCount) multiply-adds a sample"))
        }
    }

    @Test func registersSuffice() throws {
        for spec in try problems() {
            for target in Target.named {
                let schedule = try plan(spec, target: target)
                #expect(try #require(schedule.filterLanes).liveRegisters <= target.vectorRegisters, "\(spec.key) \(schedule.text) on \(target.name)")
            }
        }
    }

    /// Equal input gives equal text, and the target's name is all that distinguishes native from named.
    @Test func emissionIsPure() throws {
        for spec in try problems() {
            let first = try KernelUnit(try plan(spec, target: Target(.x86_64_v4)))
            let second = try KernelUnit(try plan(spec, target: Target(.x86_64_v4, name: "native")))
            #expect(first.source == second.source)
        }
    }

    @Test func whatTheFamilyDoesNotTakeIsSaid() throws {
        let axis = try AxisGeometry(input: 3, output: 3, kernel: 1, stride: 1, dilation: 1, crop: 0)
        let geometry = try Geometry(axes: [axis, axis, axis], channels: 4, filters: 4)
        let target = Target(.x86_64_v4)
        for (spec, fragment) in [
            (KernelSpec(op: .kernelGradient, geometry: geometry), "not yet emitted"),
            (KernelSpec(op: .convolution, geometry: geometry, elements: .float64), "float32"),
            (KernelSpec(geometry: geometry, layout: .channelsFirst, elements: .float64), "float32"),
            (KernelSpec(geometry: geometry, elements: ElementTypes(storage: .float32, arithmetic: .float64)), "in another type than its elements"),
            (KernelSpec(geometry: try Geometry(axes: [axis, axis], channels: 4, filters: 4)), "expected 3"),
        ] {
            do {
                _ = try plan(spec, target: target)
                Issue.record("\(spec.key) has a schedule")
            } catch {
                #expect("\(error)".contains(fragment), "\(error)")
            }
        }
        #expect(throws: SchedulingError.self) {
            try plan(KernelSpec(geometry: geometry), target: target, decision: .filterLanes(FilterLanes(tileHeight: 2, tileWidth: 2)))
        }
        #expect(throws: SchedulingError.self) {
            try plan(KernelSpec(geometry: geometry), target: target, decision: .filterLanes(FilterLanes(tileWidth: 0)))
        }
    }

    /// Very large kernels and strides get smaller tiles, or are refused; never an endless enumeration.
    @Test func extremesEnd() throws {
        let small = try AxisGeometry(input: 2, output: 2, kernel: 1, stride: 1, dilation: 1, crop: 0)
        for (input, kernel, stride) in [(400, 64, 1), (40, 200, 3), (100_000, 3, 1), (3, 1, 5000), (5000, 5000, 1)] {
            let wide = try AxisGeometry(
                input: input, output: (input - 1) * stride + kernel, kernel: kernel, stride: stride, dilation: 1, crop: 0)
            let spec = KernelSpec(geometry: try Geometry(axes: [small, small, wide], channels: 2, filters: 40), policy: .direct)
            if let schedule = try? plan(spec, target: Target(.x86_64_v4)) {
                let resolved = try #require(schedule.filterLanes)
                #expect(resolved.tilePlan.useCount * resolved.parameters.vectors <= FilterLanesSchedule.maximumUseCount)
            }
        }
    }

    /// Legal problems whose C would be endless, or whose kernel would overflow the stack, are refused at once and by name.
    @Test func problemsBeyondTheFamilyAreRefusedAtOnce() throws {
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
            do {
                _ = try plan(spec, target: Target(.x86_64_v4), decision: decision.map { .filterLanes($0) })
                Issue.record("\(spec.key) has a schedule")
            } catch {
                #expect("\(error)".contains(fragment), "\(error)")
            }
        }
    }
}
