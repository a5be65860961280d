import Scheduling

/// The names a template may use: every field of its context and of the structs inside. A misspelt tag would render as
/// nothing, often into C that still compiles, so a test compares these with the tags.
package enum ContextNames {
    package static func filterLanes(_ schedule: Schedule) -> Set<String> {
        names(FilterLanesContext(schedule, name: "name"))
    }

    package static func plugin(_ units: [KernelUnit]) -> Set<String> {
        names(PluginContext(units) { _ in "digest" })
    }

    private static func names(_ value: Any) -> Set<String> {
        var names: Set<String> = []
        for child in Mirror(reflecting: value).children {
            if let label = child.label { names.insert(label) }
            names.formUnion(Self.names(child.value))
        }
        return names
    }
}
