extension SymbolicTensor {
    /// What tensors are computed from, by a walk that goes as deep as it can: each tensor behind those that it is computed from. The way is kept
    /// in a list, not on the stack, as a few bytes of a file make a graph deeper by one call.
    /// - Parameter entering: what a tensor is computed from, in order; nil where it is passed over, as one is that was met before.
    /// - Returns: the tensors that were not passed over, with what they are computed from.
    static func postorder<Failure: Error>(
        from ends: [SymbolicTensor], entering: (SymbolicTensor) throws(Failure) -> [SymbolicTensor]?
    ) throws(Failure) -> [(tensor: SymbolicTensor, inputs: [SymbolicTensor])] {
        var result: [(tensor: SymbolicTensor, inputs: [SymbolicTensor])] = []
        var way: [(tensor: SymbolicTensor, inputs: [SymbolicTensor], next: Int)] = []
        for end in ends {
            if let inputs = try entering(end) { way.append((end, inputs, 0)) }
            while let last = way.last {
                if last.next == last.inputs.count {
                    result.append((last.tensor, last.inputs))
                    way.removeLast()
                    continue
                }
                way[way.count - 1].next += 1
                let input = last.inputs[last.next]
                if let inputs = try entering(input) { way.append((input, inputs, 0)) }
            }
        }
        return result
    }
}

extension Model.Plan {
    /// A call of a layer.
    private struct Call: Hashable {
        let layer: ObjectIdentifier
        let node: Int

        init(_ tensor: SymbolicTensor) { (layer, node) = (ObjectIdentifier(tensor.layer), tensor.nodeIndex) }
    }

    /// The layers in Keras's order: by their distance from the outputs, the farthest first; at equal distance as they are met on the
    /// way from the outputs. Weight files count layers in this order.
    /// - Note: `keras/src/ops/function.py`, `map_graph`.
    func layersByDepth() -> [Layer] {
        let given = Set(inputs)
        var met: [Layer] = []
        var metLayers: Set<ObjectIdentifier> = []
        var seen: Set<Call> = []
        let calls = SymbolicTensor.postorder(from: outputs) { tensor -> [SymbolicTensor]? in
            // An input that is no input layer may itself be computed from something; that is no part of the model.
            let isLeaf = given.contains(tensor)
            if isLeaf, !(tensor.layer is InputLayer) { return nil }
            if !seen.insert(Call(tensor)).inserted { return nil }
            if metLayers.insert(ObjectIdentifier(tensor.layer)).inserted { met.append(tensor.layer) }
            return isLeaf ? [] : tensor.layer.nodes[tensor.nodeIndex].inputs
        }
        let depths = Self.depths(calls)
        // Inputs nothing depends on stand with the outputs, before them.
        let unused = inputs.map(\.layer).filter { $0 is InputLayer && !metLayers.contains(ObjectIdentifier($0)) }
        let ordered = (unused + met).enumerated().map { (layer: $1, place: $0, depth: depths[ObjectIdentifier($1)] ?? 0) }
        return ordered.sorted { (-$0.depth, $0.place) < (-$1.depth, $1.place) }.map(\.layer)
    }

    /// How far each layer is from the outputs at most.
    /// - Parameter calls: each behind those it needs.
    private static func depths(_ calls: [(tensor: SymbolicTensor, inputs: [SymbolicTensor])]) -> [ObjectIdentifier: Int] {
        var callDepths: [Call: Int] = [:]
        var depths: [ObjectIdentifier: Int] = [:]
        for (tensor, inputs) in calls.reversed() {
            let call = Call(tensor)
            let depth = max(callDepths[call] ?? 0, depths[call.layer] ?? 0)
            (callDepths[call], depths[call.layer]) = (depth, depth)
            for input in inputs { callDepths[Call(input)] = max(callDepths[Call(input)] ?? 0, depth + 1) }
        }
        return depths
    }
}
