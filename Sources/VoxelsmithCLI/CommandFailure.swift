import VoxForge
import VoxKernelEmission
import VoxLayerSpec
import VoxTensors

/// What can go wrong in the command line itself; everything else is an error of the libraries.
enum CommandFailure: Error, CustomStringConvertible {
    case unknownShape(layer: String)
    case needsFolder(layers: Int)
    case standaloneNeedsFolder
    case independentLayers(path: String, count: Int)
    case weightsNeeded(path: String)
    case inputShape([Int], layer: String, expected: Int)
    case unusedOption(String, needs: String)
    case unknownVerb(String, known: [String])
    case opposedOptions(String, String)
    case repeatedOption(String, count: Int)
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
    /// An option for models of one input and one output.
    case severalEnds(String, inputs: [String], outputs: [String])
    /// A file without a name for one of several inputs or outputs.
    case namelessEnd(String, names: [String])
    /// A file for an input or output that the model does not have.
    case unknownEnd(String, String, names: [String])
    /// Inputs or outputs without a file.
    case missingEnds(String, [String], names: [String])
    /// Two files for an input or output, or two without a name.
    case repeatedEnd(String, String?)
    /// Inputs of different numbers of samples.
    case batchExtents([Int], inputs: [String])
    /// Of the inputs of a model.
    case inputShapesUnknown(path: String)
    case notEnoughMemory(what: String, needed: Int, available: Int)
    case tooFewAddresses(received: Int, expected: Int)
    case tooFewThreads(received: Int, expected: Int, reason: String)
    case fileSystem(operation: String, path: String, reason: String)
    case unknownRequest(String, expected: String)
    /// An option that may not be given `-`.
    case noStream(String, isInput: Bool)
    case emptyPath(String)
    /// What stands where files are to be put is something else.
    case noFolder(String, path: String)
    /// What stands at an output's path is not to be replaced.
    case notReplaceable(String, path: String, reason: String)
    /// Two options that name one file, of which the second would replace it.
    case sameFile(String, String, path: String)
    /// Two options that name one pipe.
    case readTwice(String, String, path: String)
    case notUTF8(argument: [UInt8])
    /// The build plugin belongs to another version than this program.
    case otherVersion(expected: String)

    /// What a library throws, in the words of the command where options are the way out.
    static func inWordsOfOptions(_ error: any Error) -> any Error {
        if case ForgeError.unknownShape(let layer) = error { CommandFailure.unknownShape(layer: layer) } else { error }
    }

    /// Whether the command was called wrongly, rather than failed in its work.
    var isWrongUsage: Bool {
        switch self {
        case .needsFolder, .standaloneNeedsFolder, .unknownVerb, .unusedOption, .opposedOptions, .repeatedOption, .malformedShape, .repeatedShape,
            .repeatedEnd, .noStream, .emptyPath, .sameFile, .readTwice, .notUTF8: true
        default: false
        }
    }

    // Longer than 60 lines: one sentence per case, in the order of the cases.
    var description: String {
        let sentence: Sentence = switch self {
        case .unknownShape(let layer):
            "Layer \"\(layer)\" has no complete input shape in the file; expected one there or --input-shape \(layer)=1,D,H,W,C."
        case .needsFolder(let layers):
            "Received \(layers) kernels to print; expected a folder for them with --output, or a file with one layer."
        case .standaloneNeedsFolder: "Received --standalone without a folder; expected one for the C and what builds it, with --output."
        case .independentLayers(let path, let count):
            "The file \(path) holds \(count) independent layers; expected a model, or a single layer."
        case .weightsNeeded(let path):
            "The file \(path) has no weights; expected --weights with a file (.npz, .safetensors, .weights.h5, .h5, .keras), or a model that holds them."
        case .inputShape(let shape, let layer, let expected):
            "Received an input of shape \(shape) for layer \"\(layer)\"; expected \(expected) axes, or \(expected - 1) without the batch."
        case .unusedOption(let option, let needs): "Received \(option) without \(needs); expected both or neither."
        case .unknownVerb(let verb, let known): "Received the verb \"\(verb)\"; expected one of \(known.joined(separator: ", "))."
        case .opposedOptions(let one, let other): "Received \(one) and \(other); expected at most one of them."
        case .repeatedOption(let option, let count): "Received \(option) \(count) times; expected it at most once."
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
            "Received a result of \(factor) voxels for an input of \(of); expected whole multiples, the same of height and width, for --picture."
        case .malformedShape(let text):
            "Received input shape \"\(text)\"; expected integers of at least 1 separated by commas, such as 1,16,16,16,8, after a name and \"=\" or not."
        case .repeatedShape(let name):
            "Received --input-shape twice \(name.map { "for \"\($0)\"" } ?? "without a name"); expected it once."
        case .severalEnds(let option, let inputs, let outputs):
            "Received \(option) for a model that takes \(Self.some(inputs)) and returns \(Self.some(outputs)); expected one input and one output."
        case .namelessEnd(let option, let names):
            "Received \(option) without a name; expected \(option) NAME=FILE once for each of \(Self.some(names))."
        case .unknownEnd(let option, let name, let names):
            "Received \(option) for \"\(name)\"; expected \(Self.some(names)) before the \"=\" (a path that has one begins with \"/\", \"./\" or \"../\")."
        case .missingEnds(let option, let missing, let names):
            "Received no \(option) for \(Self.some(missing)); expected one for each of \(Self.some(names))."
        case .repeatedEnd(let option, let name):
            "Received \(option) twice \(name.map { "for \"\($0)\"" } ?? "without a name"); expected it once."
        case .batchExtents(let extents, let inputs):
            "Received \(extents) samples of the inputs \(Self.some(inputs)); expected equal numbers."
        case .inputShapesUnknown(let path):
            "The model in \(path) states no complete shape of every input; expected one there or --input-shape [NAME=]1,D,H,W,C."
        case .noStream(let option, let isInput):
            """
            Received - for \(option); expected the path of a \
            file\(isInput ? " (standard input is /dev/stdin)" : ": only --json and emit --output take - for standard output").
            """
        case .emptyPath(let option): "Received an empty path for \(option); expected the path of a file or a folder."
        case .noFolder(let option, let path): "Received \(option) \(path), which is no folder; expected one, or a name for a new one."
        case .notReplaceable(let option, let path, let reason):
            "Received \(option) \(path): \(reason); expected a new file or a regular one, which is replaced."
        case .sameFile(let first, let second, let path):
            "Received the same file for \(first) and for \(second), \(path); expected different ones, as the second is replaced."
        case .readTwice(let first, let second, let path):
            "Received the same pipe for \(first) and for \(second), \(path); expected different ones, as each is read once."
        case .notUTF8(let argument):
            "Received the argument \(escaped(bytes: argument)), which is not UTF-8; expected names of files in UTF-8."
        case .otherVersion(let expected):
            "This program is \(VoxelsmithCommand.configuration.version); expected version \(expected), that of the package whose build runs it."
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
