extension Model.Plan {
    /// The layers in Keras's order: by their distance from the outputs, the farthest first; at equal distance as they are met on the
    /// way from the outputs. Weight files count layers in this order.
    /// - Note: `keras/src/ops/function.py`, `map_graph`.
    func layersByDepth() -> [Layer] {
        struct Call: Hashable {
            let layer: ObjectIdentifier
            let node: Int
        }
        let given = Set(inputs)
        var met: [Layer] = []
        var calls: [(key: Call, inputs: [SymbolicTensor])] = []
        var seen: Set<Call> = []
        func key(_ tensor: SymbolicTensor) -> Call { Call(layer: ObjectIdentifier(tensor.layer), node: tensor.nodeIndex) }
        func visit(_ tensor: SymbolicTensor) {
            // An input that is no input layer may itself be computed from something; that is no part of the model.
            let isLeaf = given.contains(tensor)
            if isLeaf, !(tensor.layer is InputLayer) { return }
            if !seen.insert(key(tensor)).inserted { return }
            if !met.contains(where: { $0 === tensor.layer }) { met.append(tensor.layer) }
            let from = isLeaf ? [] : tensor.layer.nodes[tensor.nodeIndex].inputs
            for input in from { visit(input) }
            calls.append((key(tensor), from))
        }
        for output in outputs { visit(output) }
        var callDepths: [Call: Int] = [:]
        var depths: [ObjectIdentifier: Int] = [:]
        for call in calls.reversed() {
            let depth = max(callDepths[call.key] ?? 0, depths[call.key.layer] ?? 0)
            (callDepths[call.key], depths[call.key.layer]) = (depth, depth)
            for input in call.inputs { callDepths[key(input)] = max(callDepths[key(input)] ?? 0, depth + 1) }
        }
        // Inputs nothing depends on stand with the outputs, before them.
        let unused = inputs.map(\.layer).filter { layer in layer is InputLayer && !met.contains { $0 === layer } }
        func depth(_ layer: Layer) -> Int { depths[ObjectIdentifier(layer)] ?? 0 }
        let ordered = (unused + met).enumerated().sorted { left, right in
            (-depth(left.element), left.offset) < (-depth(right.element), right.offset)
        }
        return ordered.map(\.element)
    }
}
