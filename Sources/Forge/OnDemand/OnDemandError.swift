import VoxLayerSpec

/// Why there is no kernel to wait for.
public enum OnDemandError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Nothing is compiled in this process.
    case notCompiled(reason: String)
    /// The kernel of this problem could not be made, or is not sound. The reason may have several lines, a compiler's words among them; `description`
    /// has the first.
    case failed(SpecKey, reason: String)
    /// `OnDemandKernels.stop()` was called before the kernel was made.
    case stopped
    /// This process was forked off one that had a provider; the threads that make kernels are not in it.
    case forked

    public var description: String {
        let sentence: Sentence = switch self {
        case .notCompiled(let reason): "No kernels are made on demand. \(reason)"
        case .failed(let key, let reason): "The kernel for \(key) was not made. \(whole: String(reason.prefix { !$0.isNewline }))"
        case .stopped: "The making of kernels was stopped; expected a provider that was not."
        case .forked: "No kernels are made in a process that was forked off one that had a provider; expected that one, or a program started anew."
        }
        return sentence.text
    }
}
