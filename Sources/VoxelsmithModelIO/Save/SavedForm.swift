/// The form of a file with a model, told by the ending of its path.
enum SavedForm {
    case archive, wholeModel

    /// - Throws: `ModelIOError.unknownEnding`.
    init(modelAt path: String) throws(ModelIOError) {
        // Keras would write a whole model under the ending of weights alone, and then refuse to read them from it.
        if path.hasSuffix(Weights.keras3Ending) { throw .unknownEnding(path: path, .model) }
        if path.hasSuffix(".keras") {
            self = .archive
        } else if Self.isHDF5(path) {
            self = .wholeModel
        } else {
            throw .unknownEnding(path: path, .model)
        }
    }

    private static func isHDF5(_ path: String) -> Bool { path.hasSuffix(".h5") || path.hasSuffix(".hdf5") }

    /// The form of a file with weights alone.
    enum Weights {
        case variables, listed, safetensors, npz

        static let keras3Ending = ".weights.h5"

        /// - Throws: `ModelIOError.unknownEnding`.
        init(weightsAt path: String) throws(ModelIOError) {
            if path.hasSuffix(Self.keras3Ending) {
                self = .variables
            } else if SavedForm.isHDF5(path) {
                self = .listed
            } else if path.hasSuffix(".safetensors") {
                self = .safetensors
            } else if path.hasSuffix(".npz") {
                self = .npz
            } else {
                throw .unknownEnding(path: path, .weights)
            }
        }
    }
}

/// What is saved.
public enum SavedPart: Hashable, Sendable {
    case model, weights

    /// The endings that its paths may have, in words.
    var endings: String {
        switch self {
        case .model: ".keras or .h5 (.weights.h5 is for weights alone)"
        case .weights: ".weights.h5, .h5, .safetensors or .npz"
        }
    }
}
