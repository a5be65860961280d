import VoxKerasConfig
import VoxLayerSpec
import VoxelsmithModelIO

/// A layer with everything a kernel depends on.
public struct ResolvedLayer: Sendable {
    /// Its path in the file.
    public let name: String
    /// The layer without its input shape.
    public let config: LayerConfig
    /// The problem it poses.
    public let spec: KernelSpec
    /// The batch of the file's input shape, 1 where it states none. It is not part of the problem; measurements use it.
    public let batch: Int

    /// The layers of a file whose shapes are known. Layers of a model whose shape is unknown, and those of other classes, are passed over.
    /// - Parameters:
    ///   - set: the layers of the file.
    ///   - policy: of their kernels.
    ///   - onEvent: told of what is passed over.
    /// - Throws: what resolving throws; `ForgeError.unknownShape` for a layer of unknown shape that belongs to no model, and when no layer of a
    ///   model has a shape.
    static func list(_ set: LayerSet, policy: Policy, onEvent: ForgeObserver) throws -> [ResolvedLayer] {
        for other in set.model?.otherLayers ?? [] { onEvent(.passedOver(other)) }
        var result: [ResolvedLayer] = []
        var unknown: [String] = []
        for layer in set.layers {
            if let resolved = try ResolvedLayer(layer, policy: policy) {
                result.append(resolved)
            } else {
                unknown.append(layer.path)
            }
        }
        if let first = unknown.first, set.model == nil || result.isEmpty { throw ForgeError.unknownShape(layer: first) }
        for path in unknown { onEvent(.shapeUnknown(layer: path)) }
        return result
    }

    /// - Parameters:
    ///   - layer: as a file has it.
    ///   - policy: of its kernel.
    /// - Returns: nil for a layer whose input shape is not known.
    /// - Throws: `SpecError` for a layer that is illegal for its shape.
    public init?(_ layer: LayerDescription, policy: Policy) throws {
        guard let shape = layer.completeInputShape(batch: 1) else { return nil }
        name = layer.path
        config = layer.config
        spec = try layer.config.spec(inputShape: shape, policy: policy)
        batch = max(1, layer.inputShape?.first.flatMap(\.self) ?? 1)
    }
}
