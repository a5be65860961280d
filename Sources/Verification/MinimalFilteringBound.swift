import VoxLayerSpec
import VoxScheduling
import VoxTensors

/// The error bound of a minimal-filtering kernel, from its transforms: gamma_n * sum |A^T| (|G||w|) (|B^T||x|), nested over the
/// axes, with n counting the roundings of all three stages.
package struct MinimalFilteringBound: RearrangedSumsBound {
    private let gather: Gather
    private let layout: Layout
    /// Per axis and output: taps and inputs that meet, with the weight of their product in the bound.
    private let pairs: [[[(tap: Int, input: Int, factor: Double)]]]

    /// Roundings that one output passes through.
    package let chain: Int
    /// By what factor the stages enlarge small integers at most, when halves in the transformed weights are counted as integers.
    private let growth: Int
    package var integerGrowth: Int { gather.channelsPerGroup * growth }

    package init(_ spec: KernelSpec) {
        let gather = spec.gather
        self.gather = gather
        layout = spec.layout
        pairs = gather.axes.map { axis in (0..<axis.results).map { Self.pairs(axis, output: $0) } }
        // Taps of the parts whose products are added up for one result: of a transposed convolution there is one.
        let parts = gather.axes.map { axis in
            (0..<axis.phases).map { WindowPart.parts(axis, phase: $0).map(\.taps.count) }.max { ($0.max() ?? 0) < ($1.max() ?? 0) } ?? []
        }
        var products = gather.channelsPerGroup
        var additions = 0
        var growth = 1
        for taps in parts {
            let most = min(taps.max() ?? 0, 3)
            products *= taps.count
            additions += [0, 0, 2, 3][most]  // of B^T and A^T
            // |B^T| |G| |A^T|; where one part has halves in G, those of all count twice.
            growth *= taps.reduce(0) { $0 + [1, 1, 8, 9][min($1, 3)] } * (most == 3 ? 2 : 1)
        }
        chain = products + additions + 1 + 1 + 1  // the rounded weights, the bias
        self.growth = growth
    }

    /// Products of one axis behind one output. Tiles begin at the first position of any phase, as the schedule has them.
    private static func pairs(_ axis: AxisGather, output: Int) -> [(tap: Int, input: Int, factor: Double)] {
        let (r, q) = axis.phase(ofResult: output)
        let place = (q - axis.positions.lowerBound) % 2
        return WindowPart.parts(axis, phase: r).flatMap { pairs(axis, $0, position: q, place: place) }
    }

    /// Those of one part of the kernel.
    /// - Parameters:
    ///   - position: of the output.
    ///   - place: whether it is the first or the second of its tile.
    private static func pairs(
        _ axis: AxisGather, _ part: WindowPart, position: Int, place: Int
    ) -> [(tap: Int, input: Int, factor: Double)] {
        let count = part.taps.count
        guard count < MinimalFilteringSchedule.forward.count else { return [] }
        let forward = MinimalFilteringSchedule.forward[count]
        let weights = MinimalFilteringSchedule.weights[count]
        let inverse = MinimalFilteringSchedule.inverse[count]
        var pairs: [(tap: Int, input: Int, factor: Double)] = []
        for (number, tap) in part.taps.enumerated() {
            for entry in 0...count {
                // Of the window, seen from the tile's first position.
                guard let input = axis.source(position: position - place, lag: part.lag(ofEntry: entry)) else { continue }
                let factor = (0...count).reduce(0.0) { sum, point in
                    let product: Double = abs(inverse[place][point]) * abs(weights[point][number]) * abs(forward[point][entry])
                    return sum + product
                }
                if factor > 0 { pairs.append((tap, input, factor)) }
            }
        }
        return pairs
    }

    /// A number that no result's magnitude exceeds, for each filter: the largest input times the sums of weights, times the
    /// most that the transforms spread one tap's weight over a window.
    package func largestMagnitudes(input: [Double], weights: [Double], bias: [Double]?) -> [Double] {
        let spread = pairs.reduce(1.0) { product, outputs in
            product * (outputs.map { list in
                Dictionary(grouping: list, by: \.tap).values.map { reads in reads.reduce(0) { $0 + $1.factor } }.max() ?? 0
            }.max() ?? 0)
        }
        let largest = input.reduce(0) { max($0, abs($1)) }
        return (0..<gather.filters).map { filter in
            var sum = 0.0
            for tap in 0..<gather.tapCount {
                for channel in 0..<gather.channelsPerGroup { sum += abs(weights[place(ofTap: tap, channel: channel, filter: filter)]) }
            }
            return spread * largest * sum + abs(bias?[filter] ?? 0)
        }
    }

    /// Where a weight stands in the kernel tensor.
    /// - Parameter channel: of the filter's group.
    private func place(ofTap tap: Int, channel: Int, filter: Int) -> Int {
        let (group, own) = filter.quotientAndRemainder(dividingBy: gather.filtersPerGroup)
        let steps = gather.weights
        return tap * steps.tap + group * steps.group + channel * steps.channel + own * steps.filter
    }

    package func filter(of result: Int) -> Int { position(of: result).filter }

    /// The filter of a result, and the number of its voxel over all samples, by its index in the result.
    package func position(of result: Int) -> (filter: Int, place: Int) {
        let (volume, filters) = (gather.resultVolume, gather.filters)
        switch layout {
        case .channelsLast: return (result % filters, result / filters)
        case .channelsFirst: return (result / volume % filters, result / (volume * filters) * volume + result % volume)
        }
    }

    /// sum |A^T| (|G||w|) (|B^T||x|) + |bias| of one result, by its index in the result.
    package func magnitude(of result: Int, input: [Double], weights: [Double], bias: [Double]?) -> Double {
        let (filter, position) = position(of: result)
        let (sample, place) = position.quotientAndRemainder(dividingBy: gather.resultVolume)
        var rest = place
        var outputs: [Int] = []
        for axis in gather.axes.reversed() {
            outputs.insert(rest % axis.results, at: 0)
            rest /= axis.results
        }
        // Nested: (tap, input, factor) of the axes so far.
        var terms: [(tap: Int, input: Int, factor: Double)] = [(0, sample, 1)]
        for (axis, (list, output)) in zip(gather.axes, zip(pairs, outputs)) {
            terms = terms.flatMap { term in
                list[output].map { (term.tap * axis.kernel + $0.tap, term.input * axis.sources + $0.input, term.factor * $0.factor) }
            }
        }
        let (channels, volume) = (gather.channels, gather.sourceVolume)
        let first = filter / gather.filtersPerGroup * gather.channelsPerGroup
        var sum = 0.0
        for term in terms {
            var products = 0.0
            for channel in 0..<gather.channelsPerGroup {
                let x = layout == .channelsLast
                    ? term.input * channels + first + channel
                    : (term.input / volume * channels + first + channel) * volume + term.input % volume
                products += abs(input[x]) * abs(weights[self.place(ofTap: term.tap, channel: channel, filter: filter)])
            }
            sum += term.factor * products
        }
        return sum + abs(bias?[filter] ?? 0)
    }
}
