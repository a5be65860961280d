import ArgumentParser
import Glibc
import VoxForge
import VoxLayerSpec

/// `--verifier`.
struct VerifierOption: ParsableArguments {
    @Option(help: ArgumentHelp("The program that verifies a kernel. Default: \(VerificationProcess.programName) beside this program.", valueName: "PATH"))
    var verifier: String?

    func list(in files: inout NamedFiles) { files.reads(verifier, "--verifier") }

    /// The path of the program.
    /// - Throws: `CommandFailure.fileSystem` when the file of this program is not found.
    func path() throws(CommandFailure) -> String {
        if let verifier { return verifier }
        guard let path = VerificationProcess.verifierBesideThisProgram else {
            throw .fileSystem(operation: "find", path: "this program's file", reason: String(cString: strerror(errno)))
        }
        return path
    }
}
