import VoxKernelTemplates
import VoxScheduling

extension MinimalFilteringSchedule: PrintedFamily {
    static let template = Templates.File.minimalFiltering

    func context(_ schedule: Schedule, name: String) -> MinimalFilteringContext { MinimalFilteringContext(schedule, self, name: name) }
}
