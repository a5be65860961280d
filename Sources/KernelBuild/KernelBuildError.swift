import VoxLayerSpec

/// Why no plugin came out. `description` is one sentence, followed by the compiler's own words where there are any.
public enum KernelBuildError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No clang in any of these places.
    case compilerNotFound(lookedAt: [String])
    /// The program at `path` did not say which compiler it is.
    case compilerUnusable(path: String, reason: String)
    /// The program at `path` did not answer in time; a busy machine may be why.
    case compilerSilent(path: String, seconds: Double)
    /// `what` is the file compiled, or "the link".
    case compilationFailed(what: String, command: [String], status: String, standardError: String)
    case timedOut(what: String, command: [String], seconds: Double)
    /// Names the plugin uses and does not define; `command` is the link's.
    case undefinedSymbols([String], command: [String])
    /// Sections that would run code while the plugin is loaded or unloaded.
    case constructors(sections: [String])
    case wrongExports(received: [String], expected: String)
    /// The compiler fused multiplications and additions, but used no register of the target's width anywhere.
    case narrowVectors(target: String, expected: String)
    case fileNameTaken(String)
    /// A file of C for an instruction set that the plugin is not for.
    case unlistedTarget(file: String, received: String, expected: String)
    case fileSystem(operation: String, path: String, errorNumber: Int32)

    public var description: String {
        let sentence: Sentence = switch self {
        case .compilerNotFound(let places) where places.isEmpty:
            "Found no clang, as PATH names no folder; expected clang beside swift, on PATH, or named explicitly."
        case .compilerNotFound(let places):
            "Found no clang at \(places.joined(separator: ", ")); expected clang beside swift, on PATH, or named explicitly."
        case .compilerUnusable(let path, let reason):
            "Received compiler \(path), which \(reason); expected a clang that answers --version."
        case .compilerSilent(let path, let seconds):
            "Received compiler \(path), which gave no answer in \(seconds) seconds; expected a clang that answers --version."
        case .compilationFailed(let what, let command, let status, let standardError):
            "Compiling \(what) ended with \(status), expected status 0; command: \(whole: Self.shell(command))\n\(lines: standardError)"
        case .timedOut(let what, let command, let seconds):
            "Compiling \(what) took longer than the limit of \(seconds) seconds; command: \(whole: Self.shell(command))"
        case .undefinedSymbols(let names, let command):
            """
            The plugin uses \(names.joined(separator: ", ")) without defining it; expected a plugin that calls nothing outside itself; \
            command: \(whole: Self.shell(command))
            """
        case .constructors(let sections):
            "The plugin has sections \(sections.joined(separator: ", ")), which run code when it is loaded or unloaded; expected none."
        case .wrongExports(let received, let expected):
            "The plugin exports \(received.isEmpty ? "nothing" : received.joined(separator: ", ")); expected \(expected) alone."
        case .narrowVectors(let target, let expected):
            "The plugin for \(target) computes in narrower registers only; expected \(expected)."
        case .fileNameTaken(let name):
            "Received file name \"\(name)\" for a generated file; expected distinct names without folders."
        case .unlistedTarget(let file, let received, let expected):
            "Received \(file) for \(received) in a plugin for \(expected); expected kernels for the plugin's targets."
        case .fileSystem(let operation, let path, let number):
            "Could not \(operation) \(path): \(errorText(number))."
        }
        return sentence.text
    }

    /// A command as one would type it. By scalars: a quotation mark with an accent behind it is none to Swift; to a shell it is one.
    private static func shell(_ command: [String]) -> String {
        let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:%@")
        return command.map { word in
            !word.isEmpty && word.allSatisfy(plain.contains)
                ? word : "'" + word.unicodeScalars.map { $0 == "'" ? "'\\''" : String($0) }.joined() + "'"
        }.joined(separator: " ")
    }
}
