import KernelTemplates
import Mustache

/// Parsed templates; each is parsed once.
enum Template {
    private static let filterLanes = Result { try MustacheTemplate(string: Templates.text(.filterLanes)) }
    private static let minimalFiltering = Result { try MustacheTemplate(string: Templates.text(.minimalFiltering)) }
    private static let batchRows = Result { try MustacheTemplate(string: Templates.text(.batchRows)) }
    private static let plugin = Result { try MustacheTemplate(string: Templates.text(.plugin)) }

    /// - Throws: `EmissionError.template` when the file does not parse, or is no template.
    static func render(_ file: Templates.File, _ context: Any) throws(EmissionError) -> String {
        let template =
            switch file {
            case .filterLanes: filterLanes
            case .minimalFiltering: minimalFiltering
            case .batchRows: batchRows
            case .plugin: plugin
            case .vectors, .layout, .kernelABI: throw .template(name: file.rawValue, reason: "it is a header, not a template")
            }
        switch template {
        case .success(let template): return template.render(context)
        case .failure(let error): throw .template(name: file.rawValue, reason: "\(error)")
        }
    }
}
