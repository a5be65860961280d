/// A layer and the layers inside of it.
extension Layer {
    /// This layer and all below it, each before those inside of it.
    var family: [Layer] { [self] + sublayers.flatMap(\.family) }

    /// Makes the layers of a copy trainable as those of this layer are. What is set for a model is set for its layers, so theirs comes after it.
    func giveTrainable(to copy: Layer) {
        copy.trainable = trainable
        for layer in sublayers {
            if let other = copy.sublayers.first(where: { $0.name == layer.name }) { layer.giveTrainable(to: other) }
        }
    }
}
