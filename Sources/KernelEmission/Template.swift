import KernelTemplates

/// Parsed templates; each is parsed once.
enum Template {
    private static let parsed = Dictionary(
        uniqueKeysWithValues: Templates.File.allCases.filter(\.isTemplate).map { file in
            (file, Result { try TemplateText(parsing: Templates.text(file)) })
        })

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
