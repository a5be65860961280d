import Testing
import VoxLayerSpec

/// Which targets one plugin can be for.
@Suite struct PluginTargetsTests {
    private let v4 = Target(.x86_64_v4), v3 = Target(.x86_64_v3), v2 = Target(.x86_64_v2), neon = Target(.aarch64NEON)

    /// Nothing that is made for them depends on the order of arguments.
    @Test func theyHaveOneOrder() throws {
        let native = Target(.x86_64_v3, name: "native", level2Bytes: 2 << 20)
        for targets in [[v4, native, v2], [v2, v4, native], [native, v2, v4]] {
            let several = try PluginTargets(targets)
            #expect(several.all == [v4, native, v2] && several.names == "x86-64-v4, native, x86-64-v2")
            #expect(several.least == v2 && several.family == .x86_64)
        }
        #expect(try PluginTargets([neon]) == PluginTargets(neon))
        #expect(PluginTargets(neon).all == [neon] && PluginTargets(neon).least == neon && PluginTargets(neon).family == .aarch64)
    }

    @Test func twoFamiliesAndTwoOfOneInstructionSetAreRefused() {
        #expect(throws: SpecError.noTargets) { try PluginTargets([]) }
        #expect(throws: SpecError.targetsOfTwoFamilies("x86-64-v4", "aarch64-neon")) { try PluginTargets([v4, v3, neon]) }
        #expect(throws: SpecError.targetsOfTwoFamilies("aarch64-neon", "x86-64-v2")) { try PluginTargets([neon, v2]) }
        #expect(throws: SpecError.sameTargets("x86-64-v3", "x86-64-v3")) { try PluginTargets([v3, v4, v3]) }
        let native = Target(.x86_64_v3, name: "native", level2Bytes: 2 << 20)
        #expect(throws: SpecError.sameTargets("x86-64-v3", "native")) { try PluginTargets([v3, native]) }
    }

    /// One that fits is enough; else it is the nearest that counts.
    @Test func whatIsMissingIsOfTheNearestTarget() throws {
        let two = try PluginTargets([v4, v3])
        let (all, some) = (Set(v4.requiredFeatures), Set(v3.requiredFeatures))
        let beyond = v3.requiredFeatures.filter { !v2.requiredFeatures.contains($0) }
        let table: [(present: Set<Target.Feature>, missing: [Target.Feature])] = [
            (all, []), (some, []), (some.subtracting([.fma]), [.fma]), (Set(v2.requiredFeatures), beyond), (Set(), v3.requiredFeatures),
        ]
        for (present, missing) in table {
            #expect(two.missing(from: present) == missing, "\(present)")
        }
    }

    @Test func theLeastOfAFamilyRunsOnAllOfItsMachines() {
        for set in Target.InstructionSet.allCases {
            let least = set.family.least
            #expect(least.family == set.family && least.machine.missing(from: Set(set.machine.features)).isEmpty, "\(set)")
        }
    }
}
