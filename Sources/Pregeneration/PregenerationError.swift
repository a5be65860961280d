import VoxLayerSpec

/// What is wrong with a target's `voxelsmith.json`.
package enum PregenerationError: Error, Hashable, Sendable, CustomStringConvertible {
    case malformed(path: String, reason: String)
    case unknownField(path: String, field: String, known: [String])
    case wrongField(path: String, field: String, received: String, expected: String)
    /// A file that the build was not planned with.
    case unplannedFile(path: String, file: String)

    package var description: String {
        let sentence: Sentence = switch self {
        case .malformed(let path, let reason): "The file \(path) is not what it must be: \(reason)"
        case .unknownField(let path, let field, let known):
            "The file \(path) has a field \"\(field)\"; expected none but \(known.joined(separator: ", "))."
        case .wrongField(let path, let field, let received, let expected):
            "The field \(field) of \(path) is not what it must be: received \(received); expected \(expected)."
        case .unplannedFile(let path, let file):
            """
            The file "\(file)" of \(path) was named after SwiftPM had planned this build, so that it would not notice its changes; \
            expected a new plan: touch Package.swift and build again.
            """
        }
        return sentence.text
    }
}
