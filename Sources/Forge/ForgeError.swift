import VoxLayerSpec

/// Why there is no plugin, beside the errors of the modules that do the work.
public enum ForgeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A layer without an input shape that belongs to no model, or the first layer of a model in which no layer has one.
    case unknownShape(layer: String)
    /// No kernel family takes any of the layers.
    case nothingToGenerate(source: String)
    /// No kernel family takes this layer, and plain C was asked for, which has no interpreter.
    case noPlainC(layer: String, reason: String)
    /// The program that verifies kernels is not there.
    case noVerifier(path: String)
    /// A kernel that is not sound; the reason is what it failed at.
    case unsoundKernel(String, reason: String)
    /// The verification of a kernel that is made on demand did not end in time, so nothing is known of it.
    case verificationTimedOut(kernel: String, seconds: Double)
    /// These kernels are not sound, so the plugin is not put in place.
    case verificationFailed(kernels: [String], path: String)

    public var description: String {
        let sentence: Sentence = switch self {
        case .unknownShape(let layer): "Layer \"\(layer)\" has no complete input shape; expected one in its file or beside it."
        case .nothingToGenerate(let source): "No layer of \(source) has a kernel family; expected at least one that does."
        case .noPlainC(let layer, let reason):
            "There is no plain C for layer \"\(layer)\"; expected layers that kernel families take, as plain C has no interpreter. \(reason)"
        case .noVerifier(let path):
            "There is no program \(path) to verify kernels with; expected voxelsmith-verify there, a product of the package and part of every installation."
        case .unsoundKernel(let kernel, let reason): "Kernel \(kernel) is not sound: \(reason); expected one that passes every check."
        case .verificationTimedOut(let kernel, let seconds):
            "The verification of kernel \(kernel) took longer than the limit of \(seconds) seconds; expected one that ends."
        case .verificationFailed(let kernels, let path):
            "Verification failed for \(kernels.count) of the kernels of \(path): \(kernels.joined(separator: ", "))."
        }
        return sentence.text
    }
}
