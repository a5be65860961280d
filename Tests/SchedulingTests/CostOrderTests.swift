import Testing
import VoxLayerSpec
import VoxScheduling

/// Expected cycles rank schedules as the measurements of `Documentation/kernel-families.md` do.
@Suite struct CostOrderTests {
    private let target = Target(.x86_64_v4)

    /// Expected cycles of one sample.
    private func cycles(_ spec: KernelSpec, _ parameters: some KernelFamily, _ target: Target? = nil) throws -> Double {
        try plan(spec, target: target ?? self.target, decision: Decision(parameters)).family.expectedCycles
    }

    /// The direct sum as planned, and with other parameters.
    private func direct(_ spec: KernelSpec, _ target: Target? = nil, _ change: (inout FilterLanes) -> Void) throws -> (planned: Double, other: Double) {
        let planned = try #require(plan(spec.with(policy: .direct), target: target ?? self.target).filterLanes?.parameters)
        var other = planned
        change(&other)
        return try (cycles(spec, planned, target), cycles(spec, other, target))
    }

    /// Rules of filter lanes that were measured: what is planned costs less than what was slower.
    @Test func filterLanesRankAsMeasured() throws {
        let usual = try layer([16, 16, 16], kernel: 3, stride: 1, channels: 64, filters: 64)
        let (few, half) = try (
            layer([16, 16, 16], kernel: 3, stride: 1, channels: 64, filters: 3), layer([16, 16, 16], kernel: 3, stride: 1, channels: 64, filters: 8)
        )
        let narrow = Target(.x86_64_v3)
        let pairs: [(String, (planned: Double, other: Double))] = try [
            ("12 sums instead of 8 on AVX2", direct(usual, narrow) { $0.tileWidth = 4 }),
            ("sums in registers instead of spilled ones on AVX2", direct(usual, narrow) { $0.tileWidth = 12 }),
            ("16 sums instead of 2", direct(usual) { $0.tileWidth = 1 }),
            (
                "several vectors: phases apart instead of merged",
                direct(layer([16, 16, 16], kernel: 5, stride: 2, channels: 32, filters: 32)) { ($0.mergesWidthPhases, $0.tileWidth) = (true, 4) }
            ),
            ("half a vector of filters: two channels per vector instead of one", direct(half) { $0.channelsPerVector = 1 }),
            ("few filters: channels as lanes instead of two channels", direct(few) { ($0.channelsPerVector, $0.vectors) = (2, 1) }),
            ("few filters: channels as lanes instead of filters", direct(few) { ($0.channelsPerVector, $0.vectors) = (1, 1) }),
            (
                "big weights: weight-stationary instead of reading them for every tile",
                direct(layer([8, 8, 8], kernel: 4, stride: 2, channels: 256, filters: 128)) { $0.order = .heightBlocked }
            ),
            (
                "32 groups of 4: lanes over groups instead of two channels",
                direct(layer([16, 16, 16], kernel: 3, stride: 1, channels: 128, filters: 128, groups: 32)) {
                    ($0.mergesGroups, $0.channelsPerVector) = (false, 2)
                }
            ),
            (
                "depthwise: lanes over groups instead of one group after another",
                direct(layer([16, 16, 16], kernel: 3, stride: 1, channels: 64, filters: 64, groups: 64)) { $0.mergesGroups = false }
            ),
        ]
        for (what, pair) in pairs { #expect(pair.planned < pair.other, "\(what)") }
        // The model does not tell these apart; it must not prefer the slower one.
        let pieces = try direct(layer([32, 32, 32], kernel: 2, stride: 2, channels: 128, filters: 64)) { $0.order = .heightBlocked }
        #expect(pieces.planned <= pieces.other, "row-stationary instead of height-blocked")
    }

    /// Register tiles of minimal filtering: 16 channels and filters with kernel 4 and stride 2 on 32^3; 128 channels, 64 filters on 16^3.
    @Test func registerTilesOfMinimalFilteringRankAsMeasured() throws {
        let thin = try layer([32, 32, 32], kernel: 4, stride: 2, channels: 16, filters: 16)
        func tile(_ block: [Int], _ vectors: Int, _ rows: Int, merged: Bool = false) -> MinimalFiltering {
            MinimalFiltering(block: block, vectors: vectors, rows: rows, mergesWidthPhases: merged)
        }
        let block = [1, 2, 17]
        let (merged, tall, short) = try (
            cycles(thin, tile(block, 1, 14, merged: true)), cycles(thin, tile(block, 1, 29)), cycles(thin, tile(block, 1, 14))
        )
        #expect(merged < tall && tall < short, "one vector: merged phases, 29 rows, 14 rows")
        let wide = try layer([16, 16, 16], kernel: 4, stride: 2, channels: 128, filters: 64)
        #expect(try cycles(wide, tile([1, 4, 9], 2, 14)) < cycles(wide, tile([1, 4, 9], 1, 14, merged: true)), "two vectors gain nothing from merged phases")
    }

    /// Where minimal filtering was measured to be faster than direct sums it is expected to be.
    @Test func minimalFilteringRanksAsMeasured() throws {
        for (size, kernel, stride, channels, filters) in [
            (16, 4, 2, 64, 64), (16, 3, 1, 64, 64), (16, 5, 2, 32, 32), (8, 4, 2, 256, 128), (16, 4, 2, 128, 64),
        ] {
            let spec = try layer([size, size, size], kernel: kernel, stride: stride, channels: channels, filters: filters)
            let fast = try cycles(spec, MinimalFiltering(block: [1, 2, 9], vectors: 2, rows: 14))
            let direct = try plan(spec.with(policy: .direct), target: target).family.expectedCycles
            #expect(fast < direct, "kernel \(kernel), stride \(stride), \(channels) channels, \(filters) filters on \(size)^3")
        }
        // With few channels the transforms cost more than the products they save.
        let thin = try layer([32, 32, 32], kernel: 3, stride: 1, channels: 8, filters: 16)
        let direct = try plan(thin.with(policy: .direct), target: target).family.expectedCycles
        #expect(try cycles(thin, MinimalFiltering(block: [1, 2, 9], vectors: 1, rows: 29)) > direct)
    }

    /// The same of convolutions, whose parts cost windows of their own where they have a stride.
    @Test func convolutionsRankAsMeasured() throws {
        for (size, kernel, stride, channels, filters) in [(64, 3, 1, 32, 32), (32, 3, 1, 64, 64), (16, 3, 1, 128, 128), (16, 3, 2, 64, 128)] {
            let spec = try layer([size, size, size], kernel: kernel, stride: stride, channels: channels, filters: filters, op: .convolution)
            let fast = try cycles(spec, MinimalFiltering(block: [1, 2, 8], vectors: 2, rows: 14))
            let direct = try plan(spec.with(policy: .direct), target: target).family.expectedCycles
            #expect(fast < direct, "kernel \(kernel), stride \(stride), \(channels) channels, \(filters) filters on \(size)^3")
        }
        // A stride costs more transforms for fewer savings.
        let (plain, strided) = try (
            layer([16, 16, 16], kernel: 3, stride: 1, channels: 64, filters: 64, op: .convolution),
            layer([16, 16, 16], kernel: 3, stride: 2, channels: 64, filters: 64, op: .convolution)
        )
        let windows = MinimalFiltering(block: [1, 2, 8], vectors: 2, rows: 14)
        #expect(try cycles(plain, windows) < cycles(strided, windows))
        // 256 channels on 8^3, whose weights of two vectors are more than the second-level cache keeps: one vector and more rows.
        let deep = try layer([8, 8, 8], kernel: 3, stride: 1, channels: 256, filters: 256, op: .convolution)
        let narrow = try direct(deep) { ($0.vectors, $0.tileHeight, $0.tileWidth, $0.listsRows) = (2, 1, 8, true) }
        #expect(try plan(deep.with(policy: .direct), target: target).filterLanes?.parameters.vectors == 1 && narrow.planned < narrow.other)
        // More weights than the second-level cache keeps, for a large volume: a row of tiles shares each piece.
        let large = try direct(layer([32, 32, 32], kernel: 3, stride: 1, channels: 128, filters: 128, op: .convolution)) { $0.order = .heightBlocked }
        #expect(large.planned < large.other)
        // One channel, as the first layer of a network has it: 32 filters in two vectors instead of one after the other.
        let first = try layer([32, 32, 32], kernel: 3, stride: 1, channels: 1, filters: 32, policy: .direct, op: .convolution)
        let pair = try direct(first) { ($0.vectors, $0.tileWidth) = (1, 2) }
        #expect(pair.planned < pair.other)
    }

    /// Planes become voxels and back at 0.4 cycles an element; the windows of minimal filtering overlap, so inputs are converted twice.
    @Test func channelsFirstCostsItsConversion() throws {
        func difference(_ parameters: some KernelFamily) throws -> Double {
            func spec(_ layout: Layout) throws -> KernelSpec { try layer([8, 9, 10], kernel: 4, stride: 2, channels: 32, filters: 48, layout: layout) }
            return try cycles(spec(.channelsFirst), parameters) - cycles(spec(.channelsLast), parameters)
        }
        let (input, output) = (Double(8 * 9 * 10 * 32), Double(8 * 8 * 9 * 10 * 48))
        #expect(try abs(difference(FilterLanes(vectors: 2, tileWidth: 5)) - 0.4 * (input + output)) < 1)
        #expect(try abs(difference(MinimalFiltering(block: [1, 2, 3], vectors: 2, rows: 14)) - 0.4 * (2 * input + output)) < 1)
    }
}
