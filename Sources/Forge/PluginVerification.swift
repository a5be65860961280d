import VoxKernelRuntime
import VoxVerification

/// What became of the kernels of a plugin: the whole of `verify --json`.
package struct PluginVerification: Encodable {
    package struct Check: Encodable {
        let name: String
        let failure: String?
    }

    package struct Kernel: Encodable {
        let name: String
        let sound: Bool
        let seconds: Double
        let checks: [Check]
        /// How its process ended before all checks were done.
        let interruption: String?
    }

    /// A kernel that this machine cannot run.
    package struct Omitted: Encodable {
        let name: String
        /// Why not, in one sentence.
        let reason: String

        package init(name: String, reason: PluginError) { (self.name, self.reason) = (name, "\(reason)") }
    }

    let plugin: String
    let sound: Bool
    let kernels: [Kernel]
    /// The others, of which nothing is known.
    let omitted: [Omitted]

    /// - Parameters:
    ///   - plugin: its path.
    ///   - verdicts: of all its kernels that this machine can run.
    ///   - omitted: its other kernels.
    package init(plugin: String, _ verdicts: [KernelVerdict], omitted: [Omitted] = []) {
        self.plugin = plugin
        self.omitted = omitted
        sound = verdicts.allSatisfy(\.isSound)
        kernels = verdicts.map { verdict in
            Kernel(
                name: verdict.kernel, sound: verdict.isSound, seconds: verdict.seconds,
                checks: verdict.checks.map { Check(name: $0.name, failure: $0.failure) },
                interruption: verdict.interruption.map { "\($0)" })
        }
    }

    /// - Throws: `ForgeError.verificationFailed` unless every kernel is sound that was verified.
    package func check() throws(ForgeError) {
        let failed = kernels.filter { !$0.sound }.map(\.name)
        if !failed.isEmpty { throw .verificationFailed(kernels: failed, path: plugin) }
    }
}
