import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

/// Saxe et al. 2014: a random matrix of orthonormal columns, or rows where there are fewer of them, times `gain`. The matrix of a
/// weight has the last axis as its columns and all others as its rows.
public struct Orthogonal: SeededInitializer {
    /// What the matrix is multiplied by.
    public let gain: Double
    /// Where the random numbers come from.
    public let source: Seed

    /// - Parameters:
    ///   - gain: what the matrix is multiplied by.
    ///   - seed: equal seeds give equal values; nil draws one.
    public init(gain: Double = 1, seed: Int? = nil) { (self.gain, source) = (gain, Seed(seed)) }

    public func getConfig() -> JSONObject { ["seed": source.json, "gain": .number(gain)] }

    /// - Throws: `ArgumentError.rank` for fewer than two axes.
    public func callAsFunction(_ shape: [Int], _ elementType: ElementType) throws -> Tensor {
        guard shape.count >= 2, let columns = shape.last else {
            throw ArgumentError.rank(object: "Orthogonal", received: shape, expected: "at least 2 axes")
        }
        var result = try Tensor(uninitialized: shape, elementType)  // checks the size first
        if result.elementCount == 0 { return result }
        let rows = result.elementCount / columns
        let (length, count) = (max(rows, columns), min(rows, columns))
        var random = source.generator
        // Gram-Schmidt, twice for orthogonality to rounding: the Q of a QR decomposition whose R has a positive diagonal.
        var vectors: [[Double]] = []
        while vectors.count < count {
            var vector = (0..<length).map { _ in random.normal() }
            for _ in 0..<2 {
                for other in vectors {
                    let share = zip(vector, other).reduce(0) { $0 + $1.0 * $1.1 }
                    for index in vector.indices { vector[index] -= share * other[index] }
                }
            }
            let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
            if norm > 1e-9 { vectors.append(vector.map { $0 / norm }) }
        }
        var index = 0
        result = try Tensor(shape, elementType) {
            defer { index += 1 }
            let (row, column) = (index / columns, index % columns)
            return gain * (rows >= columns ? vectors[column][row] : vectors[row][column])
        }
        return result
    }
}
