import VoxKernelTemplates
import VoxScheduling

extension BatchRowsSchedule: PrintedFamily {
    static let template = Templates.File.batchRows

    func context(_ schedule: Schedule, name: String) -> BatchRowsContext { BatchRowsContext(schedule, self, name: name) }
}
