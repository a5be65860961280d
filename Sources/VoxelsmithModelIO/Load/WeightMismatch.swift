import VoxLayerSpec
import Voxelsmith

/// Why an array cannot be a weight of a layer.
public enum WeightMismatch: Hashable, Sendable {
    /// PyTorch's order of axes: (channels, filters, depth, height, width), or with the first two exchanged in an ordinary convolution.
    case pytorchOrder(expected: [Int?])
    /// PyTorch's order of axes in the other kind of convolution: of Conv3d for a transposed one, of ConvTranspose3d for an ordinary one.
    case pytorchExchanged(expected: [Int?])
    /// The right kernel with its filters and channels exchanged, as an ordinary convolution has them.
    case exchangedChannels(expected: [Int?])
    /// Another number of channels than the input of the layer has.
    case channels(received: Int, expected: Int)
    case filters(received: Int, expected: Int)
    case kernelSize(received: [Int], expected: [Int])
    /// Anything else; nil where an extent may have any value.
    case shape(expected: [Int?])

    /// - Returns: nil when the shape fits.
    init?(_ shape: [Int], as index: Int, of layer: Layer) {
        guard let convolution = layer as? Conv3D, index == 0 else {
            let expected: [Int?] =
                (layer as? Conv3D).map { index == 1 ? [$0.filters] : [] }
                ?? (layer.weights.indices.contains(index) ? layer.weights[index].shape.map { $0 } : shape.map { $0 })
            if Self.fits(shape, expected) { return nil }
            self = .shape(expected: expected)
            return
        }
        self.init(kernel: shape, of: convolution)
    }

    private init?(kernel shape: [Int], of layer: Conv3D) {
        let groups = layer.groups
        let isTransposed = layer.config.kind == .transposed
        let channels = layer.isBuilt ? layer.weights.first?.shape[isTransposed ? 4 : 3] : Self.inputChannels(layer).map { isTransposed ? $0 : $0 / groups }
        let filters = isTransposed ? layer.filters / groups : layer.filters
        let expected: [Int?] = layer.kernelSize + (isTransposed ? [filters, channels] : [channels, filters])
        if Self.fits(shape, expected) { return nil }
        guard shape.count == expected.count else {
            self = .shape(expected: expected)
            return
        }
        let (channelAxis, filterAxis) = isTransposed ? (4, 3) : (3, 4)
        if Self.fits([2, 3, 4, 1, 0].map { shape[$0] }, expected) {
            self = .pytorchOrder(expected: expected)
        } else if Self.fits([2, 3, 4, 0, 1].map { shape[$0] }, expected) {
            self = .pytorchExchanged(expected: expected)
        } else if Array(shape.prefix(3)) != layer.kernelSize {
            self = .kernelSize(received: Array(shape.prefix(3)), expected: layer.kernelSize)
        } else if Self.fits([0, 1, 2, 4, 3].map { shape[$0] }, expected) {
            self = .exchangedChannels(expected: expected)
        } else if shape[filterAxis] != filters {
            self = .filters(received: shape[filterAxis], expected: filters)
        } else {
            self = .channels(received: shape[channelAxis], expected: channels ?? 0)
        }
    }

    private static func inputChannels(_ layer: Conv3D) -> Int? {
        layer.batchInputShape.flatMap { shape in
            let axis = layer.dataFormat.channelAxis(rank: shape.count)
            return shape.indices.contains(axis) ? shape[axis] : nil
        }
    }

    private static func fits(_ shape: [Int], _ expected: [Int?]) -> Bool {
        shape.count == expected.count && zip(shape, expected).allSatisfy { $1 == nil || $0 == $1 }
    }

    /// The rest of a sentence that begins with the weight and its shape.
    var reason: String {
        func text(_ shape: [Int?]) -> String { "[" + shape.map { extent in extent.map { "\($0)" } ?? "any" }.joined(separator: ", ") + "]" }
        return switch self {
        case .pytorchOrder(let expected):
            "which is PyTorch's order of axes; expected Keras's, \(text(expected)): weight.permute(2, 3, 4, 1, 0)"
        case .pytorchExchanged(let expected):
            "which is PyTorch's order of axes with filters and channels exchanged; expected Keras's, \(text(expected)): weight.permute(2, 3, 4, 0, 1)"
        case .exchangedChannels(let expected):
            "which has filters and channels exchanged; expected \(text(expected))"
        case .channels(let received, let expected):
            """
            so \(received) channels, which contradicts the \(expected) channels of the layer's input (build_config, the input's shape, or the \
            layer before); expected \(expected)
            """
        case .filters(let received, let expected): "so \(received) filters, which contradicts the config; expected \(expected)"
        case .kernelSize(let received, let expected): "so a kernel size of \(received), which contradicts the config; expected \(expected)"
        case .shape(let expected): "which does not fit; expected \(text(expected))"
        }
    }
}
