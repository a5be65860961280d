import VoxLayerSpec

/// What can go wrong when tensors are made or compared.
public enum TensorError: Error, Hashable, Sendable, CustomStringConvertible {
    case outOfMemory(byteCount: Int)
    case elementCount(received: Int, shape: [Int])
    case negativeExtent(shape: [Int])
    case tooLarge(shape: [Int])
    case shapeMismatch(received: [Int], expected: [Int])
    case typeMismatch(received: String, expected: String)
    /// Indices that are no place of a tensor.
    case index([Int], shape: [Int])

    public var description: String {
        let sentence: Sentence = switch self {
        case .outOfMemory(let count): "The system has no memory for a tensor of \(count) bytes."
        case .elementCount(let received, let shape):
            "Received \(received) elements for shape \(shape); expected \(Self.count(of: shape))."
        case .negativeExtent(let shape): "Received shape \(shape); expected extents of 0 or more."
        case .tooLarge(let shape): "Received shape \(shape); expected at most 2^40 bytes."
        case .shapeMismatch(let received, let expected): "Received a tensor of shape \(received); expected \(expected)."
        case .typeMismatch(let received, let expected): "Received a tensor of \(received); expected \(expected)."
        case .index(let indices, let shape): "Received index \(indices) for shape \(shape); expected a place of each axis."
        }
        return sentence.text
    }

    private static func count(of shape: [Int]) -> String {
        if shape.contains(where: { $0 < 0 }) { return "extents of 0 or more" }
        return Checked.product(shape).map { "\($0)" } ?? "more than 2^63"
    }
}
