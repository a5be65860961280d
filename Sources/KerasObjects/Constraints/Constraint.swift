import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

/// A projection of a weight, applied after a step of an optimizer; never when the weight is made or set.
public protocol Constraint: KerasObject, ConstraintArgument {
    /// - Returns: a tensor of the same shape and element type.
    func callAsFunction(_ w: Tensor) throws -> Tensor
}

/// What a constraint may be: an object, or its name.
public protocol ConstraintArgument: Sendable {
    /// - Throws: `ArgumentError.unknownObject` for another name, and what the maker of a registered one throws.
    func resolvedConstraint() throws -> any Constraint
}

extension Constraint {
    /// Itself.
    public func resolvedConstraint() throws -> any Constraint { self }
}

/// The axes a norm is taken over: written `0` or `[0, 1, 2, 4]`. Axis 0 of the kernel is its depth; [0, 1, 2, 4] gives a norm per
/// output filter, [0, 1, 2, 3] one per input channel.
public struct ConstraintAxes: Hashable, Sendable, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
    /// The axes, counted from the end where negative.
    public let values: [Int]
    private let isList: Bool

    /// One axis, written as a number in configs.
    public init(_ axis: Int) { (values, isList) = ([axis], false) }
    /// Several axes, written as a list in configs.
    public init(_ axes: [Int]) { (values, isList) = (axes, true) }
    public init(integerLiteral value: Int) { self.init(value) }
    public init(arrayLiteral elements: Int...) { self.init(elements) }

    var json: JSONValue { isList ? JSONValue(values) : .integer(values.first ?? 0) }

    /// From a config's `axis`; 0 when absent.
    init(_ reader: ConfigReader) throws {
        self = reader.value("axis")?.array == nil
            ? ConstraintAxes(try reader.integer("axis") ?? 0) : ConstraintAxes(try reader.integers("axis") ?? [])
    }

    /// Multiplies every element by a function of the norm of the elements that differ from it in these axes only.
    /// - Parameter scale: of the norm, sqrt(sum w^2).
    /// - Throws: `SpecError.axis` for an axis the tensor does not have.
    func rescale(_ w: Tensor, by scale: (Double) -> Double) throws -> Tensor {
        let reduced = Set(try values.map { try Activation.index(ofAxis: $0, rank: w.shape.count) })
        if w.elementCount == 0 { return w }
        // Strides of the tensor of norms: 0 along the axes that are summed.
        var strides = Array(repeating: 0, count: w.shape.count)
        var count = 1
        for axis in w.shape.indices.reversed() where !reduced.contains(axis) {
            strides[axis] = count
            count *= w.shape[axis]
        }
        func norm(of index: Int) -> Int {
            var (rest, result) = (index, 0)
            for axis in w.shape.indices.reversed() {
                result += rest % w.shape[axis] * strides[axis]
                rest /= w.shape[axis]
            }
            return result
        }
        let elements = w.doubles
        var norms = Array(repeating: 0.0, count: count)
        for (index, value) in elements.enumerated() { norms[norm(of: index)] += value * value }
        let scales = norms.map { scale($0.squareRoot()) }
        var index = 0
        return try Tensor(w.shape, w.elementType) {
            defer { index += 1 }
            return elements[index] * scales[norm(of: index)]
        }
    }
}

/// The names of Keras's constraints.
package enum Constraints {
    static let module = "keras.constraints"

    private static let makers: [String: @Sendable (ConfigReader) throws -> any Constraint] = [
        "MaxNorm": { try MaxNorm($0.number("max_value", special: .infinity) ?? 2, axis: ConstraintAxes($0)) },
        "UnitNorm": { try UnitNorm(axis: ConstraintAxes($0)) },
        "MinMaxNorm": {
            try MinMaxNorm(
                $0.number("min_value") ?? 0, $0.number("max_value", special: .infinity) ?? 1, rate: $0.number("rate") ?? 1,
                axis: ConstraintAxes($0))
        },
        "NonNeg": { _ in NonNeg() },
        "RadialConstraint": { _ in RadialConstraint() },
    ]
    private static let arguments: [String: Set<String>] = [
        "MaxNorm": ["max_value", "axis"], "UnitNorm": ["axis"], "MinMaxNorm": ["min_value", "max_value", "rate", "axis"],
    ]
    private static let names = [
        "max_norm": "MaxNorm", "unit_norm": "UnitNorm", "min_max_norm": "MinMaxNorm", "non_neg": "NonNeg",
        "radial_constraint": "RadialConstraint",
    ]

    package static let keras3 = ObjectTable<any Constraint>(kind: "constraint", makers: makers, aliases: names, arguments: arguments)

    /// With the names Keras 2 knew besides.
    package static let keras2 = ObjectTable<any Constraint>(
        kind: "constraint", makers: makers,
        aliases: names.merging(["maxnorm": "MaxNorm", "unitnorm": "UnitNorm", "nonneg": "NonNeg", "minmaxnorm": "MinMaxNorm"]) { $1 },
        arguments: arguments)
}
