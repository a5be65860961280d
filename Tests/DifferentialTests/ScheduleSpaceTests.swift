import Foundation
import LayerSpec
import Scheduling
import Testing
import Verification

/// The candidates of a search, without running any of them but a few.
@Suite struct ScheduleSpaceTests {
    private func spec(
        _ input: [Int], kernel: Int, stride: Int, channels: Int, filters: Int, groups: Int = 1, policy: Policy = .fast
    ) throws -> KernelSpec {
        let config = try LayerConfig(
            name: "layer", filters: filters, kernelSize: [kernel, kernel, kernel], strides: [stride, stride, stride],
            padding: .same(outputPadding: nil), groups: groups, activation: .relu)
        return try config.spec(inputShape: [1] + input + [channels], policy: policy)
    }

    /// The estimate comes first, all apply, no two are alike, and those around them differ from them.
    @Test func candidatesAreApplicableAndUnique() throws {
        var specs = RandomSpecs(seed: 11)
        var counts: [Int] = []
        for target in Target.named {
            for number in 0..<30 {
                let spec = number % 3 == 2 ? specs.nextFast(target).0 : specs.next()
                let space = try ScheduleSpace(spec, target: target)
                #expect(try space.candidates.first == plan(spec, target: target), "\(spec.key) \(target.name)")
                #expect(space.candidates.count <= 16, "\(spec.key)")
                let around = space.neighbours(of: space.candidates[space.candidates.count / 2])
                #expect(around.count <= 14 && !around.contains(space.candidates[space.candidates.count / 2]), "\(spec.key)")
                for list in [space.candidates, around] {
                    #expect(Set(list.map(\.text)).count == list.count, "\(spec.key) \(target.name)")
                    for schedule in list {
                        #expect(try plan(spec, target: target, decision: schedule.decision) == schedule, "\(spec.key) \(schedule.text)")
                        #expect(spec.policy == .fast || schedule.spec.policy == .direct, "\(spec.key) \(schedule.text)")
                    }
                }
                counts.append(space.candidates.count)
            }
        }
        #expect(counts.count { $0 >= 6 } > counts.count * 3 / 4, "\(counts)")
    }

    /// What a search of a typical layer must not leave out.
    @Test func searchesCoverEveryParameter() throws {
        let target = Target(.x86_64_v4)
        let wide = try ScheduleSpace(spec([8, 8, 8], kernel: 4, stride: 2, channels: 64, filters: 64), target: target)
        #expect(wide.candidates.contains { $0.spec.policy == .fast } && wide.candidates.contains { $0.spec.policy == .direct })
        let direct = try spec([8, 8, 8], kernel: 4, stride: 2, channels: 64, filters: 64, policy: .direct)
        var met: [String: Set<String>] = [:]
        func meet(_ list: [Schedule]) {
            for parameters in list.compactMap(\.filterLanes?.parameters) {
                let fields = Mirror(reflecting: parameters).children
                for field in fields { met[field.label ?? "", default: []].insert("\(field.value)") }
            }
        }
        for spec in [direct, try spec([8, 8, 8], kernel: 3, stride: 2, channels: 64, filters: 3), try spec([8, 8, 8], kernel: 3, stride: 1, channels: 32, filters: 32, groups: 32)] {
            let space = try ScheduleSpace(spec, target: target)
            meet(space.candidates + space.candidates.flatMap { space.neighbours(of: $0) })
        }
        #expect(met.count == 13)
        for (name, values) in met { #expect(values.count > 1, "\(name): \(values)") }
    }

    /// A layer with an input of one voxel is measured with one sample and called with many: only batch rows read its weights once a call.
    @Test func oneVoxelStaysWithBatchRows() throws {
        let target = Target(.x86_64_v4)
        let space = try ScheduleSpace(spec([1, 1, 1], kernel: 4, stride: 1, channels: 200, filters: 512), target: target)
        let around = space.neighbours(of: space.candidates[0])
        #expect(space.candidates.count == 1 && around.count >= 4 && (space.candidates + around).allSatisfy { $0.batchRows != nil })
    }

    @Test func decisionsAreWrittenAndReadAlike() throws {
        var specs = RandomSpecs(seed: 12)
        for target in Target.named {
            for number in 0..<20 {
                let spec = number % 2 == 0 ? specs.nextFast(target).0 : specs.next()
                for schedule in try ScheduleSpace(spec, target: target).candidates {
                    let decision = schedule.decision
                    #expect(try JSONDecoder().decode(Decision.self, from: JSONEncoder().encode(decision)) == decision)
                }
            }
        }
    }

    /// All candidates of three layers compile and pass every check.
    @Test func candidatesComputeRightly() async throws {
        let target = try #require(runnableTargets.first)
        let plugins = try TemporaryPlugins()
        for (number, spec) in [
            try spec([4, 5, 6], kernel: 3, stride: 2, channels: 20, filters: 33), try spec([3, 5, 9], kernel: 4, stride: 2, channels: 33, filters: 5),
            try spec([4, 5, 6], kernel: 3, stride: 1, channels: 8, filters: 16),
        ].enumerated() {
            let space = try ScheduleSpace(spec, target: target)
            let schedules = space.candidates + space.neighbours(of: space.candidates[0], limit: 6).filter { !space.candidates.contains($0) }
            for (schedule, kernel) in zip(schedules, try await plugins.kernels(schedules, target: target)) {
                let report = try KernelVerifier(kernel, reference: OracleReference(), batch: 2, seed: UInt64(number + 1)).verify()
                #expect(report.failures.isEmpty && !report.checks.isEmpty, "\(schedule.spec.key) \(schedule.text): \(report.failures)")
            }
        }
    }
}
