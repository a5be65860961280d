import VoxKerasConfig
import VoxTensors

/// l1 * sum |x|.
public struct L1: Regularizer {
    /// Rounded to float32, as Keras rounds it.
    public let l1: Double

    /// - Throws: `ArgumentError.value` for a negative or infinite factor.
    public init(_ l1: Double = 0.01) throws(ArgumentError) { self.l1 = Double(Float(try Regularizers.checked(l1, "l1"))) }

    public var kerasModule: String? { Regularizers.module }
    public func getConfig() -> JSONObject { ["l1": .number(l1)] }
    /// The penalty.
    public func callAsFunction(_ x: Tensor) throws -> Double { l1 * Regularizers.sum(x, abs) }
}

/// l2 * sum x^2.
public struct L2: Regularizer {
    /// Factor of sum x^2.
    public let l2: Double

    /// - Throws: `ArgumentError.value` for a negative or infinite factor.
    public init(_ l2: Double = 0.01) throws(ArgumentError) { self.l2 = try Regularizers.checked(l2, "l2") }

    public var kerasModule: String? { Regularizers.module }
    public func getConfig() -> JSONObject { ["l2": .number(l2)] }
    /// The penalty.
    public func callAsFunction(_ x: Tensor) throws -> Double { l2 * Regularizers.sum(x) { $0 * $0 } }
}

/// l1 * sum |x| + l2 * sum x^2.
public struct L1L2: Regularizer {
    /// Factor of sum |x|.
    public let l1: Double
    /// Factor of sum x^2.
    public let l2: Double

    /// - Throws: `ArgumentError.value` for a negative or infinite factor.
    public init(l1: Double = 0, l2: Double = 0) throws(ArgumentError) {
        self.l1 = try Regularizers.checked(l1, "l1")
        self.l2 = try Regularizers.checked(l2, "l2")
    }

    public var kerasModule: String? { Regularizers.module }
    public func getConfig() -> JSONObject { ["l1": .number(l1), "l2": .number(l2)] }

    /// The penalty.
    public func callAsFunction(_ x: Tensor) throws -> Double {
        // A factor of 0 keeps its sum out, be it infinite.
        (l1 == 0 ? 0 : l1 * Regularizers.sum(x, abs)) + (l2 == 0 ? 0 : l2 * Regularizers.sum(x) { $0 * $0 })
    }
}
