import VoxLayerSpec
import VoxTensors

/// Backends whose convolutions turn the kernel round, as mathematics does: Keras stored their kernels as they computed with them, and
/// Keras 2 and tf.keras 1 turned them back when another backend loaded them.
struct KernelTurning {
    private static let turningBackends: Set<String> = ["theano"]
    private static let plainBackends: Set<String> = ["tensorflow", "cntk", "jax", "torch", "numpy", "openvino"]

    /// How many of the first weights Keras turned, by class. Conv3DTranspose is not among them: Keras left it as it was.
    private static let turnedWeights = ["Conv1D": 1, "Conv2D": 1, "Conv3D": 1, "Conv2DTranspose": 1, "ConvLSTM2D": 2]

    /// As the file names it.
    let backend: String?

    func turns(_ className: String) -> Bool {
        backend.map(Self.turningBackends.contains) ?? false && Self.turnedWeights[className] != nil
    }

    /// The weights of a layer with the kernels among them turned round along every spatial axis.
    func turned(_ weights: [Tensor], of className: String) throws -> [Tensor] {
        let count = Self.turnedWeights[className] ?? 0
        return try weights.enumerated().map { index, weight in
            // The last two axes are channels and filters.
            guard index < count, weight.shape.count >= 3 else { return weight }
            let block = Checked.clampedCount(weight.shape.suffix(2))
            let values = weight.doubles
            let starts = stride(from: 0, to: values.count, by: max(block, 1)).reversed()
            return try Tensor(shape: weight.shape, starts.flatMap { values[$0..<$0 + block] }).cast(to: weight.elementType)
        }
    }

    /// What the user should know; nil for a backend that left kernels as they are.
    func warning(turned layers: [String]) -> Sentence? {
        guard let backend, !Self.plainBackends.contains(backend) else { return nil }
        if !Self.turningBackends.contains(backend) {
            return "The file names the backend \"\(backend)\", which is unknown here; its kernels are taken as they are."
        }
        let classes = Self.turnedWeights.keys.sorted().joined(separator: ", ")
        let which: Sentence = layers.isEmpty ? "no layer here is one of" : "those of \(listed(layers)) were turned round, as Keras 2 does for"
        return "The file was written with the backend \(backend), whose convolutions turn their kernels: \(which) \(classes); all others are taken as they are."
    }
}
