import VoxLayerSpec

/// What can go wrong while C is emitted.
public enum EmissionError: Error, Hashable, Sendable, CustomStringConvertible {
    case template(name: String, reason: String)
    case duplicateKernel(name: String)
    case noKernels
    /// A kernel family without a template.
    case notPrinted(family: String)
    /// What a library of plain C cannot be called.
    case libraryName(String, expected: String)

    public var description: String {
        let sentence: Sentence = switch self {
        case .template(let name, let reason): "The template \(name) cannot be used: \(reason)."
        case .duplicateKernel(let name): "Received two kernels named \(name); expected different problems or schedules."
        case .notPrinted(let family): "The kernel family \(family) has no template; expected one for every family."
        case .noKernels: "Received no kernels; expected at least one for a plugin."
        case .libraryName(let name, let expected): "Received \"\(name)\" as the name of a library; expected \(expected)."
        }
        return sentence.text
    }
}
