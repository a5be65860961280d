import VoxLayerSpec
import VoxVerification

/// What became of one kernel that was verified in a process of its own.
public struct KernelVerdict: Hashable, Sendable {
    /// Why not all checks were done.
    public enum Interruption: Hashable, Sendable, CustomStringConvertible {
        /// A signal ended the process: 11 or 7 after a read or write outside the buffers, which lie against inaccessible pages.
        case crashed(status: String)
        case timedOut(seconds: Double)
        /// The time for all kernels together was over before this kernel's turn, or during it.
        case notReached(totalSeconds: Double)
        /// The process gave up, with what it said.
        case gaveUp(String)

        public var description: String {
            let sentence: Sentence = switch self {
            case .crashed(let status) where ["signal 11", "signal 7"].contains(status):
                "it read or wrote outside its buffers (\(status))"
            case .crashed(let status): "it crashed (\(status))"
            case .timedOut(let seconds): "it took longer than \(seconds) seconds"
            case .notReached(let seconds): "the \(seconds) seconds for all kernels were over before it was done"
            case .gaveUp(let reason): "\(reason)"
            }
            return sentence.text
        }
    }

    /// Its name.
    public let kernel: String
    /// The checks that were done, in their order.
    public let checks: [VerificationCheck]
    /// nil when all checks were done.
    public let interruption: Interruption?
    /// Time from the start of its process to the end.
    public let seconds: Double

    /// The first thing that is wrong with it; nil for a sound kernel.
    package var fault: String? {
        if let check = checks.first(where: { $0.failure != nil }) { return "\(check.name): \(check.failure ?? "")" }
        return interruption.map { "\($0)" } ?? (checks.isEmpty ? "nothing was checked" : nil)
    }

    /// Whether all checks were done and passed.
    public var isSound: Bool { fault == nil }
}
