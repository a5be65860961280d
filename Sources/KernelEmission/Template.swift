import KernelTemplates

/// Parsed templates; each is parsed once.
enum Template {
    private static let parsed = Dictionary(
        uniqueKeysWithValues: Templates.File.allCases.filter(\.isTemplate).map { file in
            (file, Result { try TemplateText(parsing: text(file)) })
        })

    /// The text of a file; a line `{{> name}}` stands for the lines of the file of that name in `Templates/units`.
    static func text(_ file: Templates.File) -> String {
        Templates.File.allCases.filter(\.isPart).reduce(Templates.text(file)) { text, part in
            text.replacing("{{> \(part.rawValue)}}\n", with: Templates.text(part))
        }
    }

    /// - Throws: `EmissionError.template` when the file does not parse, names what its context lacks, or is no template.
    static func render(_ file: Templates.File, _ context: Any) throws(EmissionError) -> String {
        guard let template = parsed[file] else { throw .template(name: file.rawValue, reason: "it is a header, not a template") }
        do {
            return try template.get().rendered(context)
        } catch {
            throw .template(name: file.rawValue, reason: "\(error)")
        }
    }
}
