import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

/// Random values whose variance follows from the number of inputs or outputs of a unit.
///
/// Keras reads these fans off the last two axes of the stored weight as (in, out). A transposed convolution stores its kernel as
/// (..., filters, channels), so there fan in is filters times taps and fan out channels times taps, the wrong way round; this
/// does as Keras does. The fans of a bias are both its length. `inputAxes` and `outputAxes` together replace the rule.
public struct VarianceScaling: SeededInitializer {
    /// Variance times the number of units.
    public let scale: Double
    /// What the variance is divided by.
    public let mode: Mode
    /// What values are drawn from.
    public let distribution: Distribution
    /// Axes whose product is the fan in, respectively the fan out, when both are given.
    public let inputAxes: [Int]?
    /// As `inputAxes`.
    public let outputAxes: [Int]?
    /// Where the random numbers come from.
    public let source: Seed

    /// What the variance is divided by.
    public enum Mode: String, CaseIterable, Hashable, Sendable {
        case fanIn = "fan_in"
        case fanOut = "fan_out"
        case fanAverage = "fan_avg"
    }

    /// What values are drawn from.
    public enum Distribution: String, CaseIterable, Hashable, Sendable {
        case uniform
        /// Of the wanted variance after truncation at two standard deviations.
        case truncatedNormal = "truncated_normal"
        case untruncatedNormal = "untruncated_normal"
    }

    /// - Parameters:
    ///   - scale: of the variance.
    ///   - mode: which fan divides the variance.
    ///   - distribution: what is drawn from.
    ///   - seed: equal seeds give equal values; nil draws one.
    ///   - inputAxes: axes of the shape that count as inputs; nil for Keras's rule.
    ///   - outputAxes: axes that count as outputs; nil for Keras's rule.
    /// - Throws: `ArgumentError.value` unless the scale is positive.
    public init(
        scale: Double = 1, mode: Mode = .fanIn, distribution: Distribution = .truncatedNormal, seed: Int? = nil,
        inputAxes: [Int]? = nil, outputAxes: [Int]? = nil
    ) throws(ArgumentError) {
        if !(scale > 0) { throw .value(argument: "scale", received: "\(scale)", expected: "a positive number") }
        self.init(
            legal: scale, mode: mode, distribution: distribution, source: Seed(seed), inputAxes: inputAxes, outputAxes: outputAxes)
    }

    /// With Keras's names for mode and distribution; "normal" is the older name of "truncated_normal".
    /// - Throws: `ArgumentError.value` for another name, and a scale that is not positive.
    @_disfavoredOverload
    public init(
        scale: Double = 1, mode: String = Mode.fanIn.rawValue, distribution: String = Distribution.truncatedNormal.rawValue, seed: Int? = nil,
        inputAxes: [Int]? = nil, outputAxes: [Int]? = nil
    ) throws(ArgumentError) {
        guard let knownMode = Mode(rawValue: mode) else {
            throw .value(argument: "mode", received: "\"\(mode)\"", expected: "fan_in, fan_out or fan_avg")
        }
        let name = distribution.lowercased()
        guard let known = name == "normal" ? .truncatedNormal : Distribution(rawValue: name) else {
            throw .value(
                argument: "distribution", received: "\"\(distribution)\"", expected: "uniform, truncated_normal or untruncated_normal")
        }
        try self.init(scale: scale, mode: knownMode, distribution: known, seed: seed, inputAxes: inputAxes, outputAxes: outputAxes)
    }

    fileprivate init(
        legal scale: Double, mode: Mode, distribution: Distribution, source: Seed, inputAxes: [Int]?, outputAxes: [Int]?
    ) {
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.source = source
        self.inputAxes = inputAxes
        self.outputAxes = outputAxes
    }


