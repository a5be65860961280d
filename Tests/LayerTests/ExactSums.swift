import Glibc
import Voxelsmith
import _TestSupport

extension Bounded {
    // MARK: Normalizations

    /// Mean 0 and variance 1 over the elements that share a key, then a factor and an offset.
    ///
    /// With the elements off by e, differences from the mean are off by g = e + mean(e), and the deviation s, which is a length of them, by at
    /// most the root mean square h of g. So z = d / s is off by (g + |z| h) / (s - h).
    func standardized(epsilon: Double, _ key: ([Int]) -> [Int], _ scale: (_ place: [Int]) -> (gamma: Double, beta: Double)) -> Bounded {
        var (results, carried, magnitudes) = (values, errors, values)
        let places = Places.all(shape)
        for group in Places.groups(shape, key) {
            let count = Double(group.count)
            let mean = group.reduce(0) { $0 + values[$1] } / count
            let variance = group.reduce(0) { $0 + (values[$1] - mean) * (values[$1] - mean) } / count
            let deviation = (variance + epsilon).squareRoot()
            let meanError = group.reduce(0) { $0 + errors[$1] } / count
            let off = (group.reduce(0) { $0 + (errors[$1] + meanError) * (errors[$1] + meanError) } / count).squareRoot()
            let least = max(deviation - off, epsilon.squareRoot())
            for index in group {
                let (gamma, beta) = scale(places[index])
                let z = (values[index] - mean) / deviation
                results[index] = z * gamma + beta
                carried[index] = (errors[index] + meanError + abs(z) * off) / least * abs(gamma)
                magnitudes[index] = (abs(values[index]) + abs(mean)) / deviation * abs(gamma) + abs(beta)
            }
        }
        return Bounded(shape, results, carried: carried, magnitudes: magnitudes, chain: 8)
    }

    /// Divided by the length along some axes, which is off by no more than the length of the errors.
    func unit(axes: [Int], epsilon: Double) -> Bounded {
        var (results, carried) = (values, errors)
        for group in Places.groups(shape, { place in place.enumerated().filter { !axes.contains($0.offset) }.map(\.element) }) {
            let length = max(group.reduce(0) { $0 + values[$1] * values[$1] }.squareRoot(), epsilon)
            let off = group.reduce(0) { $0 + errors[$1] * errors[$1] }.squareRoot()
            for index in group {
                results[index] = values[index] / length
                carried[index] = (errors[index] + abs(results[index]) * off) / max(length - off, epsilon)
            }
        }
        return Bounded(shape, results, carried: carried, chain: 8)
    }

    // MARK: Windows

    enum Ends: String, CaseIterable { case same, valid }

    /// Windows along an axis as Keras counts them, and how many places the first begins before the input.
    static func windows(_ extent: Int, _ size: Int, _ stride: Int, _ ends: Ends) -> (count: Int, before: Int) {
        if ends == .valid { return ((extent - size) / stride + 1, 0) }
        let count = (extent + stride - 1) / stride
        return (count, max(0, (count - 1) * stride + size - extent) / 2)
    }

    /// The largest number or the mean of each window of a channels-last volume, without the places outside.
    func pooled(isMaximum: Bool, _ size: [Int], _ strides: [Int], _ ends: Ends) -> Bounded {
        let windows = (0..<3).map { Self.windows(shape[$0 + 1], size[$0], strides[$0], ends) }
        let result = [shape[0]] + windows.map(\.count) + [shape[4]]
        var (results, carried, magnitudes): ([Double], [Double], [Double]) = ([], [], [])
        for place in Places.all(result) {
            var inside: [Int] = []
            for offset in Places.all(size) {
                var source = place
                for axis in 0..<3 {
                    let start: Int = place[axis + 1] * strides[axis] - windows[axis].before
                    source[axis + 1] = start + offset[axis]
                }
                if (1...3).allSatisfy({ (0..<shape[$0]).contains(source[$0]) }) { inside.append(Places.index(source, shape)) }
            }
            let count = Double(inside.count)
            let off = inside.map { errors[$0] }
            results.append(isMaximum ? inside.map { values[$0] }.max() ?? 0 : inside.reduce(0) { $0 + values[$1] } / count)
            carried.append(isMaximum ? off.max() ?? 0 : off.reduce(0, +) / count)
            magnitudes.append(isMaximum ? 0 : inside.reduce(0) { $0 + abs(values[$1]) } / count)
        }
        return Bounded(result, results, carried: carried, magnitudes: magnitudes)
    }

