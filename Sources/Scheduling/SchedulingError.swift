import VoxLayerSpec

/// Why no schedule exists.
public enum SchedulingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The operation has no kernel family yet.
    case notYetEmitted(operation: String)
    /// No family takes the problem, so the interpreter computes it.
    case notApplicable(key: String, reason: String)
    /// A schedule that was asked for breaks a limit.
    case illegalSchedule(String, reason: String)

    public var description: String {
        let sentence: Sentence = switch self {
        case .notYetEmitted(let operation): "Kernels for the operation \(operation) are not yet emitted; expected transposedConvolution or convolution."
        case .notApplicable(let key, let reason): "No kernel family takes \(key), so the interpreter computes it: \(reason)."
        case .illegalSchedule(let schedule, let reason): "The schedule \(schedule) is not applicable: \(reason)."
        }
        return sentence.text
    }
}
