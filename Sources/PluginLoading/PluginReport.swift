import VoxLayerSpec

/// What came of one file of a folder of plugins: which of its kernels were registered, and which were not, and why.
public struct PluginReport: Hashable, Sendable, CustomStringConvertible {
    /// A kernel of the file that was not registered.
    public struct Omission: Hashable, Sendable, CustomStringConvertible {
        /// The kernel's name, as in its descriptor.
        public let kernel: String
        /// Why it was not registered.
        public let reason: Reason
        /// Whether a kernel was loaded for the same problem, of this policy or the other: expected of a file or folder made for several machines.
        public let isReplaced: Bool

        /// - Parameters:
        ///   - kernel: its name.
        ///   - reason: why it was not registered.
        ///   - isReplaced: whether a kernel was loaded for the same problem.
        package init(kernel: String, reason: Reason, isReplaced: Bool) {
            (self.kernel, self.reason, self.isReplaced) = (kernel, reason, isReplaced)
        }

        /// The kernel and the reason, in one line.
        public var description: String { ("\(kernel): \(reason)" as Sentence).text }
    }

    /// Why a kernel was not registered.
    public enum Reason: Hashable, Sendable, CustomStringConvertible {
        /// This machine cannot run it.
        case unusable(PluginError)
        /// The file, or another one of its folder, has a kernel for the same problem, whose processor has all features of this one's and more. It is
        /// used instead.
        case surpassed(by: String, path: String, target: String)

        public var description: String {
            let sentence: Sentence = switch self {
            case .unusable(let error): "\(error)"
            case .surpassed(let kernel, let path, let target): "Kernel \(kernel) of \(path) (\(target)) computes the same and uses more of this processor."
            }
            return sentence.text
        }
    }

    /// The plugin file.
    public let path: String
    /// Names of the kernels that were registered, in the order of the file.
    public let loaded: [String]
    /// The file's other kernels; none for a file whose contents could not be read.
    public let omitted: [Omission]
    /// Why the file was refused; nil for one that this machine can run.
    public let error: PluginError?

    /// - Parameters:
    ///   - path: the plugin file.
    ///   - loaded: names of the kernels that were registered.
    ///   - omitted: its other kernels.
    ///   - error: why the file was refused; nil for one that this machine can run.
    package init(path: String, loaded: [String], omitted: [Omission], error: PluginError?) {
        (self.path, self.loaded, self.omitted, self.error) = (path, loaded, omitted, error)
    }

    /// Whether the file was refused only because it is for another machine: expected of a folder made for several.
    public var isForAnotherMachine: Bool {
        switch error {
        case .foreignMachine, .missingFeatures, .unknownFeatures: true
        default: false
        }
    }

    /// One line for the file, and one for each kernel that was not registered.
    public var description: String {
        let head: Sentence = "\(path): \(loaded.count) kernel\(loaded.count == 1 ? "" : "s") loaded\(omitted.isEmpty ? "" : ", \(omitted.count) not")"
        var lines = [head.text]
        if omitted.isEmpty, let error { lines.append("  \(error)") }
        return (lines + omitted.map { "  \($0)" }).joined(separator: "\n")
    }
}
