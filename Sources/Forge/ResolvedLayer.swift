import VoxKerasConfig
import VoxLayerSpec
import VoxelsmithModelIO

/// A layer with everything a kernel depends on: one of a file, or one that is stated by values.
public struct ResolvedLayer: Sendable {
    /// Its path in the file, or the name its maker gave it.
    public let name: String
    /// The layer without its input shape; nil where the problem was given without a layer.
    public let config: LayerConfig?
    /// The problem it poses.
    public let spec: KernelSpec
    /// The batch of the file's input shape, 1 where it states none. It is not part of the problem; measurements use it.
    public let batch: Int

    /// A layer that is stated by values instead of a file, for inputs of one shape.
    /// - Parameters:
    ///   - config: the layer.
    ///   - inputShape: of its input, with the batch extent, which measurements use.
    ///   - policy: of its kernel.
    /// - Throws: `SpecError` for a layer that is illegal for the shape.
    public init(_ config: LayerConfig, inputShape: [Int], policy: Policy = .fast) throws(SpecError) {
        name = config.name
        self.config = config
        spec = try config.spec(inputShape: inputShape, policy: policy)
        batch = max(1, inputShape.first ?? 1)
    }

    /// A problem that is stated by values.
    /// - Parameters:
    ///   - spec: the problem, with the policy of its kernel.
    ///   - name: for messages and reports.
    public init(_ spec: KernelSpec, name: String) {
        self.name = name
        config = nil
        self.spec = spec
        batch = 1
    }

    /// The layers of a file whose shapes are known. Layers of a model whose shape is unknown, and those of other classes, are passed over.
    /// - Parameters:
    ///   - set: the layers of the file.
    ///   - policy: of their kernels.
    ///   - isFused: whether those come after them that the plan of a model computes with other kernels, together with the layers beside them.
    ///   - onEvent: told of what is passed over.
    /// - Throws: what resolving throws; `KerasConfigError.noKnownLayers` for a model without convolutions; `ForgeError.unknownShape` for a layer of
    ///   unknown shape that belongs to no model, and when no layer of a model has a shape.
    package static func list(_ set: LayerSet, policy: Policy, isFused: Bool = false, onEvent: ForgeObserver) throws -> [ResolvedLayer] {
        try set.checkConvolutions()
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
        if !isFused { return result }
        // Layers that are called one by one have their kernels above.
        let known = Set(result.map(\.spec.key))
        let fused = try (set.model?.fusedLayers ?? []).compactMap { try ResolvedLayer($0, policy: policy) }
        return result + fused.filter { !known.contains($0.spec.key) }
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
