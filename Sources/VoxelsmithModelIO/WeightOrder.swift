import VoxKerasConfig

/// A layer with all below it, as far as it decides the order in which a legacy `.h5` lists their weights.
package struct WeightTree<Variable: Hashable> {
    /// Whether the layer is a model: before Keras 3 those listed their own variables behind those of their layers.
    package let isModel: Bool
    /// As set on this layer itself: a layer of a frozen model may have been set trainable again.
    package let trainable: Bool
    /// Variables of the layer's own that are trainable by their nature (a kernel, gamma), in the order they were made.
    package let trainableVariables: [Variable]
    /// Those of its own that are never trainable (a moving mean), in the order they were made.
    package let otherVariables: [Variable]
    /// In the order of the model; what a wrapper wraps.
    package let layers: [WeightTree]

    package init(
        isModel: Bool, trainable: Bool, trainableVariables: [Variable], otherVariables: [Variable], layers: [WeightTree] = []
    ) {
        (self.isModel, self.trainable) = (isModel, trainable)
        (self.trainableVariables, self.otherVariables, self.layers) = (trainableVariables, otherVariables, layers)
    }

    /// The order of the weights below the group of a top-level layer of the file: the trainable ones of everything in it, then the
    /// others, one split for the whole subtree. A variable that occurs twice stands where it occurs first.
    /// - Note: `_legacy_weights` in `keras/src/legacy/saving/legacy_h5_format.py` and `tf_keras/src/saving/legacy/hdf5_format.py`.
    package func legacyOrder(_ generation: KerasGeneration) -> [Variable] {
        var seen: Set<Variable> = []
        return (generation == .keras3 ? keras3Order : keras2Trainable + keras2Others).filter { seen.insert($0).inserted }
    }

    // Keras 3 asks each variable whether it is trainable: it is not where the layer that owns it is frozen. Frozen layers further up
    // freeze what is below them when they are set, and do not count by themselves; but the outermost one lists everything in its order.

    private var keras3Order: [Variable] {
        let all = flat
        return trainable ? all.filter(\.isTrainable).map(\.variable) + all.filter { !$0.isTrainable }.map(\.variable) : all.map(\.variable)
    }

    private var flat: [(variable: Variable, isTrainable: Bool)] {
        trainableVariables.map { ($0, trainable) } + otherVariables.map { ($0, false) } + layers.flatMap(\.flat)
    }

    // Before Keras 3, each layer joined two lists from those of its layers.

    private var keras2Trainable: [Variable] {
        if !trainable { return [] }
        let below = layers.flatMap(\.keras2Trainable)
        return isModel ? below + trainableVariables : trainableVariables + below
    }

    private var keras2Others: [Variable] {
        let below = layers.flatMap(\.keras2Others)
        if trainable { return isModel ? below + otherVariables : otherVariables + below }
        return isModel
            ? layers.flatMap(\.keras2Trainable) + trainableVariables + below + otherVariables
            : trainableVariables + otherVariables + layers.flatMap(\.keras2Weights)
    }

    /// All weights of a layer as Keras 2 lists them, which it does differently for models.
    private var keras2Weights: [Variable] {
        isModel ? layers.flatMap(\.keras2Weights) + trainableVariables + otherVariables : keras2Trainable + keras2Others
    }
}
