import Synchronization
import VoxKernelTemplates

/// Parsed templates. Each is parsed once, when it is first asked for, since most programs print one family.
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

    /// The text of a file, with the lines of the named file in place of each line `{{> name}}`, at any depth.
    static func text(_ file: Templates.File) -> String {
        let lines = Templates.text(file).utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { Substring($0) }
        return lines.map { line in part(line).map { text($0).dropLast() } ?? line }.joined(separator: "\n")
    }

    /// The part that a line names; nil for lines of text.
    private static func part(_ line: Substring) -> Templates.File? {
        guard line.hasPrefix("{{> "), line.hasSuffix("}}") else { return nil }
        let name = line.dropFirst(4).dropLast(2)
        return (Templates.File.parts + Templates.File.reportParts).first { $0.name == name }
    }

    /// - Parameters:
    ///   - file: a template.
    ///   - context: a struct; its stored properties are the fields.
    ///   - escape: what becomes of every value that is written; C is written as it is.
    /// - Throws: `EmissionError.template` when the file does not parse, names what its context lacks, or is no template.
    static func render(_ file: Templates.File, _ context: Any, escape: @escaping (String) -> String = { $0 }) throws(EmissionError) -> String {
        if !file.isTemplate { throw .template(name: file.name, reason: "it is a header, not a template") }
        do {
            return try template(file).rendered(context, escape: escape)
        } catch {
            throw .template(name: file.name, reason: "\(error)")
        }
    }
}
