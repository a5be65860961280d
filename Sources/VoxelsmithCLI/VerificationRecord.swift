import KernelRuntime
import TensorIO
import Tuning

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What a verification found, kept beside the plugin so that the same bytes need not be verified twice. No proof of anything: who
/// can write the plugin can write this too.
struct VerificationRecord: Codable, Hashable {
    struct Kernel: Codable, Hashable {
        let name: String
        let checks: Int
        let seconds: Double
    }

    /// SHA-256 of the plugin, as at its end.
    let digest: String
    let seconds: Double
    let kernels: [Kernel]

    init(digest: String, _ verdicts: [KernelVerdict]) {
        self.digest = digest
        kernels = verdicts.map { Kernel(name: $0.kernel, checks: $0.checks.count, seconds: $0.seconds) }
        seconds = verdicts.reduce(0) { $0 + $1.seconds }
    }

    static func path(beside plugin: String) -> String { plugin + ".verification.json" }

    /// The record of a plugin with this digest; nil when there is none, or one of other bytes.
    static func read(beside plugin: String, digest: String) -> VerificationRecord? {
        let limit = 1 << 20
        guard let bytes = try? InputFile.bytes(of: path(beside: plugin), limit: limit),
            let record = try? JSONDecoder().decode(VerificationRecord.self, from: Data(bytes)), record.digest == digest
        else { return nil }
        return record
    }

    func write(beside plugin: String) throws { try TextFiles.write(try jsonText(self), to: Self.path(beside: plugin)) }
}
