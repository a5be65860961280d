import LayerSpec
import Scheduling

/// Turns the variants of a tile plan into template contexts, for one size of filter block.
struct TilePrinter {
    private let schedule: Schedule
    private let resolved: FilterLanesSchedule
    private let layout: PackedLayout
    private let vectors: Int
    private let unitName: String
    private let suffix: String
    /// Filters that each vector stores.
    let storedLanes: [Int]

    /// - Parameter filters: filters of the block, at most those of a full one.
    init(_ schedule: Schedule, _ resolved: FilterLanesSchedule, filters: Int, unitName: String, suffix: String) {
        self.schedule = schedule
        self.resolved = resolved
        layout = resolved.packedLayout
        self.unitName = unitName
        self.suffix = suffix
        let perVector = layout.lanes / layout.channelsPerVector
        vectors = filters.ceilingDivision(by: perVector)
        let lastLanes = filters - (vectors - 1) * perVector
        storedLanes = Array(repeating: perVector, count: vectors - 1) + [lastLanes]
    }

    func name(_ variant: Int) -> String { "tile_\(variant)\(suffix)" }

    func tile(_ number: Int) -> FilterLanesContext.Tile {
        let variant = resolved.tilePlan.variants[number]
        let activation = schedule.spec.epilogue.activation
        // A tree of sums is better left to the registers; the other epilogues make the loops above spill.
        let boxed = layout.channelsPerVector == 2 || (layout.channelsPerVector == 1 && ActivationExpression.isHeavy(activation))
        let biasFirst = schedule.spec.epilogue.hasBias && layout.channelsPerVector == 1
        let places = variant.outputs.map { place in
            (place.row * schedule.spec.geometry.axes[2].output + place.column) * resolved.outputVoxel
        }
        let accumulators = variant.outputs.indices.flatMap { output in
            (0..<vectors).map { vector in
                FilterLanesContext.Accumulator(
                    name: accumulator(output, vector), index: output * vectors + vector,
                    initial: biasFirst ? "vs_load(bias + \(vector * layout.lanes))" : "vs_splat(0)")
            }
        }
        return FilterLanesContext.Tile(
            name: name(number),
            comment:
                "\(variant.outputs.count) outputs x \(vectors) vector\(vectors == 1 ? "" : "s") of filters, \(variant.useCount * vectors) multiply-adds a channel step",
            unitName: unitName, accumulators: accumulators, loops: variant.loops.map(loop), hasLoops: !variant.loops.isEmpty,
            boxed: boxed, sumCount: accumulators.count, outputCount: variant.outputs.count,
            places: places.map(String.init).joined(separator: ", "), stores: stores(places, activation, boxed: boxed))
    }

    private func accumulator(_ output: Int, _ vector: Int) -> String { vectors == 1 ? "a\(output)" : "a\(output)_\(vector)" }
    private func weight(_ tap: Int, _ vector: Int) -> String { vectors == 1 ? "w\(tap)" : "w\(tap)_\(vector)" }

