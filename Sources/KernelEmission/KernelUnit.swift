import VoxKernelTemplates
import VoxLayerSpec
import VoxScheduling

/// A rendered kernel and the facts its descriptor states.
public struct KernelUnit: Hashable, Sendable {
    /// What the code was printed from.
    public let schedule: Schedule
    /// Symbol stem; the functions are `<name>_pack` and `<name>_run`.
    public let name: String
    /// The C, in a file called `<name>.c`.
    public let source: CSource
    /// What is looped over at run time, for people.
    public let looped: String
    /// The template it was rendered from.
    public let templateFile: String
}

extension KernelUnit {
    /// Renders the kernel of a schedule.
    /// - Throws: `EmissionError`: the family has no template, or the template does not parse.
    public init(_ schedule: Schedule) throws(EmissionError) {
        let name = KernelName.stem(schedule)
        let family = try schedule.printed
        let file = type(of: family).template
        let context: any KernelContext = family.context(schedule, name: name)
        looped = context.heading.looped
        let text = try Template.render(file, context)
        self.schedule = schedule
        self.name = name
        templateFile = file.name
        source = CSource(fileName: name + ".c", text: text)
    }

    /// The text of a template with all its parts; nil where no file has the name.
    package static func templateText(_ fileName: String) -> String? {
        Templates.File.named(fileName).map { Template.text($0) }
    }

    /// The texts of all files that kernels are made of.
    package static var templateTexts: [String] { Templates.File.ofKernels.map { Templates.text($0) } }
}
