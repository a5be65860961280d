import ArgumentParser
import FoundationEssentials

/// Options that take one value and were given twice: the parser would keep the last one silently.
enum RepeatedOptions {
    /// What the parser knows of a verb, as far as it is looked at here.
    private struct Description: Decodable {
        struct Command: Decodable { let arguments: [Argument]? }
        struct Argument: Decodable {
            let kind: String
            let isRepeating: Bool
            let names: [Name]?
        }
        struct Name: Decodable {
            let kind: String
            let name: String

            var text: String { (kind == "long" ? "--" : "-") + name }
        }
        let command: Command
    }

    /// - Throws: `CommandFailure.repeatedOption`.
    static func check(_ arguments: some Sequence<String>, of verb: any ParsableCommand.Type) throws(CommandFailure) {
        var counts: [String: Int] = [:]
        for name in arguments.prefix(while: { $0 != "--" }).flatMap(names) { counts[name, default: 0] += 1 }
        // Options can repeat only where one name does, or where a short name stands for a long one.
        guard counts.contains(where: { $0.value > 1 || !$0.key.hasPrefix("--") }),
            let description = try? JSONDecoder().decode(Description.self, from: Data(verb._dumpHelp().utf8))
        else { return }
        for option in description.command.arguments ?? [] where option.kind == "option" && !option.isRepeating {
            let names = (option.names ?? []).map(\.text)
            let count = names.reduce(0) { $0 + counts[$1, default: 0] }
            if count > 1 { throw .repeatedOption(names.last { $0.hasPrefix("--") } ?? names.first ?? "", count: count) }
        }
    }

    /// The names in one argument: one of a long option, any number of short ones.
    private static func names(_ argument: String) -> [String] {
        let name = argument.prefix { $0 != "=" }
        if name.hasPrefix("--") { return [String(name)] }
        return name.hasPrefix("-") ? name.dropFirst().map { "-\($0)" } : []
    }
}
