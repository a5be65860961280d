import Testing
import VoxLayerSpec
import VoxScheduling
import _TestSupport

/// Tiles against the relation, and the registers that they need.
@Suite struct TilePlanTests {
    /// Every output of a plane is in exactly one tile, and every tap that reaches it is multiplied exactly once.
    @Test func tilesCoverThePlaneOnce() throws {
        var tileCount = 0
        for spec in try edgeProblems() + edgeProblems(.convolution) {
            for target in Target.named {
                let merged = FilterLanes(tileHeight: 2, tileWidth: 3, mergesWidthPhases: true, listsRows: false)
                for schedule in try [plan(spec, target: target), plan(spec, target: target, decision: .filterLanes(merged))] {
                    let resolved = try #require(schedule.filterLanes)
                    tileCount += resolved.tilePlan.tiles.joined().count { $0 != nil }
                    let walk = PlaneWalk(resolved, spec.op, spec.geometry)
                    #expect(walk.outputsAreEachThereOnce, "\(spec.key) \(schedule.text)")
                    #expect(walk.multiplyAddsAreThoseOfTheRelation, "\(spec.key) \(schedule.text)")
                }
            }
        }
        #expect(tileCount > 3000)
    }

    /// The comparison finds what it is for: a plan for other numbers.
    @Test func aPlanOfAnotherProblemIsNotTheRelation() throws {
        let axes = try (0..<6).map { fault in
            try AxisGeometry(
                input: fault == 1 ? 6 : 5, output: fault == 2 ? 10 : 11, kernel: fault == 3 ? 4 : 3, stride: fault == 4 ? 3 : 2, dilation: 1,
                crop: fault == 5 ? 1 : 0)
        }
        let decision = FilterLanes(tileHeight: 2, tileWidth: 3, listsRows: false)
        for (number, axis) in axes.enumerated() {
            for (index, places) in [[axis, axes[0]], [axes[0], axis], [axis, axes[0]], [axes[0], axis]].enumerated() {
                let geometry = try Geometry(axes: [axes[0]] + places, channels: 3, filters: 5)
                let op = index < 2 ? KernelOp.transposedConvolution : .convolution
                let schedule = try plan(KernelSpec(op: op, geometry: geometry, policy: .direct), target: Target(.x86_64_v3), decision: .filterLanes(decision))
                let expected = try Geometry(axes: [axes[0], axes[0], axes[0]], channels: 3, filters: 5)
                let walk = PlaneWalk(try #require(schedule.filterLanes), schedule.spec.op, expected)
                #expect((walk.outputsAreEachThereOnce && walk.multiplyAddsAreThoseOfTheRelation) == (number == 0), "\(geometry)")
            }
        }
    }

    @Test func registersSuffice() throws {
        for spec in try edgeProblems() + edgeProblems(.convolution) {
            for target in Target.named {
                let schedule = try plan(spec, target: target)
                #expect(try #require(schedule.filterLanes).liveRegisters <= target.vectorRegisters, "\(spec.key) \(schedule.text) on \(target.name)")
            }
        }
    }
}
