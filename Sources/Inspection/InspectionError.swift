import VoxLayerSpec

/// Why a page cannot be made.
package enum InspectionError: Error, Hashable, CustomStringConvertible {
    /// A kernel that was asked for by a name that none has.
    case unknownKernel(String, path: String, known: [String])

    package var description: String {
        let sentence: Sentence = switch self {
        case .unknownKernel(let name, let path, let known): "The plugin \(path) has no kernel \"\(name)\"; expected one of \(Self.some(known))."
        }
        return sentence.text
    }

    /// The first of a list of names, which a plugin may have thousands of.
    private static func some(_ names: [String]) -> String {
        names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", ... (\(names.count) kernels)" : "")
    }
}