    enum Fold { case mean, sum, maximum, minimum }

    /// A number of all elements that share their place along the other axes.
    func folded(_ fold: Fold, axes: [Int], keeps: Bool) -> Bounded {
        let whole = shape.enumerated().map { axes.contains($0.offset) ? 1 : $0.element }
        var groups = [[Int]](repeating: [], count: whole.reduce(1, *))
        for (index, place) in Places.all(shape).enumerated() { groups[Places.index(zip(place, whole).map { $1 == 1 ? 0 : $0 }, whole)].append(index) }
        var (results, carried, magnitudes): ([Double], [Double], [Double]) = ([], [], [])
        for group in groups {
            let (own, off) = (group.map { values[$0] }, group.map { errors[$0] })
            let count = fold == .mean ? Double(group.count) : 1
            switch fold {
            case .mean, .sum:
                results.append(own.reduce(0, +) / count)
                carried.append(off.reduce(0, +) / count)
                magnitudes.append(own.map(abs).reduce(0, +) / count)
            case .maximum, .minimum:
                results.append((fold == .maximum ? own.max() : own.min()) ?? 0)
                carried.append(off.max() ?? 0)
                magnitudes.append(0)
            }
        }
        let result = keeps ? whole : shape.indices.filter { !axes.contains($0) }.map { shape[$0] }
        return Bounded(result, results, carried: carried, magnitudes: magnitudes)
    }

    // MARK: Sums of products

    /// Terms of weights and inputs, added where they belong; the errors of the inputs beside them.
    private struct Sums {
        let shape: [Int]
        var values, carried, magnitudes: [Double]

        /// - Parameter bias: one number for each place of the last axis.
        init(_ shape: [Int], bias: [Double]?) {
            self.shape = shape
            let count = shape.reduce(1, *)
            values = (0..<count).map { bias?[$0 % (shape.last ?? 1)] ?? 0 }
            (carried, magnitudes) = (Array(repeating: 0, count: count), values.map(abs))
        }

        mutating func add(_ x: Bounded, _ source: Int, _ weight: Double, at place: Int) {
            values[place] += x.values[source] * weight
            carried[place] += x.errors[source] * abs(weight)
            magnitudes[place] += (abs(x.values[source]) + x.errors[source]) * abs(weight)
        }

        /// Four roundings beside those of the sum are room for weights that were multiplied by something first.
        func bounded(terms: Int) -> Bounded { Bounded(shape, values, carried: carried, magnitudes: magnitudes, chain: terms + 4) }
    }

    /// Keras's Conv3D of a channels-last volume. The kernel's axes: taps, channels of a group, filters.
    func convolved(
        _ kernel: [Double], _ taps: [Int], filters: Int, groups: Int, strides: [Int], dilation: [Int], _ ends: Ends, bias: [Double]?
    ) -> Bounded {
        let windows = (0..<3).map { Self.windows(shape[$0 + 1], (taps[$0] - 1) * dilation[$0] + 1, strides[$0], ends) }
        var sums = Sums([shape[0]] + windows.map(\.count) + [filters], bias: bias)
        let (inner, outer) = (shape[4] / groups, filters / groups)
        let (extents, results) = (Array(shape.dropLast()), Array(sums.shape.dropLast()))
        for place in Places.all(results) {
            for (tap, offset) in Places.all(taps).enumerated() {
                let source: [Int] = (0..<3).map { (axis: Int) -> Int in
                    let start: Int = place[axis + 1] * strides[axis] - windows[axis].before
                    return start + offset[axis] * dilation[axis]
                }
                if !(0..<3).allSatisfy({ (0..<shape[$0 + 1]).contains(source[$0]) }) { continue }
                let from = Places.index([place[0]] + source, extents) * shape[4]
                let to = Places.index(place, results) * filters
                for filter in 0..<filters {
                    for channel in 0..<inner {
                        sums.add(self, from + filter / outer * inner + channel, kernel[(tap * inner + channel) * filters + filter], at: to + filter)
                    }
                }
            }
        }
        return sums.bounded(terms: taps.reduce(inner, *) + 1)
    }

