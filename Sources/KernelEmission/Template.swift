import KernelTemplates

/// Parsed templates; each is parsed once.
enum Template {
    private static let filterLanes = Result { try TemplateText(parsing: Templates.text(.filterLanes)) }
    private static let minimalFiltering = Result { try TemplateText(parsing: Templates.text(.minimalFiltering)) }
    private static let batchRows = Result { try TemplateText(parsing: Templates.text(.batchRows)) }
    private static let plugin = Result { try TemplateText(parsing: Templates.text(.plugin)) }

    /// - Throws: `EmissionError.template` when the file does not parse, names what its context lacks, or is no template.
    static func render(_ file: Templates.File, _ context: Any) throws(EmissionError) -> String {
        let template =
            switch file {
            case .filterLanes: filterLanes
            case .minimalFiltering: minimalFiltering
            case .batchRows: batchRows
            case .plugin: plugin
            case .vectors, .layout, .kernelABI: throw .template(name: file.rawValue, reason: "it is a header, not a template")
            }
        do {
            return try template.get().rendered(context)
        } catch {
            throw .template(name: file.rawValue, reason: "\(error)")
        }
    }
}
