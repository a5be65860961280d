import KernelTemplates
import LayerSpec
import Mustache
import Scheduling

extension KernelUnit {
    /// Renders the kernel of a filter-lanes schedule.
    /// - Throws: `EmissionError.template` when the template does not parse.
    public init(_ schedule: Schedule) throws(EmissionError) {
        let name = KernelName.stem(schedule)
        let context = FilterLanesContext(schedule, name: name)
        self.schedule = schedule
        self.name = name
        looped = context.looped
        templateFile = Templates.File.filterLanes.rawValue
        source = CSource(fileName: name + ".c", text: try Template.render(.filterLanes, context))
    }
}

/// Parsed templates; each is parsed once.
enum Template {
    private static let filterLanes = Result { try MustacheTemplate(string: Templates.text(.filterLanes)) }
    private static let plugin = Result { try MustacheTemplate(string: Templates.text(.plugin)) }

    static func render(_ file: Templates.File, _ context: Any) throws(EmissionError) -> String {
        let template = file == .plugin ? plugin : filterLanes
        switch template {
        case .success(let template): return template.render(context)
        case .failure(let error): throw .template(name: file.rawValue, reason: "\(error)")
        }
    }
}
