import VoxLayerSpec

extension NetworkFusion {
    /// Takes out the layers that do nothing at inference: dropout, noise, penalties, linear activations. What reads their results reads what they
    /// were given. One that is called on an input of the network stays, as it casts what the caller gives; so does one that casts a tensor.
    package mutating func dropNothings() {
        // What stands for a result that is gone; who reads it comes later.
        var others: [Int: Int] = [:]
        for index in slots.indices {
            guard var group = slots[index] else { continue }
            group.inputs = group.inputs.map { others[$0] ?? $0 }
            slots[index] = group
            guard kind(group) == .activation(.linear), group.inputs.count == 1, group.results.count == 1, let place = producer(of: group.inputs[0]),
                let type = type(group), outline.type(of: group.inputs[0]) == type
            else { continue }
            slots[place]?.parts += group.parts
            others[group.results[0]] = group.inputs[0]
            slots[index] = nil
        }
        outputs = outputs.map { others[$0] ?? $0 }
        countUses()
    }
}
