import VoxTensors

/// Gives the losses of a model's layers their numbers while a call makes the tensors they depend on.
final class LossEvaluation {
    private struct Pending {
        let layer: Layer
        /// In the layer's kept losses.
        let index: Int
        let tensors: [SymbolicTensor]
    }

    private var pending: [Pending] = []
    /// The values that are known of tensors for which some loss still waits.
    private var values: [SymbolicTensor: Tensor] = [:]

    /// - Parameter known: the tensors that the call makes.
    /// - Returns: nil when no loss depends on them alone.
    init?(of layers: [Layer], known: Set<SymbolicTensor>) {
        for layer in layers {
            for (index, loss) in layer.keptLosses.enumerated() {
                let tensors = loss.tensors(in: layer)
                if !tensors.isEmpty, known.isSuperset(of: tensors) { pending.append(Pending(layer: layer, index: index, tensors: tensors)) }
            }
        }
        if pending.isEmpty { return nil }
    }

    /// Takes the value of a tensor, and computes the losses that have all of theirs now.
    func note(_ tensor: SymbolicTensor, _ value: Tensor) throws {
        if !pending.contains(where: { $0.tensors.contains(tensor) }) { return }
        values[tensor] = value
        var waiting: [Pending] = []
        for loss in pending {
            let present = loss.tensors.compactMap { values[$0] }
            if present.count == loss.tensors.count {
                try loss.layer.keptLosses[loss.index].compute(present)
            } else {
                waiting.append(loss)
            }
        }
        pending = waiting
        values = values.filter { tensor, _ in waiting.contains { $0.tensors.contains(tensor) } }
    }
}

/// The losses of calls on parts of a batch as those of the whole: means over the samples.
struct LossMeans {
    private let layers: [Layer]
    /// Per layer and kept loss.
    private var sums: [[[Double]]]
    /// Per layer: the losses of the call itself, whose number each call decides.
    private var callLosses: [[Loss]]

    init(of model: Model) {
        func everyLayer(_ layer: Layer) -> [Layer] { [layer] + layer.sublayers.flatMap(everyLayer) }
        layers = everyLayer(model)
        sums = layers.map { $0.keptLosses.map { _ in [] } }
        callLosses = layers.map { _ in [] }
    }

    /// To be called after a call on a part of the batch.
    /// - Parameter weight: which part of all samples it was.
    mutating func note(weight: Double) {
        for (number, layer) in layers.enumerated() {
            sums[number] = layer.keptLosses.enumerated().map { index, loss in
                let before = sums[number].indices.contains(index) ? sums[number][index] : []
                return loss.values.enumerated().map { (before.indices.contains($0) ? before[$0] : 0) + weight * $1 }
            }
            for (index, loss) in layer.callLosses.enumerated() {
                let part = loss.value.map { weight * $0 }
                if !callLosses[number].indices.contains(index) {
                    callLosses[number].append(loss.with(tensors: loss.tensors, value: part))
                } else if let part {
                    let before = callLosses[number][index]
                    callLosses[number][index] = before.with(tensors: before.tensors, value: (before.value ?? 0) + part)
                }
            }
        }
    }

    /// To be called after the last part: gives the losses their means.
    func assign() {
        for ((layer, sums), callLosses) in zip(zip(layers, sums), callLosses) {
            layer.callLosses = callLosses
            for (index, values) in sums.enumerated() where layer.keptLosses.indices.contains(index) { layer.keptLosses[index].values = values }
        }
    }
}
