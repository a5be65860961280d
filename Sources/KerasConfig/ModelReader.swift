/// Lists the layers of a model and takes the convolutions out of it, with the shapes that reach them.
struct ModelReader: Hashable, Sendable {
    let root: ModelLayer
    let generation: KerasGeneration
    let kerasVersion: String?
    /// A reader that has read nothing yet.
    let names: LayerReader

    private var title: String { root.model?.name ?? root.name ?? "sequential" }

    /// - Parameters:
    ///   - inputShape: of the model's only input; nil for what the file states.
    ///   - inputShapes: of layers by their paths, and of inputs.
    /// - Throws: `KerasConfigError`.
    func read(inputShape: [Int?]? = nil, inputShapes: [String: [Int?]] = [:]) throws(KerasConfigError) -> ModelDescription {
        var stated = inputShapes
        if let graph = root.model {
            for end in graph.inputs {
                // A key of a dictionary names the same input.
                guard let key = end.key, let name = graph.layers[end.source.layer].name, let shape = stated.removeValue(forKey: key) else { continue }
                stated[name] = shape
            }
        }
        var walk = ModelWalk(reader: self, stated: stated)
        var inputs: [ShapeFlow] = []
        if let inputShape {
            guard let graph = root.model, graph.kind == .chain || graph.inputs.count == 1 else {
                let inputs = root.model?.inputs.count ?? 0
                throw .namelessInputShape(model: title, inputs: inputs, received: inputShape, names: try read().inputs.map(\.name))
            }
            inputs = [.stated(inputShape)]
        }
        let outputs = try walk.call(root, inputs: inputs, in: ModelWalk.Place())
        if let unknown = stated.keys.sorted().first(where: { !walk.used.contains($0) }) {
            let paths = walk.layers.isEmpty ? walk.list.layers.map(\.path) : walk.layers.map(\.path)
            throw .unknownLayerName(unknown, names: paths)
        }
        if walk.list.layers.allSatisfy(\.isInput) && walk.others.isEmpty { throw .noLayers }
        return ModelDescription(
            name: title, layers: walk.layers, allLayers: walk.list.layers, fusedLayers: walk.outline.fusedLayers(outputs: outputs),
            otherLayers: walk.others, inputs: walk.inputs,
            outputs: zip(root.model?.outputs ?? [], outputs).map { end, flow in
                let layer = root.model?.layers[end.source.layer].name ?? ""
                return ModelDescription.End(name: end.key ?? layer, shape: flow.shape)
            },
            generation: generation, kerasVersion: kerasVersion)
    }
}
