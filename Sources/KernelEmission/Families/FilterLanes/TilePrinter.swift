import VoxLayerSpec
import VoxScheduling

/// Makes the template's values for the variants of a tile plan, for blocks of one number of filters.
struct TilePrinter {
    private let schedule: Schedule
    private let resolved: FilterLanesSchedule
    private let layout: PackedLayout
    private let vectors: Int
    private let unitName: String
    private let suffix: String
    /// Filters that each vector stores.
    let storedLanes: [Int]
    /// How the vectors of merged groups read their channels; empty where groups are not merged.
    let groupReads: [GroupRead]

    /// - Parameter filters: filters of the block, at most those of a full one.
    init(_ schedule: Schedule, _ resolved: FilterLanesSchedule, filters: Int, unitName: String, suffix: String) {
        self.schedule = schedule
        self.resolved = resolved
        layout = resolved.packedLayout
        self.unitName = unitName
        self.suffix = suffix
        let perVector = layout.filtersPerVector
        vectors = filters.ceilingDivision(by: perVector)
        let lastLanes = filters - (vectors - 1) * perVector
        let stored = Array(repeating: perVector, count: vectors - 1) + [lastLanes]
        storedLanes = stored
        let gather = resolved.gather
        groupReads = !resolved.parameters.mergesGroups ? [] : (0..<gather.channelsPerGroup).flatMap { channel in
            stored.map {
                GroupRead(
                    filters: gather.filtersPerGroup, channels: gather.channelsPerGroup, channel: channel,
                    groups: $0 / gather.filtersPerGroup, lanes: resolved.packedLayout.lanes)
            }
        }
    }

    func name(_ variant: Int) -> String { "tile_\(variant)\(suffix)" }

    func tile(_ number: Int) -> LaneTile {
        let variant = resolved.tilePlan.variants[number]
        let activation = schedule.spec.epilogue.activation
        // What comes after the loops may need so many registers that the loops would spill. Where lanes are channels, the tree of sums is better
        // left in registers.
        let boxed = layout.pairsChannels || (!layout.channelsAreLanes && ActivationExpression.isHeavy(activation))
        let biasFirst = schedule.spec.epilogue.hasBias && !layout.pairsChannels && !layout.channelsAreLanes
        let places = variant.outputs.map { place in
            (place.row * resolved.gather.axes[2].results + place.column) * resolved.outputVoxel
        }
        let accumulators = variant.outputs.indices.flatMap { output in
            (0..<vectors).map { vector in
                LaneTile.Accumulator(
                    name: accumulator(output, vector), index: output * vectors + vector,
                    initial: biasFirst ? "vs_load(bias + \(vector * layout.filtersPerVector))" : "vs_splat(0)")
            }
        }
        return LaneTile(
            name: name(number),
            comment:
                """
                \(variant.outputs.count) outputs x \(vectors) vector\(vectors == 1 ? "" : "s") of filters, \(variant.useCount * vectors) \
                multiply-adds a channel step
                """,
            unitName: unitName, accumulators: accumulators, loops: variant.loops.map(loop), hasLoops: !variant.loops.isEmpty,
            boxed: boxed, sumCount: accumulators.count, outputCount: variant.outputs.count,
            places: places.map(String.init).joined(separator: ", "), stores: stores(places, activation, boxed: boxed))
    }

    private func accumulator(_ output: Int, _ vector: Int) -> String { vectors == 1 ? "a\(output)" : "a\(output)_\(vector)" }
    private func weight(_ tap: Int, _ vector: Int) -> String { vectors == 1 ? "w\(tap)" : "w\(tap)_\(vector)" }