    /// Keras's Conv3DTranspose of a channels-last volume, whose taps are at least as many as its stride. The kernel's axes: taps, filters, channels.
    func spread(_ kernel: [Double], _ taps: [Int], filters: Int, strides: [Int], _ ends: Ends, bias: [Double]?) -> Bounded {
        let channels = shape[4]
        let beyond: [Int] = (0..<3).map { taps[$0] - strides[$0] }
        let before: [Int] = beyond.map { ends == .same ? $0 / 2 : 0 }
        let extents: [Int] = (0..<3).map { (axis: Int) -> Int in
            let inside: Int = shape[axis + 1] * strides[axis]
            return ends == .valid ? inside + beyond[axis] : inside
        }
        var sums = Sums([shape[0]] + extents + [filters], bias: bias)
        let (origins, results) = (Array(shape.dropLast()), Array(sums.shape.dropLast()))
        for place in Places.all(origins) {
            let from = Places.index(place, origins) * channels
            for (tap, offset) in Places.all(taps).enumerated() {
                let target: [Int] = (0..<3).map { (axis: Int) -> Int in
                    let whole: Int = place[axis + 1] * strides[axis] + offset[axis]
                    return whole - before[axis]
                }
                if !(0..<3).allSatisfy({ (0..<extents[$0]).contains(target[$0]) }) { continue }
                let to = Places.index([place[0]] + target, results) * filters
                for filter in 0..<filters {
                    for channel in 0..<channels {
                        sums.add(self, from + channel, kernel[(tap * filters + filter) * channels + channel], at: to + filter)
                    }
                }
            }
        }
        return sums.bounded(terms: taps.reduce(channels, *) + 1)
    }

    /// Rows times the columns of a kernel.
    func dense(_ kernel: [Double], units: Int, bias: [Double]?) -> Bounded {
        let channels = shape[rank - 1]
        var sums = Sums(shape.dropLast() + [units], bias: bias)
        for row in 0..<values.count / channels {
            for unit in 0..<units {
                for channel in 0..<channels { sums.add(self, row * channels + channel, kernel[channel * units + unit], at: row * units + unit) }
            }
        }
        return sums.bounded(terms: channels + 1)
    }

    /// Sums of products along an axis of either tensor, sample by sample.
    func dot(_ other: Bounded, axes: (Int, Int)) -> Bounded {
        let extent = shape[axes.0]
        let mine = Array(shape.enumerated().filter { $0.offset != axes.0 }.map(\.element))
        let theirs = Array(other.shape.enumerated().filter { $0.offset != axes.1 && $0.offset > 0 }.map(\.element))
        var (results, carried, magnitudes): ([Double], [Double], [Double]) = ([], [], [])
        for place in Places.all(mine + theirs) {
            var (sum, off, magnitude) = (0.0, 0.0, 0.0)
            for index in 0..<extent {
                var (i, j) = (Array(place.prefix(mine.count)), [place[0]] + place.dropFirst(mine.count))
                i.insert(index, at: axes.0)
                j.insert(index, at: axes.1)
                let (a, b) = (Places.index(i, shape), Places.index(j, other.shape))
                let (x, y, dx, dy) = (values[a], other.values[b], errors[a], other.errors[b])
                sum += x * y
                off += abs(x) * dy + abs(y) * dx + dx * dy
                magnitude += abs(x * y)
            }
            results.append(sum)
            carried.append(off)
            magnitudes.append(magnitude)
        }
        let result = mine + theirs
        return Bounded(result.count == 1 ? result + [1] : result, results, carried: carried, magnitudes: magnitudes, chain: extent + 1)
    }
}
