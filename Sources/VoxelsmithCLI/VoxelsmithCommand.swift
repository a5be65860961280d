import ArgumentParser

/// The command line: the list of its verbs.
struct VoxelsmithCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "voxelsmith",
        abstract: "Forges specialised CPU kernels for 3-D transposed convolutions.",
        discussion: """
            LAYERS is a file with one Keras-serialised or ONNX-style layer, a list of them, a suite, a model's to_json, a \
            .keras archive or a whole-model .h5.

            Exit status: 0 on success, 1 when the work failed, 64 on wrong usage; a program that SIGINT, SIGTERM or SIGHUP ended \
            dies of that signal. Errors go to standard error.
            """,
        version: "voxelsmith \(Version.number)",
        subcommands: [
            DescribeCommand.self, InspectCommand.self, EmitCommand.self, BuildCommand.self, RunCommand.self, VerifyCommand.self, BenchCommand.self,
            TuneCommand.self, RegenerateCommand.self, CacheCommand.self, VersionCommand.self, TimeCallsCommand.self,
            ThreadsCommand.self, PregenerateCommand.self,
        ])

    /// Refuses a verb that there is not: the parser would call it an unexpected argument, or show its help for another.
    static func checkVerb(_ arguments: ArraySlice<String>) throws {
        let words = arguments.drop { $0 == "help" }
        guard let word = words.first, !word.hasPrefix("-") else { return }
        let verbs = configuration.subcommands.map { $0.configuration }
        if verbs.contains(where: { $0.commandName == word }) { return }
        throw CommandFailure.unknownVerb(word, known: verbs.filter { $0.shouldDisplay }.compactMap { $0.commandName })
    }
}
