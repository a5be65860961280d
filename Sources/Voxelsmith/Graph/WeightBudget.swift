import Synchronization
import VoxLayerSpec

/// How many elements the weights of a model from a file may have: no more than the file's own. Layers are built, and their weights
/// initialized, when they are connected, before they receive those of the file; a few bytes of a config can ask for any number. Random
/// initial values are not drawn meanwhile: whoever sets a budget gives every weight its value, or the model up.
package final class WeightBudget: Sendable {
    @TaskLocal package static var current: WeightBudget?

    private let left: Mutex<Int>

    package init(elements: Int) { left = Mutex(elements) }

    /// - Throws: `LayerError.weightBeyondFile` when there are not so many left.
    func take(_ shape: [Int], weight: String, layer: String) throws(LayerError) {
        let count = Checked.clampedCount(shape)
        let isGranted = left.withLock { left in
            if count > left { return false }
            left -= count
            return true
        }
        if !isGranted { throw .weightBeyondFile(layer: layer, weight: weight, shape: shape) }
    }
}