    public func getConfig() -> JSONObject {
        [
            "seed": source.json, "scale": .number(scale), "mode": .string(mode.rawValue),
            "distribution": .string(distribution.rawValue), "input_axes": Self.json(inputAxes), "output_axes": Self.json(outputAxes),
        ]
    }

    fileprivate static func json(_ axes: [Int]?) -> JSONValue { axes.map { JSONValue($0) } ?? .null }

    /// The fans of a weight of this shape.
    /// - Throws: `SpecError.axis` for an axis the shape does not have.
    func fans(_ shape: [Int]) throws -> (in: Double, out: Double) {
        if let inputAxes, let outputAxes {
            func product(_ axes: [Int]) throws -> Double {
                try axes.reduce(1) { try $0 * Double(shape[Activation.index(ofAxis: $1, rank: shape.count)]) }
            }
            return (try product(inputAxes), try product(outputAxes))
        }
        let last = Double(shape.last ?? 1)
        if shape.count < 2 { return (last, last) }
        let field = shape.dropLast(2).reduce(1) { $0 * Double($1) }
        return (Double(shape[shape.count - 2]) * field, last * field)
    }

    /// The values of a weight of this shape.
    public func callAsFunction(_ shape: [Int], _ elementType: ElementType) throws -> Tensor {
        let fans = try fans(shape)
        let units =
            switch mode {
            case .fanIn: fans.in
            case .fanOut: fans.out
            case .fanAverage: (fans.in + fans.out) / 2
            }
        let variance = scale / max(1, units)
        var random = source.generator
        switch distribution {
        case .uniform:
            let limit = (3 * variance).squareRoot()
            return try Tensor(shape, elementType) { (2 * random.unit() - 1) * limit }
        case .truncatedNormal:
            // The standard deviation of a standard normal truncated at 2.
            let stddev = variance.squareRoot() / 0.87962566103423978
            return try Tensor(shape, elementType) { stddev * random.truncatedNormal() }
        case .untruncatedNormal:
            let stddev = variance.squareRoot()
            return try Tensor(shape, elementType) { stddev * random.normal() }
        }
    }
}

/// A `VarianceScaling` with a name of its own.
public protocol NamedVarianceScaling: SeededInitializer {
    /// What it computes.
    var scaling: VarianceScaling { get }
    /// - Parameters:
    ///   - seed: equal seeds give equal values; nil draws one.
    ///   - inputAxes: as in `VarianceScaling`.
    ///   - outputAxes: as `inputAxes`.
    init(seed: Int?, inputAxes: [Int]?, outputAxes: [Int]?)
}

extension NamedVarianceScaling {
    /// Where the random numbers come from.
    public var source: Seed { scaling.source }

    public func getConfig() -> JSONObject {
        var config = scaling.getConfig()
        for key in ["scale", "mode", "distribution"] { config[key] = nil }
        return config
    }

    /// The values of a weight of this shape.
    public func callAsFunction(_ shape: [Int], _ elementType: ElementType) throws -> Tensor { try scaling(shape, elementType) }
}

/// Glorot and Bengio 2010: uniform within sqrt(6 / (fan in + fan out)). The fans are those of `VarianceScaling`.
public struct GlorotUniform: NamedVarianceScaling {
    /// What it computes.
    public let scaling: VarianceScaling

    /// - Parameters:
    ///   - seed: equal seeds give equal values; nil draws one.
    ///   - inputAxes: axes of the shape that count as inputs; nil for Keras's rule.
    ///   - outputAxes: axes that count as outputs; nil for Keras's rule.
    public init(seed: Int? = nil, inputAxes: [Int]? = nil, outputAxes: [Int]? = nil) {
        scaling = VarianceScaling(
            legal: 1, mode: .fanAverage, distribution: .uniform, source: Seed(seed), inputAxes: inputAxes, outputAxes: outputAxes)
    }
}

/// Glorot and Bengio 2010: truncated normal of variance 2 / (fan in + fan out). The fans are those of `VarianceScaling`.
public struct GlorotNormal: NamedVarianceScaling {
    /// What it computes.
    public let scaling: VarianceScaling

