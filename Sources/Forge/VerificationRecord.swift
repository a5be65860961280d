import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensorIO

/// What a verification found, kept beside the plugin so that the same bytes need not be verified twice. It proves nothing: whoever can write the
/// plugin can write this too.
package struct VerificationRecord: Hashable, Sendable {
    package struct Kernel: Hashable, Sendable {
        package let name: String
        /// Checks it passed.
        package let checks: Int
        package let seconds: Double
    }

    /// SHA-256 that stands at the end of the plugin.
    package let digest: String
    package let seconds: Double
    /// Those that the machine of the verification could run, in the order of the plugin.
    package let kernels: [Kernel]

    /// - Parameter verdicts: of all kernels that this machine can run, each of them sound.
    package init(digest: String, _ verdicts: [KernelVerdict]) {
        self.digest = digest
        kernels = verdicts.map { Kernel(name: $0.kernel, checks: $0.checks.count, seconds: $0.seconds) }
        seconds = verdicts.reduce(0) { $0 + $1.seconds }
    }

    package static func path(beside plugin: String) -> String { plugin + ".verification.json" }

    /// A record has some hundred bytes a kernel; this is room for as many as the largest plugin holds.
    private static let byteLimit = 16 << 20

    /// The record beside the path of a plugin; nil when there is none, when it is damaged, when it is of another plugin, and when it comes from a machine
    /// that could not run all that this one can.
    package static func read(beside path: String, of plugin: PluginFile) -> VerificationRecord? {
        guard let bytes = try? InputFile.bytes(of: self.path(beside: path), limit: byteLimit) else { return nil }
        return VerificationRecord(bytes, of: plugin)
    }

    /// A record is believed only if it says, of exactly these bytes, that each of their kernels passed checks which this processor can run, or all of them
    /// where it can run none.
    /// - Parameter features: what the processor has.
    package init?(_ bytes: [UInt8], of plugin: PluginFile, features: Set<Target.Feature> = HostCPU.features) {
        func time(_ value: JSONValue?) -> Double? {
            switch value {
            case .integer(let number)? where number >= 0: Double(number)
            case .number(let number)? where number >= 0: number
            default: nil
            }
        }
        guard let object = (try? JSONValue(parsing: bytes))?.object, object["digest"]?.string == plugin.digest,
            let seconds = time(object["seconds"]), let entries = object["kernels"]?.array
        else { return nil }
        var kernels: [Kernel] = []
        var later = plugin.descriptors[...]
        var verified: Set<Int> = []
        for entry in entries {
            guard let fields = entry.object, let name = fields["name"]?.string, let place = later.firstIndex(where: { $0.name == name }),
                case .integer(let checks)? = fields["checks"], checks >= 1, let seconds = time(fields["seconds"])
            else { return nil }
            kernels.append(Kernel(name: name, checks: checks, seconds: seconds))
            verified.insert(place)
            later = later[(place + 1)...]
        }
        let all = Set(plugin.descriptors.indices)
        let runnable = all.filter { plugin.obstacle(to: plugin.descriptors[$0], features: features) == nil }
        guard verified.isSuperset(of: runnable.isEmpty ? all : runnable) else { return nil }
        digest = plugin.digest
        self.seconds = seconds
        self.kernels = kernels
    }

    /// One line for each kernel.
    package var text: String {
        let lines = kernels.map { kernel in
            let object: JSONValue = ["name": .string(kernel.name), "checks": .integer(kernel.checks), "seconds": .number(kernel.seconds)]
            return "    " + object.text
        }
        return "{\n  \"digest\": \"\(digest)\",\n  \"seconds\": \(seconds),\n  \"kernels\": [\n\(lines.joined(separator: ",\n"))\n  ]\n}\n"
    }

    /// Writes the record in one step.
    /// - Throws: `TensorIOError.cannotWrite`.
    package func write(beside plugin: String) throws {
        try Array(text.utf8).withUnsafeBytes { try StagedFile.write([$0], to: Self.path(beside: plugin)) }
    }
}
