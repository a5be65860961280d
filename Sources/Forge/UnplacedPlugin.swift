import VoxKernelBuild
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import VoxVerification

/// A plugin that is built and has no place yet. It is verified in a folder of its own, so that a bad one never takes the place of a good one.
struct UnplacedPlugin {
    /// Why a plugin cannot be verified here.
    enum Obstacle {
        case missingFeatures([Target.Feature])
        /// In bytes.
        case memory(needed: Int, available: Int)
    }

    private let built: BuiltPlugin
    private let specs: [KernelSpec]

    /// - Parameters:
    ///   - built: the plugin.
    ///   - specs: what its kernels compute.
    init(_ built: BuiltPlugin, _ specs: [KernelSpec]) {
        self.built = built
        self.specs = specs
    }

    /// nil where it can be verified.
    var obstacle: Obstacle? {
        let missing = built.target.machine.missing(from: HostCPU.features)
        if !missing.isEmpty { return .missingFeatures(missing) }
        let (needed, available) = (specs.map { KernelVerifier.memory(for: $0) }.max() ?? 0, AvailableMemory.byteCount)
        return needed > available ? .memory(needed: needed, available: available) : nil
    }

    /// - Parameters:
    ///   - verification: verifies each kernel in a process.
    ///   - onKernel: as of `VerificationProcess.verify`.
    /// - Throws: as `VerificationProcess.verify`; `KernelBuildError.fileSystem`.
    func verdicts(of verification: VerificationProcess, onKernel: (Int, Int) -> Void = { _, _ in }) async throws -> [KernelVerdict] {
        let folder = try PrivateFolder()
        defer { folder.remove() }
        let path = folder.path + "/plugin.so"
        try built.write(to: path)
        return try await verification.verify(plugin: path, onKernel: onKernel)
    }
}
