import ArgumentParser

/// Where to read on after wrong arguments.
enum UsageHint {
    /// The sentence for an error of parsing, with the hint for the verb that it happened in.
    static func sentence(parsing error: any Error) -> String {
        // The parser knows the verb, but tells it only as the end of its own report.
        let hint = VoxelsmithCommand.fullMessage(for: error).split(separator: "\n").last { $0.hasPrefix("  See '") }
        return joined(VoxelsmithCommand.message(for: error), hint.map { String($0.dropFirst(2)) } ?? text(VoxelsmithCommand.self))
    }

    /// The sentence for what a verb refuses.
    static func sentence(_ sentence: String, verb: any ParsableCommand.Type) -> String { joined(sentence, text(verb)) }

    private static func text(_ command: any ParsableCommand.Type) -> String {
        let root = VoxelsmithCommand.configuration.commandName ?? ""
        let verb = command.configuration.commandName ?? ""
        return "See '\(verb == root ? root : "\(root) \(verb)") --help' for more information."
    }

    /// One line: the parser ends its messages without a full stop, and lists values on lines of their own.
    private static func joined(_ message: String, _ hint: String) -> String {
        let line = message.split(separator: "\n").map { line in line.drop { $0 == " " } }.joined(separator: " ")
        return line + (line.last.map { ".?!".contains($0) } == true ? " " : ". ") + hint
    }
}
