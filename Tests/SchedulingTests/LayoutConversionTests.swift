import Testing
import VoxLayerSpec
import VoxScheduling

@Suite struct LayoutConversionTests {
    private func spec(
        _ kernel: [Int], _ stride: [Int], _ dilation: [Int], input: [Int], channels: Int, filters: Int, op: KernelOp = .transposedConvolution
    ) throws -> KernelSpec {
        let axes = try (0..<3).map { axis in
            let reach = (input[axis] - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1
            return try AxisGeometry(
                input: input[axis], output: max(1, reach - 2), kernel: kernel[axis], stride: stride[axis], dilation: dilation[axis], crop: 1)
        }
        let (x, y) = op == .convolution ? (filters, channels) : (channels, filters)
        return KernelSpec(
            op: op, geometry: try Geometry(axes: axes, channels: x, filters: y), layout: .channelsFirst, policy: .direct)
    }

    private var specs: [KernelSpec] {
        get throws {
            [
                try spec([3, 3, 3], [2, 2, 2], [1, 1, 1], input: [5, 9, 11], channels: 20, filters: 17),
                try spec([4, 5, 3], [2, 1, 2], [1, 1, 1], input: [7, 13, 6], channels: 64, filters: 33),
                try spec([3, 3, 2], [1, 1, 3], [3, 2, 1], input: [9, 8, 5], channels: 7, filters: 3),
                try spec([2, 2, 2], [2, 2, 2], [1, 1, 1], input: [4, 3, 30], channels: 1, filters: 12),
                try spec([3, 3, 3], [2, 2, 2], [1, 1, 1], input: [5, 9, 11], channels: 20, filters: 17, op: .convolution),
                try spec([3, 5, 3], [1, 3, 1], [3, 1, 2], input: [7, 13, 6], channels: 64, filters: 33, op: .convolution),
                try spec([2, 1, 4], [3, 2, 4], [2, 1, 1], input: [6, 8, 5], channels: 7, filters: 3, op: .convolution),
            ]
        }
    }

    private var decisions: [FilterLanes] {
        [
            FilterLanes(tileHeight: 2, tileWidth: 3, listsRows: false, blockRows: 2),
            FilterLanes(tileWidth: 4, blockRows: 3),
            FilterLanes(tileHeight: 3, tileWidth: 2, mergesWidthPhases: true, listsRows: false, order: .weightStationary, blockRows: 1),
            FilterLanes(tileWidth: 2, order: .weightStationary, blockRows: 2),
        ]
    }

    /// The rows an item converts are those its tiles read and write: all of them, and outputs of no other item.
    @Test func rowsOfItemsAreThoseOfTheirTiles() throws {
        for spec in try specs {
            for parameters in decisions {
                let schedule = try plan(spec, target: Target(.x86_64_v3), decision: .filterLanes(parameters))
                let resolved = try #require(schedule.filterLanes)
                let conversion = try #require(resolved.conversion)
                let (plan, rows) = (resolved.tilePlan, resolved.tileRows)
                let (height, width) = (spec.readAxes[1], spec.readAxes[2])
                func position(_ row: Int) -> Int { row * rows.positions - max(0, row - rows.largerTiles) }
                var written = 0
                for block in 0..<resolved.blocks {
                    let (first, stop) = (block * resolved.blockRows, min((block + 1) * resolved.blockRows, plan.tileRows))
                    let (begin, end) = (position(first), position(stop))
                    let inputs = max(0, begin * height.step + rows.low)..<max(0, min(height.sources, (end - 1) * height.step + rows.high + 1))
                    let outputs = min(height.results, begin * height.phases)..<min(height.results, end * height.phases)
                    #expect(outputs.lowerBound == written, "\(spec.key) \(parameters.text)")
                    written = outputs.upperBound
                    let inputRow = width.sources * conversion.inputVoxel
                    #expect(!conversion.convertsInput || inputs.count * inputRow <= conversion.slotFloats, "\(spec.key) \(parameters.text)")
                    let outputRow = width.results * conversion.outputVoxel
                    #expect(!conversion.convertsOutput || outputs.count * outputRow <= conversion.itemFloats, "\(spec.key) \(parameters.text)")
                    // What every tile of the block reads and writes, from the relation itself.
                    for group in plan.groups {
                        for row in begin..<end where row < group.rows.count {
                            let q = group.rows.lowerBound + row
                            #expect(outputs.contains(spec.gather.axes[1].result(position: q, phase: group.rowPhase)), "\(spec.key) \(parameters.text)")
                            for source in group.rowTaps.map({ q * height.step - $0.lag }) where source >= 0 && source < height.sources {
                                #expect(inputs.contains(source), "\(spec.key) \(parameters.text)")
                            }
                        }
                    }
                }
                #expect(written == height.results, "\(spec.key) \(parameters.text)")
            }
        }
    }

    /// The input planes that the items of a chunk read have slots of their own, whatever the caches.
    @Test func planesOfAChunkHaveSlotsOfTheirOwn() throws {
        for spec in try specs where spec.features.sources > 1 {
            for parameters in decisions {
                for shift in [12, 16, 20, 25] {
                    let target = Target(.x86_64_v3, level2Bytes: 1 << (shift - 4), lastLevelBytes: 1 << shift)
                    let schedule = try plan(spec, target: target, decision: .filterLanes(parameters))
                    let resolved = try #require(schedule.filterLanes)
                    let conversion = try #require(resolved.conversion)
                    let depth = spec.readAxes[0]
                    let lags = (0..<depth.phases).flatMap { spec.gather.axes[0].taps(inPhase: $0).map(\.lag) }
                    let depths = resolved.tilePlan.depths
                    if parameters.order == .heightBlocked { #expect(conversion.chunkBlocks == 1 && conversion.chunkDepths == 1) }
                    #expect(conversion.chunkBlocks == 1 || conversion.chunkDepths == depths.count)
                    for first in depths {
                        let chunk = first..<min(first + conversion.chunkDepths, depths.upperBound)
                        let planes = Set(chunk.flatMap { q in lags.map { q * depth.step - $0 }.filter { $0 >= 0 && $0 < depth.sources } })
                        #expect(Set(planes.map { $0 % conversion.slots }).count == planes.count, "\(spec.key) \(parameters.text)")
                    }
                    let floats = conversion.scratchPlace + conversion.chunkBlocks * conversion.chunkDepths * conversion.itemFloats
                    #expect(conversion.stagedPlace + conversion.chunkBlocks * conversion.slots * conversion.slotFloats <= conversion.scratchPlace)
                    #expect(conversion.workspaceByteCount >= 4 * floats && conversion.workspaceByteCount % 64 == 0)
                    #expect(schedule.workspaceByteCount == conversion.workspaceByteCount)
                }
            }
        }
    }

    /// Nothing is converted that is the same in both layouts, and a workspace that would be too large is refused.
    @Test func whatNeedsNoConversion() throws {
        let target = Target(.x86_64_v4)
        for (channels, filters, input, output) in [(1, 1, false, false), (1, 5, false, true), (5, 1, true, false), (5, 5, true, true)] {
            let spec = try spec([3, 3, 3], [1, 1, 1], [1, 1, 1], input: [4, 5, 6], channels: channels, filters: filters)
            let schedule = try plan(spec, target: target, decision: .filterLanes(FilterLanes(tileWidth: 4)))
            let conversion = try #require(schedule.filterLanes?.conversion)
            #expect(conversion.convertsInput == input && conversion.convertsOutput == output)
            #expect((schedule.workspaceByteCount > 0) == (input || output))
        }
        // Where lanes are channels, sums are stored in planes at once.
        let few = try spec([3, 3, 3], [1, 1, 1], [1, 1, 1], input: [4, 5, 6], channels: 32, filters: 3)
        let lanes = try plan(few, target: target, decision: .filterLanes(FilterLanes(channelsPerVector: 16, vectors: 3, tileWidth: 4)))
        #expect(lanes.filterLanes?.conversion?.convertsOutput == false)
        let wide = try spec([3, 3, 3], [1, 1, 1], [1, 1, 1], input: [4, 40, 4000], channels: 300, filters: 3)
        #expect(throws: SchedulingError.self) {
            try plan(wide, target: target, decision: .filterLanes(FilterLanes(tileWidth: 4, blockRows: 40)))
        }
        #expect(try plan(wide, target: target).filterLanes?.blockRows == 1)
    }
}
