import VoxKerasConfig
import VoxTensors

/// factor times the mean |cosine| between the rows, or the columns, of a matrix.
public struct OrthogonalRegularizer: Regularizer {
    /// Rounded to float32, as Keras rounds it.
    public let factor: Double
    /// What is to be orthogonal.
    public let mode: Mode

    /// What is to be orthogonal: rows or columns.
    public enum Mode: String, CaseIterable, Hashable, Sendable {
        case rows
        case columns
    }

    /// - Throws: `ArgumentError.value` for a negative or infinite factor.
    public init(factor: Double = 0.01, mode: Mode = .rows) throws(ArgumentError) {
        self.factor = Double(Float(try Regularizers.checked(factor, "factor")))
        self.mode = mode
    }

    init(factor: Double, mode: String) throws(ArgumentError) {
        guard let known = Mode(rawValue: mode) else {
            throw .value(argument: "mode", received: "\"\(mode)\"", expected: "rows or columns")
        }
        try self.init(factor: factor, mode: known)
    }

    public var kerasModule: String? { Regularizers.module }
    public func getConfig() -> JSONObject { ["factor": .number(factor), "mode": .string(mode.rawValue)] }

    /// - Throws: `ArgumentError.rank` unless `x` has two axes; a kernel of a 3-D convolution has five.
    public func callAsFunction(_ x: Tensor) throws -> Double {
        guard x.shape.count == 2 else {
            throw ArgumentError.rank(object: "OrthogonalRegularizer", received: x.shape, expected: "2 axes")
        }
        if x.elementCount == 0 { return 0 }
        let (rows, columns) = (x.shape[0], x.shape[1])
        let values = x.doubles
        let (count, length) = mode == .rows ? (rows, columns) : (columns, rows)
        let vectors = (0..<count).map { vector in
            let elements = (0..<length).map { mode == .rows ? values[vector * columns + $0] : values[$0 * columns + vector] }
            // Keras's normalize: a vector of zeros stays one.
            let norm = max(elements.reduce(0) { $0 + $1 * $1 }, 1e-12).squareRoot()
            return elements.map { $0 / norm }
        }
        var sum = 0.0
        for first in 0..<count {
            for second in 0..<count where second != first {
                sum += abs(zip(vectors[first], vectors[second]).reduce(0) { $0 + $1.0 * $1.1 })
            }
        }
        return factor * 0.5 * sum / (Double(count) * (Double(count) - 1) / 2)
    }
}
