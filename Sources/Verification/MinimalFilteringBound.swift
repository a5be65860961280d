import VoxLayerSpec
import VoxScheduling
import VoxTensors

/// The error bound of a minimal-filtering kernel, from its transforms: gamma_n * sum |A^T| (|G||w|) (|B^T||x|), nested over the
/// axes, with n counting the roundings of all three stages.
package struct MinimalFilteringBound: RearrangedSumsBound {
    private let geometry: Geometry
    private let layout: Layout
    /// Per axis and output: taps and inputs that meet, with the weight of their product in the bound.
    private let pairs: [[[(tap: Int, input: Int, factor: Double)]]]

    /// Roundings that one output passes through.
    package let chain: Int
    /// By what factor the stages enlarge small integers at most, when halves in the transformed weights are counted as integers.
    private let growth: Int
    package var integerGrowth: Int { geometry.channelsPerGroup * growth }

    package init(_ spec: KernelSpec) {
        geometry = spec.geometry
        layout = spec.layout
        pairs = spec.gather.axes.map { axis in (0..<axis.results).map { Self.pairs(axis, output: $0) } }
        var chain = spec.geometry.channelsPerGroup + 1 + 1 + 1  // sums of products, the rounded weights, the bias
        var growth = 1
        for axis in spec.gather.axes {
            let taps = axis.longestChain
            chain += [0, 0, 2, 3][min(taps, 3)]  // additions of B^T and A^T
            growth *= [1, 1, 8, 18][min(taps, 3)]  // |B^T| |G| |A^T|, and a factor 2 for the halves in G
        }
        self.chain = chain
        self.growth = growth
    }

    /// Products of one axis behind one output. Tiles begin at the first position of any phase, as the schedule has them.
    private static func pairs(_ axis: AxisGather, output: Int) -> [(tap: Int, input: Int, factor: Double)] {
        let (r, q) = axis.phase(ofResult: output)
        let taps = Array(axis.taps(inPhase: r).map(\.tap).reversed())
        let first = axis.positions.lowerBound
        let count = taps.count
        guard count > 0, count < MinimalFilteringSchedule.forward.count else { return [] }
        let place = (q - first) % 2
        let forward = MinimalFilteringSchedule.forward[count]
        let weights = MinimalFilteringSchedule.weights[count]
        let inverse = MinimalFilteringSchedule.inverse[count]
        var pairs: [(tap: Int, input: Int, factor: Double)] = []
        for (number, tap) in taps.enumerated() {
            for entry in 0...count {
                // Of the window, seen from the tile's first position.
                guard let input = axis.source(position: q - place, lag: count - 1 - entry) else { continue }
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
        var sums = Array(repeating: 0.0, count: geometry.filters)
        for (index, weight) in weights.enumerated() {
            // (taps, filters of a group, channels)
            let (row, channel) = (index / geometry.channels % geometry.filtersPerGroup, index % geometry.channels)
            sums[channel / geometry.channelsPerGroup * geometry.filtersPerGroup + row] += abs(weight)
        }
        return sums.enumerated().map { spread * largest * $1 + abs(bias?[$0] ?? 0) }
    }

    package func filter(of result: Int) -> Int { position(of: result).filter }

    /// The filter of a result, and the number of its voxel over all samples, by its index in the result.
    package func position(of result: Int) -> (filter: Int, place: Int) {
        let volume = geometry.outputVolume
        switch layout {
        case .channelsLast: return (result % geometry.filters, result / geometry.filters)
        case .channelsFirst:
            return (result / volume % geometry.filters, result / (volume * geometry.filters) * volume + result % volume)
        }
    }

    /// sum |A^T| (|G||w|) (|B^T||x|) + |bias| of one result, by its index in the result.
    package func magnitude(of result: Int, input: [Double], weights: [Double], bias: [Double]?) -> Double {
        let volume = geometry.outputVolume
        let channels = geometry.channels
        let (filter, position) = position(of: result)
        var place = position
        let sample = place / volume
        place %= volume
        var outputs: [Int] = []
        for axis in geometry.axes.reversed() {
            outputs.insert(place % axis.output, at: 0)
            place /= axis.output
        }
        // Nested: (tap, input, factor) of the axes so far.
        var terms: [(tap: Int, input: Int, factor: Double)] = [(0, sample, 1)]
        for (axis, (list, output)) in zip(geometry.axes, zip(pairs, outputs)) {
            terms = terms.flatMap { term in
                list[output].map { (term.tap * axis.kernel + $0.tap, term.input * axis.input + $0.input, term.factor * $0.factor) }
            }
        }
        let (group, row) = filter.quotientAndRemainder(dividingBy: geometry.filtersPerGroup)
        var sum = 0.0
        for term in terms {
            let w = (term.tap * geometry.filtersPerGroup + row) * channels
            var products = 0.0
            for channel in group * geometry.channelsPerGroup..<(group + 1) * geometry.channelsPerGroup {
                let x = layout == .channelsLast
                    ? term.input * channels + channel
                    : (term.input / geometry.inputVolume * channels + channel) * geometry.inputVolume + term.input % geometry.inputVolume
                products += abs(input[x]) * abs(weights[w + channel])
            }
            sum += term.factor * products
        }
        return sum + abs(bias?[filter] ?? 0)
    }
}
