import ArgumentParser

/// A verb with a report for other programs.
protocol ReportingVerb: Verb {
    var reportOption: ReportOption { get }
}

/// `--json`.
struct ReportOption: ParsableArguments {
    @Option(
        name: .customLong("json"), defaultAsFlag: NamedFiles.stream, parsing: .next,
        help: ArgumentHelp("Write a report in JSON: into FILE, or instead of the text for readers to standard output.", valueName: "FILE"))
    var path: String?

    var isStandardOutput: Bool { path == NamedFiles.stream }

    func list(in files: inout NamedFiles) { files.writes(path, "--json", takesStream: true) }

    /// Writes the report where one is asked for.
    func write(_ report: some Encodable) throws {
        guard let path else { return }
        let text = try jsonText(report)
        if isStandardOutput { Console.report(text) } else { try TextFiles.write(text, to: path) }
    }
}
