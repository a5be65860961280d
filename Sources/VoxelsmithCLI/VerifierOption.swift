import ArgumentParser
import Glibc
import VoxLayerSpec

/// `--verifier`.
struct VerifierOption: ParsableArguments {
    /// The name of the program that verifies a kernel, and what packages call the product.
    static let programName = "voxelsmith-verify"

    @Option(help: ArgumentHelp("The program that verifies a kernel. Default: \(VerifierOption.programName) beside this program.", valueName: "PATH"))
    var verifier: String?

    func list(in files: inout NamedFiles) { files.reads(verifier, "--verifier") }

    /// The path of the program.
    /// - Throws: `CommandFailure.fileSystem` when the file of this program is not found.
    func path() throws(CommandFailure) -> String {
        if let verifier { return verifier }
        guard let path = realpath("/proc/self/exe", nil) else {
            throw .fileSystem(operation: "find", path: "this program's file", reason: String(cString: strerror(errno)))
        }
        defer { free(path) }
        let folder = String(cString: path).split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        return "\(folder)/\(Self.programName)"
    }
}
