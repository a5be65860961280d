import Logging
import VoxKerasConfig
import VoxLayerSpec
import VoxTensorIO
import VoxTensors
import Voxelsmith

/// Loads a model saved by Keras: `.keras` of Keras 3 and tf-keras, or a whole-model `.h5` of any generation. Chains, models of
/// several inputs and outputs, shared layers, models inside of models.
/// - Parameters:
///   - path: of the file.
///   - objects: the user's own layers, initializers, regularizers, constraints and activations.
///   - policy: which kernels may compute its layers.
///   - kernels: where specialised kernels come from.
///   - kernelMode: whether the interpreter may stand in for a missing kernel, or must.
///   - logger: warned of what the file leaves open, and of what was done for its age: Conv3DTranspose of TensorFlow 1.4 and 1.5 is a
///     `Conv3D`, kernels of some backends are turned round.
/// - Returns: the model with its weights.
/// - Throws: what `ModelFile.init` and `modelFromJSON` throw, `ModelIOError`, and `LayerError` for weights of other shapes.
public func loadModel(
    path: String, objects: CustomObjects = .shared, policy: Policy = .fast, kernels: any KernelProvider = KernelRegistry.shared,
    kernelMode: KernelMode = .auto, logger: Logger = Logger(label: "voxelsmith.models")
) throws -> Model {
    let file = try ModelFile(path: path)
    let model = try makeModel(
        file, weights: file.weights?.contents, objects: objects, policy: policy, kernels: kernels, kernelMode: kernelMode,
        logger: logger)
    guard let weights = file.weights else { throw ModelIOError.noWeights(path: path) }
    for warning in try assign(weights, to: model.layers) { logger.warning("\("\(warning)" as Sentence)") }
    model.noteBuiltLayers()
    return model
}

extension KerasWeights {
    /// All weights.
    package var contents: [FileWeight] { tensors.map { FileWeight(name: $0.path, shape: $0.tensor.shape) } }
}

/// The model of a file, before it is given weights.
/// - Parameter weights: those it is to be given, of this file or another; it may ask for no more than these. nil allows any.
/// - Throws: `ModelIOError.notAModel`, `.weightBeyondFile`, and as `modelFromJSON`.
package func makeModel(
    _ file: ModelFile, weights: [FileWeight]?, objects: CustomObjects = .shared, policy: Policy = .fast,
    kernels: any KernelProvider = KernelRegistry.shared, kernelMode: KernelMode = .auto, logger: Logger = Logger(label: "voxelsmith.models")
) throws -> Model {
    guard file.document.object != nil else { throw ModelIOError.notAModel(path: file.path) }
    let layer: Layer
    do {
        let elements = weights?.reduce(0) { Checked.clampedSum($0, Checked.clampedCount($1.shape)) }
        layer = try WeightBudget.$current.withValue(elements.map { WeightBudget(elements: $0) }) {
            try layerFromJSON(
                file.document, kerasVersion: file.kerasVersion, objects: objects, policy: policy, kernels: kernels, kernelMode: kernelMode,
                logger: logger)
        }
    } catch LayerError.weightBeyondFile(let layer, let weight, let shape) {
        throw ModelIOError.weightBeyondFile(layer: layer, weight: weight, shape: shape, present: weights ?? [])
    }
    guard let model = layer as? Model else { throw ModelIOError.notAModel(path: file.path) }
    return model
}

/// Unbuilt layers from their descriptions, with the names of the file.
/// - Parameters:
///   - set: what a file describes.
///   - objects: the user's own initializers, regularizers, constraints and activations.
///   - policy: which kernels may answer: rearranged ones too (`fast`), or plain sums only.
///   - kernels: where specialised kernels come from.
///   - kernelMode: whether the interpreter may stand in for a missing kernel, or must.
/// - Throws: `ArgumentError` or `KerasConfigError` for initializers, regularizers or constraints nobody knows.
public func makeLayers(
    _ set: LayerSet, objects: CustomObjects = .shared, policy: Policy = .fast, kernels: any KernelProvider = KernelRegistry.shared,
    kernelMode: KernelMode = .auto
) throws -> [Conv3D] {
    try set.layers.map { try Conv3D.make($0, objects: objects, policy: policy, kernels: kernels, kernelMode: kernelMode) }
}
