/// A layer and the layers inside of it.
extension Layer {
    /// This layer and all below it, each before those inside of it.
    var family: [Layer] { [self] + sublayers.flatMap(\.family) }

    /// Makes the layers of a copy trainable as those of this layer are. What is set for a model is set for its layers, so theirs comes after it.
    func giveTrainable(to copy: Layer) {
        copy.trainable = trainable
        let others = Dictionary(copy.sublayers.map { ($0.name, $0) }) { first, _ in first }
        for layer in sublayers { if let other = others[layer.name] { layer.giveTrainable(to: other) } }
    }

    /// The layers whose results the calls of this one take, or its losses and updates depend on: those that it keeps in memory.
    private var sources: [Layer] {
        let tensors = nodes.flatMap(\.inputs) + keptLosses.flatMap { $0.inputs + $0.others } + addedUpdates.flatMap(\.inputs)
        return tensors.map(\.layer)
    }

    /// Lets go of the layers that this one keeps in memory, and of those that they alone keep, one after another. Swift would release each inside
    /// of the release of the one before, and a few bytes of a file make a chain longer by one layer: the stack would end before the chain does.
    func releaseSources() {
        var waiting = sources
        forgetSources()
        while var layer = waiting.popLast() {
            if !isKnownUniquelyReferenced(&layer) { continue }
            waiting += layer.sources
            layer.forgetSources()
        }
    }

    private func forgetSources() { (nodes, keptLosses, addedUpdates) = ([], [], []) }
}
