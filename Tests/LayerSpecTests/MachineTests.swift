import Testing
import VoxLayerSpec

/// Machines are compared by what they can do, not by their place in a list.
@Suite struct MachineTests {
    @Test func namedMachinesSurpassEachOther() {
        let order: [Target.InstructionSet] = [.x86_64_v2, .x86_64_v3, .x86_64_v4]
        for (place, narrow) in order.enumerated() {
            #expect(!narrow.machine.surpasses(narrow.machine))
            for wide in order[(place + 1)...] {
                #expect(wide.machine.surpasses(narrow.machine) && !narrow.machine.surpasses(wide.machine), "\(wide) and \(narrow)")
            }
            #expect(!narrow.machine.surpasses(Target.InstructionSet.aarch64NEON.machine))
            #expect(!Target.InstructionSet.aarch64NEON.machine.surpasses(narrow.machine))
        }
    }

    @Test func aProcessorRunsTheBestOfWhatItHasTheFeaturesFor() {
        for set in Target.InstructionSet.allCases {
            let present = Set(set.machine.features)
            #expect(Target.InstructionSet.best(on: present) == set)
            #expect(set.machine.missing(from: present).isEmpty)
        }
        let v4 = Target.InstructionSet.x86_64_v4.machine
        let incomplete = Set(v4.features).subtracting([.avx512dq])
        #expect(v4.missing(from: incomplete) == [.avx512dq])
        #expect(Target.InstructionSet.best(on: incomplete) == .x86_64_v3)
        #expect(Target.InstructionSet.best(on: [.sse42, .popcnt, .avx2]) == .x86_64_v2)
        #expect(Target.InstructionSet.best(on: [.avx2]) == nil)
    }

    /// What is generated for named machines depends on these numbers.
    @Test func theRowsStandFast() {
        let rows = Target.named.map { target in
            let machine = target.machine
            return ["\(target.name):", "\(machine.vectorBytes) x \(machine.vectorRegisters)", "\(machine.hasFusedMultiplyAdd)"].joined(separator: " ")
        }
        #expect(rows == ["x86-64-v4: 64 x 32 true", "x86-64-v3: 32 x 16 true", "x86-64-v2: 16 x 16 false", "aarch64-neon: 16 x 32 true"])
        for target in Target.named {
            #expect((target.level1Bytes, target.level2Bytes, target.lastLevelBytes) == (32 << 10, 1 << 20, 32 << 20), "\(target.name)")
            #expect(target.machine.cores == 8)
            let other = Target(target.instructionSet, level2Bytes: 2 << 20)
            #expect(other.level2Bytes == 2 << 20 && other.lastLevelBytes == target.lastLevelBytes && other != target)
        }
    }
}
