import Glibc
import Voxelsmith
import _TestSupport

// What layers compute, written a second time as loops over places in double precision, with how far a float32 computation may be from it.

/// Places of a tensor in row-major order.
enum Places {
    static func all(_ shape: [Int]) -> [[Int]] {
        shape.reduce([[]]) { places, extent in places.flatMap { place in (0..<extent).map { place + [$0] } } }
    }

    static func index(_ place: [Int], _ shape: [Int]) -> Int { zip(place, shape).reduce(0) { $0 * $1.1 + $1.0 } }

    /// Numbers of the elements that share a key.
    static func groups(_ shape: [Int], _ key: ([Int]) -> [Int]) -> [[Int]] {
        var groups: [[Int]: [Int]] = [:]
        for (index, place) in all(shape).enumerated() { groups[key(place), default: []].append(index) }
        return Array(groups.values)
    }
}

extension Bounded {
    private static let unit = ElementType.float32.unitRoundoff

    /// - Parameters:
    ///   - carried: what the errors of the inputs do to each element.
    ///   - magnitudes: of the terms that an element is the sum of; those of the elements themselves where nothing is summed.
    ///   - chain: roundings of one term on its way.
    init(_ shape: [Int], _ values: [Double], carried: [Double], magnitudes: [Double]? = nil, chain: Int = 2) {
        let factor = ErrorBound.gamma(chain, .float32)
        let own = zip(magnitudes ?? values.map(abs), carried).map { factor * ($0 + $1) + ElementType.float32.leastNormal }
        self.init(shape: shape, values: values, errors: zip(carried, own).map { $0 + $1 })
    }

    var most: Double { values.map(abs).max() ?? 0 }
    var isUsable: Bool { zip(values, errors).allSatisfy { $0.isFinite && $1.isFinite } }
    var rank: Int { shape.count }

    func reshaped(_ shape: [Int]) -> Bounded { Bounded(shape: shape, values: values, errors: errors) }

    /// Elements of other tensors, or zeros where `origin` has none.
    static func moved(to shape: [Int], _ origin: ([Int]) -> (tensor: Bounded, place: [Int])?) -> Bounded {
        var (values, errors): ([Double], [Double]) = ([], [])
        for place in Places.all(shape) {
            let source = origin(place).map { (tensor: $0.tensor, index: Places.index($0.place, $0.tensor.shape)) }
            values.append(source.map { $0.tensor.values[$0.index] } ?? 0)
            errors.append(source.map { $0.tensor.errors[$0.index] } ?? 0)
        }
        return Bounded(shape: shape, values: values, errors: errors)
    }

    /// Axis k of the result is axis `order[k]` of this.
    func permuted(_ order: [Int]) -> Bounded {
        Self.moved(to: order.map { shape[$0] }) { place in
            var origin = place
            for (axis, source) in order.enumerated() { origin[source] = place[axis] }
            return (self, origin)
        }
    }

    static func concatenated(_ xs: [Bounded], axis: Int) -> Bounded {
        var shape = xs[0].shape
        shape[axis] = xs.reduce(0) { $0 + $1.shape[axis] }
        return moved(to: shape) { place in
            var origin = place
            for x in xs {
                if origin[axis] < x.shape[axis] { return (x, origin) }
                origin[axis] -= x.shape[axis]
            }
            return nil
        }
    }

    /// Each element by itself.
    func mapped(_ function: (_ x: Double, _ error: Double) -> (value: Double, carried: Double)) -> Bounded {
        let results = zip(values, errors).map(function)
        return Bounded(shape, results.map(\.value), carried: results.map(\.carried))
    }

    /// A pointwise activation, or one along the last axis.
    func activated(_ activation: Activation) -> Bounded {
        switch activation {
        case .softmax: return softmax(axes: [rank - 1])
        case .logSoftmax, .sparsemax, .alongAxis: preconditionFailure("\(activation) is not drawn")
        default: break
        }
        let results = values.map { ScatterOracle.activate($0, activation) }
        let bounds = results.indices.map { index in
            let (x, error, value) = (values[index], errors[index], results[index])
            let carried = activation.jump(near: x, within: error) + activation.slope(near: x, within: error) * error
            return carried + activation.rounding(at: x, value: value, in: .float32) + 2 * Self.unit * carried + ElementType.float32.leastNormal
        }
        return Bounded(shape: shape, values: results, errors: bounds)
    }

    /// Arguments that are off by E change a share by at most exp(2 E) times; differences from the largest one are rounded too.
    func softmax(axes: [Int]) -> Bounded {
        var (results, bounds) = (values, errors)
        for group in Places.groups(shape, { place in place.enumerated().filter { !axes.contains($0.offset) }.map(\.element) }) {
            let largest = group.map { values[$0] }.max() ?? 0
            let sum = group.reduce(0) { $0 + exp(values[$1] - largest) }
            let spread = group.map { largest - values[$0] }.max() ?? 0
            let error = (group.map { errors[$0] }.max() ?? 0) + Self.unit * spread
            for index in group {
                results[index] = exp(values[index] - largest) / sum
                bounds[index] = results[index] * (expm1(2 * error) + 32 * Self.unit) + ElementType.float32.leastNormal
            }
        }
        return Bounded(shape: shape, values: results, errors: bounds)
    }

    /// `(x - shift) * factor + offset`, in at most eight roundings of numbers of that size.
    func affine(_ numbers: (_ place: [Int]) -> (shift: Double, factor: Double, offset: Double)) -> Bounded {
        var (results, carried, magnitudes): ([Double], [Double], [Double]) = ([], [], [])
        for (index, place) in Places.all(shape).enumerated() {
            let (shift, factor, offset) = numbers(place)
            results.append((values[index] - shift) * factor + offset)
            carried.append(errors[index] * abs(factor))
            magnitudes.append((abs(values[index]) + abs(shift)) * abs(factor) + abs(offset))
        }
        return Bounded(shape, results, carried: carried, magnitudes: magnitudes, chain: 8)
    }

    enum Pair: String, CaseIterable {
        case add = "Add", subtract = "Subtract", multiply = "Multiply", maximum = "Maximum", minimum = "Minimum"
    }

    /// Two tensors of as many axes, repeated along those of extent 1.
    func combined(_ pair: Pair, _ other: Bounded) -> Bounded {
        let whole = zip(shape, other.shape).map { max($0, $1) }
        func index(_ place: [Int], _ shape: [Int]) -> Int { Places.index(zip(place, shape).map { $1 == 1 ? 0 : $0 }, shape) }
        var (results, carried, magnitudes): ([Double], [Double], [Double]) = ([], [], [])
        for place in Places.all(whole) {
            let (i, j) = (index(place, shape), index(place, other.shape))
            let (x, y, dx, dy) = (values[i], other.values[j], errors[i], other.errors[j])
            switch pair {
            case .add: results.append(x + y)
            case .subtract: results.append(x - y)
            case .multiply: results.append(x * y)
            case .maximum: results.append(max(x, y))
            case .minimum: results.append(min(x, y))
            }
            switch pair {
            case .add, .subtract: carried.append(dx + dy)
            case .multiply: carried.append(abs(x) * dy + abs(y) * dx + dx * dy)
            case .maximum, .minimum: carried.append(max(dx, dy))
            }
            magnitudes.append(pair == .add || pair == .subtract ? abs(x) + abs(y) : abs(results.last ?? 0))
        }
        return Bounded(whole, results, carried: carried, magnitudes: magnitudes)
    }
}
