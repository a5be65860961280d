import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

/// The kernel and bias of a convolution with the batch normalizations around it folded in. Products and sums are in double precision and rounded
/// once to the type of the kernel.
struct FoldedWeights {
    let kernel: Tensor
    let bias: Tensor?

    /// What normalizations in a row do to each channel: `x * scale + shift`.
    struct Affine {
        var scales: [Double]
        var shifts: [Double]

        /// - Parameter count: of channels.
        init(_ normalizations: [(scales: [Double], shifts: [Double])], count: Int) {
            scales = Array(repeating: 1, count: count)
            shifts = Array(repeating: 0, count: count)
            for next in normalizations {
                for channel in 0..<count {
                    scales[channel] *= next.scales[channel]
                    shifts[channel] = shifts[channel] * next.scales[channel] + next.shifts[channel]
                }
            }
        }
    }

    /// - Parameters:
    ///   - config: of the convolution; says whether there is a bias afterwards.
    ///   - kernel: as the layer has it.
    ///   - bias: likewise.
    ///   - before: what is done to the channels of the input.
    ///   - after: what is done to the filters of the result.
    ///   - taps: per axis the taps that every result has; nil where that differs between results, and `before` adds nothing.
    /// - Returns: nil where a number of the result is not finite, or where one that is not 0 has become too small for the precision of its type.
    init?(_ config: LayerConfig, kernel: Tensor, bias: Tensor?, before: Affine, after: Affine, taps: [[Int]]?) throws {
        let places = KernelPlaces(config, shape: kernel.shape)
        var weights = kernel.doubles
        var sums = bias?.doubles ?? Array(repeating: 0, count: config.filters)
        for index in weights.indices {
            let place = places[index]
            // From the weights as they are: what is added to a channel has its factor behind it.
            if let taps, places.isAmong(taps, index) { sums[place.filter] += before.shifts[place.channel] * weights[index] }
        }
        let smallest = kernel.elementType == .float64 ? Double.leastNormalMagnitude : Double(Float.leastNormalMagnitude)
        for index in weights.indices {
            let place = places[index]
            let factor = before.scales[place.channel] * after.scales[place.filter]
            let folded = weights[index] * factor
            // A factor of 0 takes a channel out, and the weight is 0 then.
            if weights[index] != 0, before.scales[place.channel] != 0, after.scales[place.filter] != 0, !(abs(folded) >= smallest) { return nil }
            weights[index] = folded
        }
        for filter in sums.indices { sums[filter] = sums[filter] * after.scales[filter] + after.shifts[filter] }
        self.kernel = try Tensor(shape: kernel.shape, weights).cast(to: kernel.elementType)
        self.bias = config.useBias ? try Tensor(shape: [config.filters], sums).cast(to: kernel.elementType) : nil
        if !(self.kernel.doubles + (self.bias?.doubles ?? [])).allSatisfy(\.isFinite) { return nil }
    }
}

/// Which channel, filter and tap each number of a kernel tensor belongs to.
struct KernelPlaces {
    private let kernelSize: [Int]
    private let isTransposed: Bool
    /// The last two extents: (filters / groups, channels) of a transposed convolution, (channels / groups, filters) of an ordinary one.
    private let inner: Int
    private let outer: Int
    private let groups: Int

    init(_ config: LayerConfig, shape: [Int]) {
        kernelSize = config.kernelSize
        isTransposed = config.kind == .transposed
        (inner, outer) = (shape[shape.count - 2], shape[shape.count - 1])
        groups = config.groups
    }

    /// The features of the last axis are those of all groups, one group after another; those of the axis before it are counted in a group.
    subscript(index: Int) -> (channel: Int, filter: Int) {
        let last = index % outer
        let group = last / (outer / groups)
        let other = group * inner + index / outer % inner
        return isTransposed ? (channel: last, filter: other) : (channel: other, filter: last)
    }

    /// Whether the tap of a number is among the taps of every axis.
    func isAmong(_ taps: [[Int]], _ index: Int) -> Bool {
        var rest = index / outer / inner
        for axis in kernelSize.indices.reversed() {
            if !taps[axis].contains(rest % kernelSize[axis]) { return false }
            rest /= kernelSize[axis]
        }
        return true
    }
}
