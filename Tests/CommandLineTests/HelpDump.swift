import Foundation

/// The verbs and their options as the program itself lists them, so that none can be forgotten.
struct HelpDump: Decodable {
    struct Command: Decodable {
        let commandName: String
        let shouldDisplay: Bool?
        let arguments: [Argument]?
        let subcommands: [Command]?
    }

    struct Argument: Decodable {
        struct Name: Decodable {
            let kind: String
            let name: String
        }
        let kind: String
        let names: [Name]?
        let valueName: String?

        /// The long option, or the name of the value of an argument without one.
        var name: String { names?.first { $0.kind == "long" }.map { "--\($0.name)" } ?? valueName ?? "" }
        var takesValue: Bool { kind != "flag" }
    }

    let command: Command

    /// The verbs that users see, with those of their arguments that take a value.
    static func verbs() throws -> [(name: String, arguments: [Argument])] {
        let outcome = try Voxelsmith.run(["--experimental-dump-help"])
        let dump = try JSONDecoder().decode(HelpDump.self, from: Data(outcome.output.utf8))
        return (dump.command.subcommands ?? []).filter { $0.shouldDisplay != false && $0.commandName != "help" }.map { verb in
            (verb.commandName, (verb.arguments ?? []).filter(\.takesValue))
        }
    }
}
