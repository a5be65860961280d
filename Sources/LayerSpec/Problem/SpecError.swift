/// What can be wrong with a layer's numbers, and with targets. Each case carries the value received; `description` is the one sentence.
public enum SpecError: Error, Hashable, Sendable, CustomStringConvertible {
    /// `what`, the value received, the smallest legal value.
    case tooSmall(_ what: String, Int, minimum: Int)
    /// `what`, the value received, the largest legal value.
    case aboveMaximum(_ what: String, Int, maximum: Int)
    /// `what`, and the numbers whose product or sum leaves 64 bits or the size limit.
    case tooLarge(_ what: String, [Int])
    /// `what`, the values received, how many were expected.
    case wrongCount(_ what: String, [Int], expected: Int)
    case emptyOutput(axis: Int, length: Int)
    case outputPadding(axis: Int, Int, stride: Int)
    case negativePadding(axis: Int, total: Int, rule: String)
    /// A rule that only transposed convolutions know, or output padding.
    case ordinaryPadding(String)
    case groupsDoNotDivide(groups: Int, what: String, Int)
    case wrongChannels(received: Int, expected: Int)
    /// `what`, the value received, and what it must be.
    case invalidParameter(_ what: String, Double, expected: String)
    case axis(Int, rank: Int)
    case oddExtent(axis: Int, Int)
    case malformedKey(String, reason: String)
    case unknownTarget(String)
    /// An empty list of targets.
    case noTargets
    /// Targets for one plugin, by their names, that are of two processor families.
    case targetsOfTwoFamilies(String, String)
    /// Targets for one plugin, by their names, that stand for one instruction set.
    case sameTargets(String, String)

    public var description: String {
        let sentence: Sentence = switch self {
        case .tooSmall(let what, let value, let minimum):
            "Received \(what) \(value); expected at least \(minimum)."
        case .aboveMaximum(let what, let value, let maximum):
            "Received \(what) \(value); expected at most \(maximum)."
        case .tooLarge(let what, let values):
            """
            The \(what) computed from \(values) is beyond the supported size; \
            expected tensors of at most \(Geometry.maximumByteCount) bytes and fewer than 2^63 operations.
            """
        case .wrongCount(let what, let values, let expected):
            "Received \(what) \(values); expected \(expected) integers."
        case .emptyOutput(let axis, let length):
            "Axis \(axis) would have an output of length \(length); expected at least 1."
        case .outputPadding(let axis, let value, let stride):
            "Received output padding \(value) on axis \(axis); expected 0 or more and less than the stride \(stride)."
        case .negativePadding(let axis, let total, let rule):
            "Axis \(axis) would need a total padding of \(total) with \(rule); expected 0 or more."
        case .ordinaryPadding(let rule):
            "Received padding \(rule) for an ordinary convolution; expected valid or same without output padding."
        case .groupsDoNotDivide(let groups, let what, let value):
            "Received \(groups) groups for \(value) \(what); expected a divisor of \(value)."
        case .wrongChannels(let received, let expected):
            "Received an input with \(received) channels; expected \(expected)."
        case .invalidParameter(let what, let value, let expected):
            "Received \(what) \(value); expected \(expected)."
        case .axis(let axis, let rank):
            "Received axis \(axis); expected -\(rank) to \(rank - 1) for a tensor of \(rank) axes."
        case .oddExtent(let axis, let extent):
            "Received an extent of \(extent) on axis \(axis); expected an even number, which glu can halve."
        case .malformedKey(let key, let reason):
            "\"\(key)\" is no kernel specification key: \(reason)."
        case .unknownTarget(let name):
            "Received target \"\(name)\"; expected native or one of \(Target.named.map(\.name).joined(separator: ", "))."
        case .noTargets: "Received no targets for a plugin; expected at least one."
        case .targetsOfTwoFamilies(let one, let other):
            """
            Received the targets \(one) and \(other) for one plugin; expected targets of one processor family, \
            as a file has machine code for one.
            """
        case .sameTargets(let one, let other):
            "Received the targets \(one) and \(other) for one plugin, which stand for one instruction set; expected each once."
        }
        return sentence.text
    }
}
