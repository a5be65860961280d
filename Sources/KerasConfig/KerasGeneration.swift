/// The line of Keras that wrote a description. It decides what `hard_sigmoid` means.
public enum KerasGeneration: Hashable, Sendable {
    /// Keras 1 and 2, tf.keras of TensorFlow 1, tf-keras: `hard_sigmoid` is clip(0.2 x + 0.5, 0, 1).
    case keras2
    /// Keras 3: `hard_sigmoid` is relu6(x + 3) / 6.
    case keras3

    /// From a version such as "2.1.3-tf" or "3.15.1"; a text without leading number counts as Keras 3.
    public init(kerasVersion: String) {
        let major = Int(kerasVersion.prefix { $0 != "." }) ?? 3
        self = major < 3 ? .keras2 : .keras3
    }

    /// The line that the marks in a serialised layer or model speak for; see `GenerationEvidence`.
    public init(detectedIn document: JSONValue) { self = GenerationEvidence(in: document).generation }
}
