import Logging
import VoxKernelBuild
import VoxKernelRuntime

/// What `OnDemandKernels` needs to know. The defaults are for an application beside which `voxelsmith-verify` lies, on a machine with clang.
public struct OnDemandOptions: Sendable {
    /// Kernels that are there already: they answer first, and nothing is made for what they compute.
    public var loaded = KernelRegistry.shared
    /// The compiler: a path, or a name looked up on PATH; nil for the Swift toolchain's clang, else the first on PATH.
    public var compiler: String?
    /// The path of `voxelsmith-verify`; nil for the one beside the running program.
    public var verifier: String?
    /// Where kernels are kept for the next process; nil keeps them in this one only.
    public var cache = PluginCache.standard()
    /// A file of measured schedules that `voxelsmith tune` wrote: its decisions for this instruction set and number of threads are used, wherever they
    /// were measured. nil for the cost model's schedules.
    public var tunings: String?
    /// How many threads a call of one sample will have: the cost model looks for the kernel that is fastest with so many.
    public var threads = ThreadPool.defaultThreadCount
    /// Seconds one call of clang may take.
    public var compilerTimeLimit = PluginBuilder.defaultTimeLimit
    /// Seconds the verification of one kernel may take.
    public var verificationTimeLimit = VerificationProcess.defaultTimeLimit
    /// Seconds until a lookup tries again what failed for a reason that may pass: a full disk, no more files to open, too little memory, no end
    /// within the time limit. Twice as many after each further failure of the same problem, up to 64 times as many.
    public var retryDelay = 60.0
    /// Told once of each cause for which kernels are not made, at level warning.
    public var logger = Logger(label: "voxelsmith.on-demand")

    /// The defaults.
    public init() {}
}
