import LayerSpec
import Tensors

/// Glorot and Bengio 2010: uniform in [-limit, limit) with limit = sqrt(6 / (fan in + fan out)).
///
/// Keras reads the fans off the last two axes of the stored kernel, which for a transposed convolution are (filters, channels);
/// their sum is the same either way.
enum GlorotUniform {
    /// - Parameters:
    ///   - shape: (kernel sizes..., filters, channels); any rank of 2 or more.
    ///   - seed: equal seeds give equal values; the sequence is this library's own, not that of any Keras backend.
    static func kernel(shape: [Int], _ type: ElementType, seed: UInt64) throws -> Tensor {
        let field = shape.dropLast(2).reduce(1, *)
        let fans = shape.suffix(2).reduce(0) { $0 + $1 * field }
        let limit = (6 / Double(max(1, fans))).squareRoot()
        var generator = SplitMix64(state: seed)
        let count = shape.reduce(1, *)
        switch type {
        case .float32:
            return try Tensor(shape: shape, (0..<count).map { _ in Float((generator.unit() * 2 - 1) * limit) })
        case .float64:
            return try Tensor(shape: shape, (0..<count).map { _ in (generator.unit() * 2 - 1) * limit })
        }
    }
}

/// Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators".
struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Uniform in [0, 1): a multiple of 2^-53.
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