    private func loop(_ loop: TilePlan.ChannelLoop) -> LaneTile.Loop {
        let comment = "\(loop.units.count) tap\(loop.units.count == 1 ? "" : "s"), \(loop.inputs.count) inputs"
        if resolved.parameters.mergesGroups {
            let channels = 0..<resolved.gather.channelsPerGroup
            return LaneTile.Loop(comment: comment, counted: [], straight: channels.map { groupChannel($0, loop) })
        }
        return LaneTile.Loop(comment: comment, counted: wholeSteps(loop), straight: lastStep(loop))
    }

    /// The weights of a loop's taps, `offset` elements behind the first of each tap.
    private func weights(_ loop: TilePlan.ChannelLoop, from offset: Int) -> [LaneTile.Weight] {
        let unit = vectors == layout.vectors ? layout.unit : layout.lastUnit
        return loop.units.enumerated().flatMap { tap, number in
            (0..<vectors).map { LaneTile.Weight(name: weight(tap, $0), offset: number * unit + offset + $0 * layout.lanes) }
        }
    }

    /// Every input of a loop and what it is multiplied with, for some of the vectors.
    /// - Parameters:
    ///   - loop: the loop.
    ///   - type: C's type of an input.
    ///   - range: the vectors.
    ///   - load: gives the C expression for the input that lies so many elements from the tile's first one.
    private func inputs(_ loop: TilePlan.ChannelLoop, _ type: String, _ range: Range<Int>, _ load: (Int) -> String) -> [LaneTile.Input] {
        let rowLength = resolved.gather.axes[2].sources
        return loop.inputs.enumerated().map { index, place in
            LaneTile.Input(
                type: type, load: load((place.row * rowLength + place.column) * resolved.inputVoxel),
                uses: loop.uses.filter { $0.input == index }.flatMap { use in
                    range.map { LaneTile.Use(accumulator: accumulator(use.output, $0), weight: weight(use.tap, $0)) }
                })
        }
    }

    /// One channel of every group, where groups are merged.
    private func groupChannel(_ channel: Int, _ loop: TilePlan.ChannelLoop) -> LaneTile.Rest {
        let gather = resolved.gather
        let vectorChannels = layout.filtersPerVector / gather.filtersPerGroup * gather.channelsPerGroup
        return LaneTile.Rest(
            comment: "channel \(channel) of every group", weights: weights(loop, from: channel * vectors * layout.lanes),
            inputs: (0..<vectors).flatMap { vector in
                inputs(loop, "vf", vector..<vector + 1) { offset in
                    groupReads[channel * vectors + vector].expression("xt + \(offset + vector * vectorChannels)")
                }
            })
    }

    /// The channels that fill whole vectors; all channels where a vector holds one.
    private func wholeSteps(_ loop: TilePlan.ChannelLoop) -> [LaneTile.Channels] {
        let perVector = layout.channelsPerVector
        let steps = resolved.gather.channelsPerGroup / perVector
        if steps == 0 { return [] }
        return [
            LaneTile.Channels(
                steps: steps, step: vectors * layout.lanes, unrolled: steps > 1 ? [resolved.parameters.unroll] : [], weights: weights(loop, from: 0),
                inputs: inputs(loop, perVector > 1 ? "vf" : "vs_real", 0..<vectors) { offset in
                    if perVector == 1 { return "xt[\(offset) + c]" }
                    return "\(layout.channelsAreLanes ? "vs_load" : "vs_pair")(xt + \(offset) + \(perVector) * c)"
                })
        ]
    }

    /// The channels that are left.
    private func lastStep(_ loop: TilePlan.ChannelLoop) -> [LaneTile.Rest] {
        let channels = resolved.gather.channelsPerGroup
        let (steps, tail) = channels.quotientAndRemainder(dividingBy: layout.channelsPerVector)
        if tail == 0 { return [] }
        return [
            LaneTile.Rest(
                comment: "the channels that fill no vector", weights: weights(loop, from: steps * vectors * layout.lanes),
                inputs: inputs(loop, "vf", 0..<vectors) {
                    layout.channelsAreLanes
                        ? "load_\(tail)(xt + \($0 + steps * layout.channelsPerVector))" : "vs_lonely(xt[\($0 + channels - 1)])"
                })
        ]
    }

