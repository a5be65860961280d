import Foundation
import Testing
import VoxLayerSpec
import VoxScheduling
import _TestSupport

/// The candidates of a search and what is around them, without running any.
@Suite struct ScheduleSpaceTests {
    /// The estimate comes first, all apply, no two are alike, and those around them differ from them.
    @Test func candidatesAreApplicableAndUnique() throws {
        var specs = RandomSpecs(seed: 11)
        var counts: [Int] = []
        for target in Target.named {
            for number in 0..<30 {
                let op = number < 20 ? KernelOp.transposedConvolution : .convolution
                let spec = number % 3 == 2 ? specs.nextFast(target, op).0 : specs.next(op)
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
        let wide = try ScheduleSpace(layer([8, 8, 8], kernel: 4, stride: 2, channels: 64, filters: 64), target: target)
        #expect(wide.candidates.contains { $0.spec.policy == .fast } && wide.candidates.contains { $0.spec.policy == .direct })
        let direct = try layer([8, 8, 8], kernel: 4, stride: 2, channels: 64, filters: 64, policy: .direct)
        var met: [String: Set<String>] = [:]
        func meet(_ list: [Schedule]) {
            for parameters in list.compactMap(\.filterLanes?.parameters) {
                let fields = Mirror(reflecting: parameters).children
                for field in fields { met[field.label ?? "", default: []].insert("\(field.value)") }
            }
        }
        for spec in try [
            direct, layer([8, 8, 8], kernel: 3, stride: 2, channels: 64, filters: 3),
            layer([8, 8, 8], kernel: 3, stride: 1, channels: 32, filters: 32, groups: 32),
        ] {
            let space = try ScheduleSpace(spec, target: target)
            meet(space.candidates + space.candidates.flatMap { space.neighbours(of: $0) })
        }
        #expect(met.count == 13)
        for (name, values) in met { #expect(values.count > 1, "\(name): \(values)") }
    }

    /// A layer with an input of one voxel is measured with one sample and called with many: only batch rows read its weights once a call.
    @Test func oneVoxelStaysWithBatchRows() throws {
        let target = Target(.x86_64_v4)
        let space = try ScheduleSpace(layer([1, 1, 1], kernel: 4, stride: 1, channels: 200, filters: 512), target: target)
        let around = space.neighbours(of: space.candidates[0])
        #expect(space.candidates.count == 1 && around.count >= 4 && (space.candidates + around).allSatisfy { $0.batchRows != nil })
    }

    @Test func decisionsAreWrittenAndReadAlike() throws {
        var specs = RandomSpecs(seed: 12)
        for target in Target.named {
            for number in 0..<20 {
                let op = number % 4 < 2 ? KernelOp.transposedConvolution : .convolution
                let spec = number % 2 == 0 ? specs.nextFast(target, op).0 : specs.next(op)
                for schedule in try ScheduleSpace(spec, target: target).candidates {
                    let decision = schedule.decision
                    #expect(try JSONDecoder().decode(Decision.self, from: JSONEncoder().encode(decision)) == decision)
                }
            }
        }
    }

    /// What a family proposes is legal, never twice, and in the order of expected cycles, whatever the number of threads.
    @Test func familiesProposeLegalSchedulesInOrder() throws {
        var specs = RandomSpecs(seed: 13)
        var counts: [String: Int] = [:]
        for target in Target.named {
            for number in 0..<24 {
                let threads = [1, 2, 16][number % 3]
                let op = number % 8 < 4 ? KernelOp.transposedConvolution : .convolution
                let spec = switch number % 4 {
                case 0: specs.nextFast(target, op).0
                case 1: specs.nextSingleVoxel(target, op).0
                default: specs.next(op)
                }
                for family in kernelFamilies {
                    let proposed = family.candidates(spec, target, threads: threads)
                    counts[family.label, default: 0] += proposed.count
                    if family.reasonAgainst(spec) != nil { #expect(proposed.isEmpty, "\(family.label) for \(spec.key)") }
                    for schedule in proposed {
                        #expect(type(of: schedule.decision.parameters) == family, "\(schedule.text)")
                        #expect(try Schedule(spec: spec, target: target, decision: schedule.decision) == schedule, "\(spec.key) \(schedule.text)")
                    }
                    #expect(Set(proposed.map(\.text)).count == proposed.count, "\(spec.key) \(proposed.map(\.text))")
                    // Minimal filtering proposes the best of small blocks, of whole volumes and of large blocks, one after another.
                    if family == MinimalFiltering.self { continue }
                    let cycles = proposed.map { cyclesOfTheLast($0, threads: threads) }
                    #expect(cycles == cycles.sorted(), "\(family.label) for \(spec.key) on \(target.name), \(threads) threads")
                }
            }
        }
        #expect(counts.values.allSatisfy { $0 > 20 } && counts.count == kernelFamilies.count, "\(counts)")
    }

    /// Expected cycles until the thread with the most items has done them.
    private func cyclesOfTheLast(_ schedule: Schedule, threads: Int) -> Double {
        let items = schedule.workItems.count(batch: 1)
        return schedule.family.expectedCycles * (Double((items + threads - 1) / threads) / Double(items))
    }

    /// A vector holds half as many doubles: a search for float64 tries the lanes and vectors that it has, not float32's.
    @Test func searchesForDoublesUseTheirLanes() throws {
        for target in Target.named {
            let lanes = target.vectorBytes / 8
            // Three filters and many channels: lanes may be channels. Filters of three vectors: one to three of them in a tile.
            let few = try layer([6, 7, 8], kernel: 3, stride: 2, channels: 8 * lanes, filters: 3, elements: .float64, policy: .direct)
            let proposed = FilterLanes.candidates(few, target, threads: 1).compactMap(\.filterLanes?.parameters)
            #expect(Set(proposed.map(\.channelsPerVector)).isSubset(of: [1, 2, lanes]), "\(target.name)")
            #expect(proposed.contains { $0.channelsPerVector == lanes && $0.vectors == 3 }, "\(target.name)")
            let many = try layer([6, 7, 8], kernel: 3, stride: 2, channels: 5, filters: 3 * lanes, elements: .float64, policy: .direct)
            let vectors = FilterLanes.candidates(many, target, threads: 1).compactMap(\.filterLanes?.parameters).filter { $0.channelsPerVector == 1 }
            #expect(Set(vectors.map(\.vectors)) == [1, 2, 3], "\(target.name): \(vectors.map(\.text))")
            for schedule in try ScheduleSpace(few, target: target).candidates + ScheduleSpace(many, target: target).candidates {
                #expect(schedule.filterLanes?.packedLayout.lanes == lanes && schedule.spec.elements == .float64, "\(schedule.text)")
            }
        }
    }

    /// Parameters around some others differ from them; those that are illegal fall out of the search, and a family stays within itself.
    @Test func neighboursAreLegalAndOfTheSameFamily() throws {
        var specs = RandomSpecs(seed: 14)
        var dropped = 0
        for target in Target.named {
            for number in 0..<18 {
                let op = number % 6 < 3 ? KernelOp.transposedConvolution : .convolution
                let spec = switch number % 3 {
                case 0: specs.nextFast(target, op).0
                case 1: specs.nextSingleVoxel(target, op).0
                default: specs.next(op)
                }
                let space = try ScheduleSpace(spec, target: target)
                for schedule in space.candidates.prefix(4) {
                    let around = space.neighbours(of: schedule, limit: .max)
                    #expect(!around.isEmpty && around.allSatisfy { type(of: $0.decision.parameters) == type(of: schedule.decision.parameters) })
                    #expect(!around.map(\.text).contains(schedule.text) && Set(around.map(\.text)).count == around.count, "\(schedule.text)")
                    let cycles = around.map(\.family.expectedCycles)
                    #expect(cycles == cycles.sorted(), "\(spec.key) \(schedule.text)")
                    func texts(_ parameters: some KernelFamily) -> Set<String> { Set(parameters.neighbours(spec, target).map(\.text)) }
                    let all = texts(schedule.decision.parameters).subtracting([schedule.text])
                    #expect(Set(around.map(\.text)).isSubset(of: all), "\(schedule.text)")
                    dropped += all.count - around.count
                }
            }
        }
        #expect(dropped > 100, "some neighbours are illegal: \(dropped)")
    }

    /// Half of the candidates at most are minimal filtering, and none is where the policy or the elements forbid it.
    @Test func fastCandidatesAreBesideDirectOnes() throws {
        for target in Target.named {
            let spec = try layer([8, 8, 8], kernel: 4, stride: 2, channels: 64, filters: 64)
            for limit in [4, 16, 40] {
                let candidates = try ScheduleSpace(spec, target: target, limit: limit).candidates
                #expect(candidates.count <= limit && candidates.contains { $0.filterLanes != nil }, "\(target.name)")
            }
            let candidates = try ScheduleSpace(spec, target: target).candidates
            #expect((1...8).contains(candidates.count { $0.minimalFiltering != nil }), "\(target.name)")
            for other in try [spec.with(policy: .direct), layer([8, 8, 8], kernel: 4, stride: 2, channels: 64, filters: 64, elements: .float64)] {
                #expect(try ScheduleSpace(other, target: target).candidates.allSatisfy { $0.filterLanes != nil }, "\(other.key)")
            }
        }
    }
}
