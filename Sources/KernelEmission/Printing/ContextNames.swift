import VoxLayerSpec
import VoxScheduling

/// The names a template may use: every field of its context and of the structs inside. A test compares these with the tags, since a section that no
/// golden kernel enters could hold a misspelt name.
package enum ContextNames {
    /// Of the template of a schedule's family.
    /// - Throws: `EmissionError.notPrinted` for a family that has no template.
    package static func kernel(_ schedule: Schedule) throws(EmissionError) -> Set<String> {
        names(try schedule.printed.context(schedule, name: "name"))
    }

    /// Of the template of the descriptors.
    package static func plugin(_ units: [KernelUnit]) -> Set<String> {
        names(PluginContext(units) { _ in "digest" })
    }

    /// Of the templates of layers in plain C, all together.
    package static func standalone(_ layers: [StandaloneLayer]) -> Set<String> {
        names(StandaloneContext(layers, name: .standard, target: Target(.x86_64_v4), arithmeticFlags: [], machineFlags: []))
    }

    /// Of a value and of what it holds.
    package static func names(_ value: Any) -> Set<String> {
        var names: Set<String> = []
        let mirror = Mirror(reflecting: value)
        for child in mirror.children {
            // A mirror labels the value in an optional too, but that label is no name in a template.
            if let label = child.label, mirror.displayStyle != .optional { names.insert(label) }
            names.formUnion(Self.names(child.value))
        }
        return names
    }
}