    /// The function that stores a whole vector.
    private var wholeStore: String { resolved.parameters.streamsOutput && resolved.conversion == nil ? "vs_stream" : "vs_store" }

    private func stores(_ places: [Int], _ activation: Activation, boxed: Bool) -> [LaneTile.Statement] {
        func store(_ address: String, _ vector: Int, _ sum: String) -> LaneTile.Statement {
            let offset = vector * layout.filtersPerVector
            let to = offset == 0 ? address : "\(address) + \(offset)"
            // The schedule's activation is one that kernels apply, so it always has an expression.
            let value = ActivationExpression.apply(activation, to: sum, layout.type) ?? sum
            let function = storedLanes[vector] == layout.lanes
                ? wholeStore : "store_\(storedLanes[vector])"
            return .init(statement: "\(function)(\(to), \(value));")
        }
        if layout.channelsAreLanes { return sumsOfLanes(places, activation) }
        if !boxed {
            return places.enumerated().flatMap { output, place in
                (0..<vectors).map { store("y + \(place)", $0, accumulator(output, $0)) }
            }
        }
        return (0..<vectors).map { vector in
            let sum = "sums[i * \(vectors) + \(vector)]"
            guard layout.pairsChannels else { return store("out", vector, sum) }
            return store("out", vector, schedule.spec.epilogue.hasBias ? "vs_add_pairs(\(sum)) + vs_load(bias)" : "vs_add_pairs(\(sum))")
        }
    }

    /// The ends of a tile whose lanes are channels. As many accumulators as there are lanes become one vector of their sums, in the order of the
    /// results in memory, and results that lie side by side are stored together.
    private func sumsOfLanes(_ places: [Int], _ activation: Activation) -> [LaneTile.Statement] {
        let results = places.enumerated().flatMap { output, place in
            (0..<vectors).map { (place: place + $0 * resolved.filterStep, vector: $0, accumulator: accumulator(output, $0)) }
        }.sorted { $0.place < $1.place }
        var statements: [String] = []
        for start in stride(from: 0, to: results.count, by: layout.lanes) {
            let part = Array(results[start..<min(start + layout.lanes, results.count)])
            var level = part.map(\.accumulator)
            var width = 1
            // At every level vectors are added in pairs; one without a partner is added to zero, so that its lanes are added up too.
            let chunk = start / layout.lanes
            while width < layout.lanes {
                level = stride(from: 0, to: level.count, by: 2).map { index in
                    let name = "s\(chunk)_\(width)_\(index / 2)"
                    let partner = index + 1 < level.count ? level[index + 1] : "vs_splat(0)"
                    statements.append("const vf \(name) = vs_fold_\(width)(\(level[index]), \(partner));")
                    return name
                }
                width *= 2
            }
            let name = "r\(chunk)"
            var sum = level[0]
            if schedule.spec.epilogue.hasBias {
                let biases = (0..<layout.lanes).map { $0 < part.count ? "bias[\(part[$0].vector)]" : "0" }
                sum += vectors == 1 ? " + bias[0]" : " + (vf){\(biases.joined(separator: ", "))}"
            }
            // The schedule's activation is one that kernels apply, so it always has an expression.
            statements.append("const vf \(name) = \(ActivationExpression.apply(activation, to: sum, layout.type) ?? sum);")
            var first = 0
            while first < part.count {
                var end = first + 1
                while end < part.count, part[end].place == part[end - 1].place + 1 { end += 1 }
                if end - first == layout.lanes {
                    statements.append("\(wholeStore)(y + \(part[first].place), \(name));")
                } else {
                    statements += PartialStore.pieces(of: name, first..<end, to: "y", at: part[first].place, lanes: layout.lanes)
                }
                first = end
            }
        }
        return statements.map { .init(statement: $0) }
    }
}
