import KernelTemplates
import Synchronization

/// Parsed templates; each is parsed once, when it is first asked for, as most programs print one family.
enum Template {
    private static let parsed = Mutex<[Templates.File: TemplateText]>([:])

    private static func template(_ file: Templates.File) throws(TemplateFault) -> TemplateText {
        try parsed.withLock { parsed throws(TemplateFault) in
            if let template = parsed[file] { return template }
            let template = try TemplateText(parsing: text(file))
            parsed[file] = template
            return template
        }
    }

    /// The text of a file; a line `{{> name}}` stands for the lines of the file of that name in `Templates/units`.
    static func text(_ file: Templates.File) -> String {
        let parts = Templates.File.allCases.filter(\.isPart)
        let lines = Templates.text(file).utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { Substring($0) }
        return lines.map { line in
            parts.first { line == "{{> \($0.rawValue)}}" }.map { Templates.text($0).dropLast() } ?? line
        }.joined(separator: "\n")
    }

    /// - Throws: `EmissionError.template` when the file does not parse, names what its context lacks, or is no template.
    static func render(_ file: Templates.File, _ context: Any) throws(EmissionError) -> String {
        if !file.isTemplate { throw .template(name: file.rawValue, reason: "it is a header, not a template") }
        do {
            return try template(file).rendered(context)
        } catch {
            throw .template(name: file.rawValue, reason: "\(error)")
        }
    }
}
