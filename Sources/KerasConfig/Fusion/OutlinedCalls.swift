import VoxLayerSpec

/// The calls of a model's config that a walk meets, as the outline of its network.
struct OutlinedCalls {
    private var outline = NetworkOutline()
    /// Of each call: where its layer stands, and what it is if it is a convolution.
    private var paths: [String] = []
    private var layers: [LayerDescription?] = []

    /// What a kernel is for: a config, and an input shape without its batch.
    private struct Problem: Hashable {
        let config: LayerConfig
        let extents: [Int?]?
    }

    /// Notes a convolution.
    /// - Returns: its result, with a number.
    mutating func add(
        _ layer: LayerDescription, _ customActivations: Set<String>, _ path: String, _ inputs: [ShapeFlow], _ result: ShapeFlow
    ) -> ShapeFlow {
        let type = Self.type(layer.attributes)
        let regularizer = layer.attributes["activity_regularizer"] ?? .null
        let isCustom = ActivationNames.identifiers(of: layer.attributes["activation"]).contains(where: customActivations.contains)
        var kind = NetworkOutline.Kind.other
        if let shape = layer.inputShape, regularizer.isNull, !isCustom, !layer.config.activation.needsWholeResult, type == type.arithmetic {
            kind = .convolution(layer.config, inputShape: shape)
        }
        return add(kind, type, layer, path, inputs, result)
    }

    /// Notes a call of another layer.
    mutating func add(
        _ kind: NetworkOutline.Kind, _ object: JSONObject, _ path: String, _ inputs: [ShapeFlow], _ result: ShapeFlow
    ) -> ShapeFlow {
        // Operations have no type of their own.
        let type = LayerTable.isOperation(object)
            ? inputs.first?.tensor.flatMap { outline.type(of: $0) } : Self.type(object["config"]?.object ?? [:])
        return add(kind, type, nil, path, inputs, result)
    }

    private mutating func add(
        _ kind: NetworkOutline.Kind, _ type: ElementType?, _ layer: LayerDescription?, _ path: String, _ inputs: [ShapeFlow], _ result: ShapeFlow
    ) -> ShapeFlow {
        let tensors = inputs.map { $0.tensor ?? outline.addInput() }
        var result = result
        result.tensor = outline.add(kind, type: type, inputs: tensors).first
        paths.append(path)
        layers.append(layer)
        return result
    }

    private static func type(_ config: JSONObject) -> ElementType { ((try? DTypePolicy(json: config["dtype"])) ?? DTypePolicy(.float32)).computeType }

    /// The convolutions that differ from those of the layers by what is computed together with them: most weights supposed, those that a plan
    /// asks for.
    /// - Parameter outputs: of the network.
    func fusedLayers(outputs: [ShapeFlow]) -> [LayerDescription] {
        var outline = outline
        outline.outputs = outputs.compactMap(\.tensor)
        var fusion = NetworkFusion(outline)
        // Weights of which nothing is known refuse nothing, so nothing is thrown.
        try? fusion.run(.unknown)
        var result: [LayerDescription] = []
        var known: Set<Problem> = []
        for group in fusion.groups {
            guard let layer = layers[group.call], let config = group.config, config != layer.config else { continue }
            let fused = layer.fused(config, path: group.parts.map { paths[$0] }.joined(separator: " + "))
            if known.insert(Problem(config: config, extents: fused.inputShape.map { Array($0.dropFirst()) })).inserted { result.append(fused) }
        }
        return result
    }
}
