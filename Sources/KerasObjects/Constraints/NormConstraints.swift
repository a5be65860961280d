import VoxKerasConfig
import VoxTensors

/// w * clip(norm, 0, maxValue) / (epsilon + norm).
public struct MaxNorm: Constraint {
    /// The largest norm.
    public let maxValue: Double
    /// What the norm is taken over.
    public let axis: ConstraintAxes

    /// With Keras's defaults.
    public init(_ maxValue: Double = 2, axis: ConstraintAxes = 0) { (self.maxValue, self.axis) = (maxValue, axis) }

    public var kerasModule: String? { Constraints.module }
    public func getConfig() -> JSONObject { ["max_value": .number(maxValue), "axis": axis.json] }

    /// - Throws: `SpecError.axis`, `KerasSettingsError`.
    public func callAsFunction(_ w: Tensor) throws -> Tensor {
        let epsilon = try KerasSettings.current.epsilon
        return try axis.rescale(w) { min(max($0, 0), maxValue) / (epsilon + $0) }
    }
}

/// w / (epsilon + norm).
public struct UnitNorm: Constraint {
    /// What the norm is taken over.
    public let axis: ConstraintAxes

    /// With Keras's defaults.
    public init(axis: ConstraintAxes = 0) { self.axis = axis }

    public var kerasModule: String? { Constraints.module }
    public func getConfig() -> JSONObject { ["axis": axis.json] }

    /// - Throws: `SpecError.axis`, `KerasSettingsError`.
    public func callAsFunction(_ w: Tensor) throws -> Tensor {
        let epsilon = try KerasSettings.current.epsilon
        return try axis.rescale(w) { 1 / (epsilon + $0) }
    }
}

/// w * (rate * clip(norm, minValue, maxValue) + (1 - rate) * norm) / (epsilon + norm).
public struct MinMaxNorm: Constraint {
    /// The smallest norm.
    public let minValue: Double
    /// The largest norm.
    public let maxValue: Double
    /// How much of the way to the clipped norm is gone at once.
    public let rate: Double
    /// What the norm is taken over.
    public let axis: ConstraintAxes

    /// With Keras's defaults.
    public init(_ minValue: Double = 0, _ maxValue: Double = 1, rate: Double = 1, axis: ConstraintAxes = 0) {
        (self.minValue, self.maxValue, self.rate, self.axis) = (minValue, maxValue, rate, axis)
    }

    public var kerasModule: String? { Constraints.module }
    public func getConfig() -> JSONObject {
        ["min_value": .number(minValue), "max_value": .number(maxValue), "rate": .number(rate), "axis": axis.json]
    }

    /// - Throws: `SpecError.axis`, `KerasSettingsError`.
    public func callAsFunction(_ w: Tensor) throws -> Tensor {
        let epsilon = try KerasSettings.current.epsilon
        return try axis.rescale(w) { norm in
            (rate * min(max(norm, minValue), maxValue) + (1 - rate) * norm) / (epsilon + norm)
        }
    }
}