    /// - Parameters:
    ///   - seed: equal seeds give equal values; nil draws one.
    ///   - inputAxes: axes of the shape that count as inputs; nil for Keras's rule.
    ///   - outputAxes: axes that count as outputs; nil for Keras's rule.
    public init(seed: Int? = nil, inputAxes: [Int]? = nil, outputAxes: [Int]? = nil) {
        scaling = VarianceScaling(
            legal: 1, mode: .fanAverage, distribution: .truncatedNormal, source: Seed(seed), inputAxes: inputAxes, outputAxes: outputAxes)
    }
}

/// He et al. 2015: uniform within sqrt(6 / fan in). The fans are those of `VarianceScaling`.
public struct HeUniform: NamedVarianceScaling {
    /// What it computes.
    public let scaling: VarianceScaling

    /// - Parameters:
    ///   - seed: equal seeds give equal values; nil draws one.
    ///   - inputAxes: axes of the shape that count as inputs; nil for Keras's rule.
    ///   - outputAxes: axes that count as outputs; nil for Keras's rule.
    public init(seed: Int? = nil, inputAxes: [Int]? = nil, outputAxes: [Int]? = nil) {
        scaling = VarianceScaling(
            legal: 2, mode: .fanIn, distribution: .uniform, source: Seed(seed), inputAxes: inputAxes, outputAxes: outputAxes)
    }
}

/// He et al. 2015: truncated normal of variance 2 / fan in. The fans are those of `VarianceScaling`.
public struct HeNormal: NamedVarianceScaling {
    /// What it computes.
    public let scaling: VarianceScaling

    /// - Parameters:
    ///   - seed: equal seeds give equal values; nil draws one.
    ///   - inputAxes: axes of the shape that count as inputs; nil for Keras's rule.
    ///   - outputAxes: axes that count as outputs; nil for Keras's rule.
    public init(seed: Int? = nil, inputAxes: [Int]? = nil, outputAxes: [Int]? = nil) {
        scaling = VarianceScaling(
            legal: 2, mode: .fanIn, distribution: .truncatedNormal, source: Seed(seed), inputAxes: inputAxes, outputAxes: outputAxes)
    }
}

/// LeCun et al. 1998: uniform within sqrt(3 / fan in). The fans are those of `VarianceScaling`.
public struct LecunUniform: NamedVarianceScaling {
    /// What it computes.
    public let scaling: VarianceScaling

    /// - Parameters:
    ///   - seed: equal seeds give equal values; nil draws one.
    ///   - inputAxes: axes of the shape that count as inputs; nil for Keras's rule.
    ///   - outputAxes: axes that count as outputs; nil for Keras's rule.
    public init(seed: Int? = nil, inputAxes: [Int]? = nil, outputAxes: [Int]? = nil) {
        scaling = VarianceScaling(
            legal: 1, mode: .fanIn, distribution: .uniform, source: Seed(seed), inputAxes: inputAxes, outputAxes: outputAxes)
    }
}

/// LeCun et al. 1998: truncated normal of variance 1 / fan in. The fans are those of `VarianceScaling`.
public struct LecunNormal: NamedVarianceScaling {
    /// What it computes.
    public let scaling: VarianceScaling

    /// - Parameters:
    ///   - seed: equal seeds give equal values; nil draws one.
    ///   - inputAxes: axes of the shape that count as inputs; nil for Keras's rule.
    ///   - outputAxes: axes that count as outputs; nil for Keras's rule.
    public init(seed: Int? = nil, inputAxes: [Int]? = nil, outputAxes: [Int]? = nil) {
        scaling = VarianceScaling(
            legal: 1, mode: .fanIn, distribution: .truncatedNormal, source: Seed(seed), inputAxes: inputAxes, outputAxes: outputAxes)
    }
}
