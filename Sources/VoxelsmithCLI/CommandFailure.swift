import KernelEmission
import LayerSpec
import Tensors

/// What can go wrong in the command line itself; everything else is an error of the libraries.
enum CommandFailure: Error, CustomStringConvertible {
    case unknownShape(layer: String)
    case nothingToGenerate(path: String)
    case needsFolder(layers: Int)
    case independentLayers(path: String, count: Int)
    case weightsNeeded(path: String)
    case inputShape([Int], layer: String, expected: Int)
    case unusedOption(String, needs: String)
    case repeatedOption(String, count: Int)
    case verificationFailed(kernels: [String], path: String)
    case generatedDiffers([String], folder: String)
    case foreignFolder(String)
    case foreignFiles([String], folder: String)
    case timedAnswerDiffers(layer: String, Comparison)
    case noCache
    case resultShape([Int], what: String, expected: [Int])
    case resultDiffers(path: String, index: Int, received: Double, expected: Double, tolerance: Double)
    case notAVolume([Int])
    case notInteger(factor: [Int], of: [Int])
    case malformedShape(String)
    /// A shape stated twice: of a name, or without one.
    case repeatedShape(String?)
    case severalEnds(path: String, inputs: [String], outputs: [String])
    case notEnoughMemory(what: String, needed: Int, available: Int)
    case tooFewAddresses(received: Int, expected: Int)
    case tooFewThreads(received: Int, expected: Int, reason: String)
    case fileSystem(operation: String, path: String, reason: String)
    case unknownRequest(String, expected: String)

    /// Whether the command was called wrongly, rather than failed in its work.
    var isWrongUsage: Bool {
        switch self {
        case .needsFolder, .unusedOption, .repeatedOption, .malformedShape, .repeatedShape: true
        default: false
        }
    }

    var description: String {
        let sentence: Sentence = switch self {
        case .unknownShape(let layer):
            "Layer \"\(layer)\" has no complete input shape in the file; expected one there or --input-shape \(layer)=1,D,H,W,C."
        case .nothingToGenerate(let path):
            "No layer of \(path) has a kernel family; expected at least one that does."
        case .needsFolder(let layers):
            "Received \(layers) kernels to print; expected a folder for them with --output, or a file with one layer."
        case .independentLayers(let path, let count):
            "The file \(path) holds \(count) independent layers; expected a model, or a single layer."
        case .weightsNeeded(let path):
            "The file \(path) has no weights; expected --weights with a file that has them (.npz, .weights.h5, .h5, .keras), or a model that holds them."
        case .inputShape(let shape, let layer, let expected):
            "Received an input of shape \(shape) for layer \"\(layer)\"; expected \(expected) axes, or \(expected - 1) without the batch."
        case .unusedOption(let option, let needs): "Received \(option) without \(needs); expected both or neither."
        case .repeatedOption(let option, let count): "Received \(option) \(count) times; expected it at most once."
        case .verificationFailed(let kernels, let path):
            "Verification failed for \(kernels.count) of the kernels of \(path): \(kernels.joined(separator: ", "))."
        case .generatedDiffers(let files, let folder):
            "\(files.count) files of \(folder) are not what the templates give (\(Self.some(files))); expected equal ones, run `voxelsmith regenerate`."
        case .foreignFiles(let files, let folder):
            "\(files.count) files of \(folder) were not generated (\(Self.some(files))); expected none, so nothing was changed."
        case .foreignFolder(let folder):
            "The folder \(folder) holds files but no \(GoldenSuite.manifestFile); expected a folder that `voxelsmith regenerate` wrote, or an empty one."
        case .timedAnswerDiffers(let layer, let comparison):
            "The timed calls of layer \"\(layer)\" gave another result than the first: \(comparison); expected equal bits."
        case .noCache: "Received neither XDG_CACHE_HOME nor HOME as an absolute path; expected one of them, the cache is below it."
        case .resultShape(let shape, let what, let expected): "Received \(what) of shape \(shape); expected \(expected)."
        case .resultDiffers(let path, let index, let received, let expected, let tolerance):
            "Element \(index) of the compared results is \(received); expected \(expected) within \(tolerance), from \(path)."
        case .notAVolume(let shape):
            "Received a result or input of shape \(shape); expected batch 1 and 1 channel for --truth and --picture."
        case .notInteger(let factor, let of):
            "Received a result of \(factor) voxels for an input of \(of); expected whole multiples for --picture."
        case .malformedShape(let text):
            "Received input shape \"\(text)\"; expected integers of at least 1 separated by commas, such as 1,16,16,16,8, after a name and \"=\" or not."
        case .repeatedShape(let name):
            "Received --input-shape twice \(name.map { "for \"\($0)\"" } ?? "without a name"); expected it once."
        case .severalEnds(let path, let inputs, let outputs):
            "The model in \(path) takes \(Self.some(inputs)) and returns \(Self.some(outputs)); expected one input and one output."
        case .unknownRequest(let request, let expected): "Received \"\(request)\"; expected \(expected)."
        case .notEnoughMemory(let what, let needed, let available):
            "\(what) take \(needed) bytes at once; expected at most the \(available) that are available."
        case .tooFewAddresses(let received, let expected):
            "The limit of addresses (ulimit -v) leaves \(received) bytes; expected at least \(expected)."
        case .tooFewThreads(let received, let expected, let reason):
            "The system let this process start \(received) threads (then: \(reason)); expected at least \(expected), see ulimit -v, -s and -u."
        case .fileSystem(let operation, let path, let reason): "Could not \(operation) \(path): \(reason)."
        }
        return sentence.text
    }

    /// The first few of a list of names.
    private static func some(_ names: [String]) -> String {
        names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", ..." : "")
    }
}
