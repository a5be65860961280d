import VoxKernelTemplates
import VoxScheduling

extension FilterLanesSchedule: PrintedFamily {
    static let template = Templates.File.filterLanes

    func context(_ schedule: Schedule, name: String) -> FilterLanesContext { FilterLanesContext(schedule, self, name: name) }
}
