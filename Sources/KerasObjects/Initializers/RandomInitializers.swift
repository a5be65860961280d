import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

/// Normal with a mean and a standard deviation.
public struct RandomNormal: SeededInitializer {
    /// Of the distribution.
    public let mean: Double
    /// The standard deviation.
    public let stddev: Double
    /// Where the random numbers come from.
    public let source: Seed

    /// - Parameters:
    ///   - mean: of the distribution.
    ///   - stddev: the standard deviation.
    ///   - seed: equal seeds give equal values; nil draws one.
    public init(mean: Double = 0, stddev: Double = 0.05, seed: Int? = nil) {
        (self.mean, self.stddev, source) = (mean, stddev, Seed(seed))
    }

    public func getConfig() -> JSONObject { ["seed": source.json, "mean": .number(mean), "stddev": .number(stddev)] }

    /// The values of a weight of this shape.
    public func callAsFunction(_ shape: [Int], _ elementType: ElementType) throws -> Tensor {
        var random = source.generator
        return try Tensor(shape, elementType) { mean + stddev * random.normal() }
    }
}

/// Normal, drawn again beyond two standard deviations from the mean.
public struct TruncatedNormal: SeededInitializer {
    /// Of the distribution.
    public let mean: Double
    /// Before truncation.
    public let stddev: Double
    /// Where the random numbers come from.
    public let source: Seed

    /// - Parameters:
    ///   - mean: of the distribution.
    ///   - stddev: the standard deviation.
    ///   - seed: equal seeds give equal values; nil draws one.
    public init(mean: Double = 0, stddev: Double = 0.05, seed: Int? = nil) {
        (self.mean, self.stddev, source) = (mean, stddev, Seed(seed))
    }

    public func getConfig() -> JSONObject { ["seed": source.json, "mean": .number(mean), "stddev": .number(stddev)] }

    /// The values of a weight of this shape.
    public func callAsFunction(_ shape: [Int], _ elementType: ElementType) throws -> Tensor {
        var random = source.generator
        return try Tensor(shape, elementType) { mean + stddev * random.truncatedNormal() }
    }
}

/// Uniform in [minval, maxval).
public struct RandomUniform: SeededInitializer {
    /// The smallest value.
    public let minval: Double
    /// Above all values.
    public let maxval: Double
    /// Where the random numbers come from.
    public let source: Seed

    /// - Parameters:
    ///   - minval: the smallest value.
    ///   - maxval: above all values.
    ///   - seed: equal seeds give equal values; nil draws one.
    public init(minval: Double = -0.05, maxval: Double = 0.05, seed: Int? = nil) {
        (self.minval, self.maxval, source) = (minval, maxval, Seed(seed))
    }

    public func getConfig() -> JSONObject { ["seed": source.json, "minval": .number(minval), "maxval": .number(maxval)] }

    /// The values of a weight of this shape.
    public func callAsFunction(_ shape: [Int], _ elementType: ElementType) throws -> Tensor {
        var random = source.generator
        return try Tensor(shape, elementType) { minval + (maxval - minval) * random.unit() }
    }
}
