import VoxLayerSpec

extension NetworkFusion {
    /// Takes out the layers that do nothing at inference: dropout, noise, penalties, linear activations. What reads their results reads what they
    /// were given. One that is called on an input of the network stays, as it casts what the caller gives; so does one that casts a tensor.
    package mutating func dropNothings() {
        var index = 0
        while index < groups.count {
            let group = groups[index]
            guard kind(group) == .activation(.linear), group.inputs.count == 1, group.results.count == 1, let place = producer(of: group.inputs[0]),
                let type = type(group), outline.type(of: group.inputs[0]) == type
            else {
                index += 1
                continue
            }
            groups[place].parts += group.parts
            replace(group.results[0], by: group.inputs[0])
            groups.remove(at: index)
        }
    }
}
