/// What `PluginBuild` did. As JSON it is the whole of `build --json`.
public struct BuildReport: Encodable, Sendable {
    /// A kernel of the plugin.
    public struct Kernel: Encodable, Sendable {
        /// Its symbol stem.
        public let name: String
        /// The problem it computes, as `SpecKey` writes it.
        public let key: String
        /// The instruction set it was compiled for.
        public let target: String
        /// How it computes: family and parameters.
        public let schedule: String
        /// The layers it computes.
        public let layers: [String]
    }

    /// A layer that is left to the interpreter.
    public struct Interpreted: Encodable, Hashable, Sendable {
        /// The layer.
        public let name: String
        /// Why no kernel family takes it.
        public let reason: String
    }

    /// That all kernels were verified that this machine can run.
    public struct Verification: Encodable, Sendable {
        /// Seconds that it took.
        public let seconds: Double
        /// Whether it was an earlier build that verified them, as the record beside the plugin says.
        public let earlier: Bool
        /// Names of the others, which are not verified; none where all can be run.
        public let omitted: [String]
    }

    /// Path of the plugin.
    public let plugin: String
    /// Its size.
    public let bytes: Int
    /// SHA-256 of its bytes, as at its end.
    public let digest: String
    /// What it was compiled for, by name; several with commas between them.
    public let target: String
    /// What it was compiled for; several with commas between them.
    public let instructionSet: String
    /// The compiler's version, as it states it.
    public let clang: String
    /// Seconds that the build took, without verification and measurements.
    public let seconds: Double
    /// Compiler calls.
    public let compiledUnits: Int
    /// Compiler calls that the cache made unnecessary.
    public let cachedUnits: Int
    /// In the order of the plugin.
    public let kernels: [Kernel]
    /// The other layers.
    public let interpreted: [Interpreted]
    /// nil where nothing was verified.
    public let verification: Verification?
    /// Whether the cache had the whole plugin; not in the JSON.
    public let isFromCache: Bool

    enum CodingKeys: String, CodingKey {
        case plugin, bytes, digest, target, instructionSet, clang, seconds, compiledUnits, cachedUnits, kernels, interpreted, verification
    }
}
