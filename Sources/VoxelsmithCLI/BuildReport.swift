import KernelBuild
import KernelEmission
import LayerSpec

/// The whole of `build --json`.
struct BuildReport: Encodable {
    struct Kernel: Encodable {
        let name: String
        let key: String
        let schedule: String
        /// The layers it computes.
        let layers: [String]
    }

    /// A layer that is left to the interpreter.
    struct Interpreted: Encodable {
        let name: String
        let reason: String
    }

    struct Verification: Encodable {
        let seconds: Double
        /// Whether the record of an earlier build was found.
        let earlier: Bool
    }

    let plugin: String
    let bytes: Int
    let digest: String
    let target: String
    let instructionSet: String
    let clang: String
    let seconds: Double
    let compiledUnits: Int
    let cachedUnits: Int
    let kernels: [Kernel]
    let interpreted: [Interpreted]
    let verification: Verification?
}
