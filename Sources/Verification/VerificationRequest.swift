import VoxLayerSpec

/// What `voxelsmith-verify` is asked: one kernel of one plugin. Who starts that program and the program itself have it from here.
package struct VerificationRequest: Hashable, Sendable {
    /// The path of the plugin.
    package let plugin: String
    /// The plugin must have this digest, as it is the one that was asked about.
    package let digest: String
    /// The number of the kernel in the plugin, from 0.
    package let kernel: Int
    /// After so many seconds the process ends by itself, should its parent be gone.
    package let secondsToLive: Int
    /// As `KernelRegistry`'s.
    package let trustedFolders: [String]

    /// - Parameters:
    ///   - plugin: the path of the plugin.
    ///   - digest: the plugin must have it.
    ///   - kernel: the number of the kernel in the plugin, from 0.
    ///   - secondsToLive: after so many the process ends by itself.
    ///   - trustedFolders: as `KernelRegistry`'s.
    package init(plugin: String, digest: String, kernel: Int, secondsToLive: Int, trustedFolders: [String]) {
        self.plugin = plugin
        self.digest = digest
        self.kernel = kernel
        self.secondsToLive = secondsToLive
        self.trustedFolders = trustedFolders
    }

    /// The arguments of the program, its path left out.
    package var arguments: [String] { [plugin, digest, "\(kernel)", "\(secondsToLive)"] + trustedFolders }

    /// A year: no timer counts further.
    package static let mostSecondsToLive = 31_536_000

    /// What `arguments` stand for.
    /// - Parameter arguments: those of a process, its path left out.
    /// - Throws: `VerificationRequestError`.
    package init(arguments: [String]) throws(VerificationRequestError) {
        guard arguments.count >= 4 else { throw .count(arguments.count) }
        guard let kernel = Int(arguments[2]), kernel >= 0 else { throw .number("kernel", arguments[2], least: 0) }
        guard let seconds = Int(arguments[3]), (1...Self.mostSecondsToLive).contains(seconds) else { throw .number("number of seconds", arguments[3], least: 1) }
        self.init(plugin: arguments[0], digest: arguments[1], kernel: kernel, secondsToLive: seconds, trustedFolders: Array(arguments[4...]))
    }
}

/// What is wrong with the arguments of `voxelsmith-verify`.
package enum VerificationRequestError: Error, Hashable, Sendable, CustomStringConvertible {
    case count(Int)
    case number(String, String, least: Int)

    package var description: String {
        let sentence: Sentence = switch self {
        case .count(let count):
            "Received \(count) arguments; expected a plugin, its digest, the number of a kernel and a number of seconds, then trusted folders, if any."
        case .number(let what, let text, let least): "Received the \(what) \"\(text)\"; expected a whole number, \(least) or more."
        }
        return sentence.text
    }
}