    private func loop(_ loop: TilePlan.ChannelLoop) -> FilterLanesContext.Loop {
        let channels = schedule.spec.geometry.channelsPerGroup
        let voxel = resolved.inputVoxel
        let perVector = layout.channelsPerVector
        let lonely = channels % perVector != 0
        let steps = lonely ? layout.channelSteps - 1 : layout.channelSteps
        let step = vectors * layout.lanes
        let unit = layout.channelSteps * step
        func weights(from offset: Int) -> [FilterLanesContext.Weight] {
            loop.units.enumerated().flatMap { tap, number in
                (0..<vectors).map {
                    FilterLanesContext.Weight(name: weight(tap, $0), offset: number * unit + offset + $0 * layout.lanes)
                }
            }
        }
        func inputs(_ load: (Int) -> String) -> [FilterLanesContext.Input] {
            loop.inputs.enumerated().map { index, place in
                let offset = (place.row * schedule.spec.geometry.axes[2].input + place.column) * voxel
                return FilterLanesContext.Input(
                    type: perVector > 1 ? "vf" : "float", load: load(offset),
                    uses: loop.uses.filter { $0.input == index }.flatMap { use in
                        (0..<vectors).map {
                            FilterLanesContext.Use(accumulator: accumulator(use.output, $0), weight: weight(use.tap, $0))
                        }
                    })
            }
        }
        return FilterLanesContext.Loop(
            comment: "\(loop.units.count) tap\(loop.units.count == 1 ? "" : "s"), \(loop.inputs.count) inputs", steps: steps, step: step,
            unrolled: steps > 1 ? [resolved.parameters.unroll] : [],
            weights: steps > 0 ? weights(from: 0) : [],
            inputs: steps > 0
                ? inputs { offset in
                    switch perVector {
                    case 1: "xt[\(offset) + c]"
                    case 2: "vs_pair(xt + \(offset) + 2 * c)"
                    default: "vs_load(xt + \(offset) + \(perVector) * c)"
                    }
                } : [],
            lonely: lonely
                ? [
                    .init(
                        weights: weights(from: steps * step),
                        inputs: inputs { perVector == 2 ? "vs_lonely(xt[\($0 + channels - 1)])" : "load_tail(xt + \($0 + steps * perVector))" })
                ] : [])
    }

    private func stores(_ places: [Int], _ activation: Activation, boxed: Bool) -> [FilterLanesContext.Store] {
        func store(_ address: String, _ vector: Int, _ sum: String) -> FilterLanesContext.Store {
            let offset = vector * layout.lanes
            let to = offset == 0 ? address : "\(address) + \(offset)"
            // The schedule's activation is pointwise, so it always has an expression.
            let value = ActivationExpression.apply(activation, to: sum) ?? sum
            let function = storedLanes[vector] == layout.lanes
                ? (resolved.parameters.streamsOutput && resolved.conversion == nil ? "vs_stream" : "vs_store") : "store_\(storedLanes[vector])"
            return .init(statement: "\(function)(\(to), \(value));")
        }
        if layout.channelsPerVector == layout.lanes { return sumsOfLanes(places, activation) }
        if !boxed {
            return places.enumerated().flatMap { output, place in
                (0..<vectors).map { store("y + \(place)", $0, accumulator(output, $0)) }
            }
        }
        return (0..<vectors).map { vector in
            let sum = "sums[i * \(vectors) + \(vector)]"
            guard layout.channelsPerVector == 2 else { return store("out", vector, sum) }
            return store("out", vector, schedule.spec.epilogue.hasBias ? "vs_add_pairs(\(sum)) + vs_load(bias)" : "vs_add_pairs(\(sum))")
        }
    }

    /// Where lanes are channels: as many accumulators as there are lanes are summed into one vector, in the order in which their
    /// results lie, and stored in runs.
    private func sumsOfLanes(_ places: [Int], _ activation: Activation) -> [FilterLanesContext.Store] {
        let results = places.enumerated().flatMap { output, place in
            (0..<vectors).map { (place: place + $0 * resolved.filterStep, vector: $0, accumulator: accumulator(output, $0)) }
        }.sorted { $0.place < $1.place }
        var statements: [String] = []
        for start in stride(from: 0, to: results.count, by: layout.lanes) {
            let part = Array(results[start..<min(start + layout.lanes, results.count)])
            var level = part.map(\.accumulator)
            var width = 1
            // A missing partner stands for zero: the tree only grows as deep as there are accumulators, lanes are folded in any case.
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
            // The schedule's activation is pointwise, so it always has an expression.
            statements.append("const vf \(name) = \(ActivationExpression.apply(activation, to: sum) ?? sum);")
            var first = 0
            while first < part.count {
                var end = first + 1
                while end < part.count, part[end].place == part[end - 1].place + 1 { end += 1 }
                if end - first == layout.lanes {
                    statements.append("vs_store(y + \(part[first].place), \(name));")
                } else {
                    statements += PartialStore.pieces(of: name, first..<end, to: "y", at: part[first].place, lanes: layout.lanes)
                }
                first = end
            }
        }
        return statements.map { .init(statement: $0) }
    }
}
