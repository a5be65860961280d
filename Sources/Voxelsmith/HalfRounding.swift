import KerasConfig
import Tensors

extension DTypePolicy.Half {
    /// Rounds every element to the nearest value of the format, ties to even; NaN stays NaN, what is too large becomes infinite.
    /// - Parameter tensor: float32.
    /// - Returns: a float32 tensor.
    func rounded(_ tensor: Tensor) throws -> Tensor {
        var result = tensor
        try result.withUnsafeMutableBytes { bytes in
            for (index, value) in bytes.bindMemory(to: Float.self).enumerated() {
                bytes.storeBytes(of: rounded(value), toByteOffset: 4 * index, as: Float.self)
            }
        }
        return result
    }

    func rounded(_ value: Float) -> Float {
        switch self {
        case .float16: return Float(Float16(value))
        case .bfloat16:
            if value.isNaN { return value }
            let bits = value.bitPattern
            // Half of the last kept place, less one where that place is even: a tie goes to even. Carries reach infinity.
            return Float(bitPattern: (bits &+ 0x7fff &+ (bits >> 16 & 1)) & 0xffff_0000)
        }
    }
}
