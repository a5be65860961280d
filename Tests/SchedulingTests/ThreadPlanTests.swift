import Testing
import VoxLayerSpec
import VoxScheduling

/// What the number of threads does to a plan.
@Suite struct ThreadPlanTests {
    /// Minimal filtering has 24 work items here, direct summation 64.
    private func spec() throws -> KernelSpec {
        let axes = try [6, 16, 32].map {
            try AxisGeometry(input: $0, output: 2 * $0, kernel: 3, stride: 2, dilation: 1, crop: 0)
        }
        return KernelSpec(geometry: try Geometry(axes: axes, channels: 128, filters: 64), policy: .fast)
    }

    @Test func oneThreadIsTheDefault() throws {
        for target in Target.named {
            #expect(try plan(spec(), target: target, threads: 1) == plan(spec(), target: target))
            let (space, same) = try (ScheduleSpace(spec(), target: target), ScheduleSpace(spec(), target: target, threads: 1))
            #expect(space.candidates == same.candidates)
        }
    }

    /// With many threads, the saved arithmetic is worth less than the cores that would idle.
    @Test func manyThreadsWantManyItems() throws {
        let target = Target(.x86_64_v4)
        let (alone, many) = try (plan(spec(), target: target), plan(spec(), target: target, threads: 64))
        #expect(alone.minimalFiltering != nil && alone.workItems == .perSample(24))
        #expect(many.filterLanes != nil && many.workItems.count(batch: 1) == 64)
        #expect(try ScheduleSpace(spec(), target: target, threads: 64).candidates.first == many)
        // With as many threads as divide both alike the comparison is that of one thread.
        #expect(try plan(spec(), target: target, threads: 2) == alone)
    }
}
