import Foundation
import Testing
import VoxLayerSpec
import VoxScheduling
import VoxTensors
import _TestSupport

/// What holds for every schedule, on seeded random problems.
@Suite struct SchedulePropertyTests {
    /// As planned, and with parameters that the planner would not choose where they are legal.
    private func schedules(seed: UInt64, perTarget: Int) throws -> [(spec: KernelSpec, schedule: Schedule)] {
        var specs = RandomSpecs(seed: seed)
        var schedules: [(KernelSpec, Schedule)] = []
        for target in Target.named {
            for number in 0..<perTarget {
                let (spec, decision): (KernelSpec, Decision?)
                let op = number % 8 < 4 ? KernelOp.transposedConvolution : .convolution
                switch number % 4 {
                case 0: (spec, decision) = specs.nextFast(target, op)
                case 1: (spec, decision) = specs.nextSingleVoxel(target, op)
                default:
                    spec = specs.next(op)
                    decision = specs.decision(spec, target)
                }
                let machine = specs.machine(spec, target)
                schedules.append((spec, try plan(spec, target: machine)))
                if let decision, let schedule = try? plan(spec, target: machine, decision: decision) { schedules.append((spec, schedule)) }
            }
        }
        return schedules
    }

    /// A schedule follows from its problem, target and decision alone, and the decision survives being written to a file.
    @Test func schedulesRoundTripThroughTheirDecisions() throws {
        var texts: [String: Decision] = [:]
        for (spec, schedule) in try schedules(seed: 41, perTarget: 100) {
            #expect(try plan(spec, target: schedule.target, decision: schedule.decision) == schedule, "\(spec.key) \(schedule.text)")
            let written = try JSONDecoder().decode(Decision.self, from: JSONEncoder().encode(schedule.decision))
            #expect(written == schedule.decision && written.text == schedule.text, "\(schedule.text)")
            #expect(Decision(text: schedule.text) == schedule.decision, "\(schedule.text)")
            #expect(texts.updateValue(written, forKey: schedule.text).map { $0 == written } ?? true, "two decisions are called \(schedule.text)")
        }
        #expect(texts.count > 400)
        for text in texts.keys.prefix(40) {
            for other in [text + ",", text + ",stream,stream", "x" + text, text.replacing("unroll", with: "unroll0"), text.replacing(",", with: ", "), ""] {
                #expect(Decision(text: other) == nil, "\(other)")
            }
        }
        // Numbers whose products leave 64 bits.
        for text in ["batch-rows,v4611686018427387904,r4,unroll2", "minimal-filtering,block1x1x9223372036854775807,v1,r1,unroll2"] {
            #expect(Decision(text: text) == nil, "\(text)")
        }
    }

    @Test func sizesAreWholeLinesAndSuffice() throws {
        var met: [String: Int] = [:]
        for (spec, schedule) in try schedules(seed: 42, perTarget: 100) {
            let (geometry, axes, features) = (spec.geometry, spec.readAxes, spec.features)
            let what = "\(spec.key) \(schedule.text) on \(schedule.target.name)"
            #expect(schedule.packedByteCount > 0 && schedule.packedByteCount % 64 == 0, "\(what)")
            #expect((0...64 << 20).contains(schedule.workspaceByteCount) && schedule.workspaceByteCount % 64 == 0, "\(what)")
            #expect(schedule.family.expectedCycles > 0 && schedule.family.expectedCycles.isFinite, "\(what)")
            #expect(schedule.workItems.count(batch: 0) == 0 && schedule.workItems.count(batch: 1) >= 1, "\(what)")
            #expect(schedule.spec.policy == type(of: schedule.decision.parameters).policy, "\(what)")
            #expect(schedule.spec.geometry == geometry && schedule.spec.layout == spec.layout && schedule.spec.elements == spec.elements, "\(what)")
            met[type(of: schedule.decision.parameters).label, default: 0] += 1
            if let resolved = schedule.filterLanes {
                let perVector = resolved.parameters.channelsPerVector
                let steps = (features.sources / geometry.groups + perVector - 1) / perVector
                let held = heldFilters(resolved.packedLayout)
                let parts = resolved.parameters.mergesGroups ? 1 : geometry.groups
                #expect(held.filters == features.results / parts, "\(what)")
                let bytes = parts * geometry.axes.reduce(1) { $0 * $1.kernel } * steps * held.vectors * schedule.target.vectorBytes
                #expect(schedule.packedByteCount == (bytes + 63) / 64 * 64, "\(what)")
            } else if let resolved = schedule.batchRows {
                let outputs = axes.reduce(features.results) { $0 * $1.results }
                let inputs = axes.reduce(features.sources) { $0 * $1.sources }
                let panel = resolved.parameters.vectors * schedule.target.vectorBytes / 4
                let panels = (outputs + panel - 1) / panel
                #expect(resolved.outputs == outputs && schedule.workItems == .perCall(panels), "\(what)")
                #expect(schedule.packedByteCount == (panels * panel * inputs * 4 + 63) / 64 * 64, "\(what)")
            } else if let resolved = schedule.minimalFiltering {
                // Weights of all combinations lie one behind the other.
                var place = 0
                let filters = resolved.blockCount * resolved.parameters.vectors * schedule.target.vectorBytes / 4
                #expect(filters >= features.results / geometry.groups, "\(what)")
                for combination in resolved.combinations {
                    #expect(combination.weights == place, "\(what)")
                    let points = combination.classes.reduce(1) { $0 * $1.phases.count * ($1.taps == 1 ? 1 : $1.taps + 1) }
                    place += points * filters * features.sources / geometry.groups
                }
                #expect(schedule.packedByteCount == (place * geometry.groups * 4 + 63) / 64 * 64, "\(what)")
            }
        }
        #expect(met.count == kernelFamilies.count && met.values.allSatisfy { $0 >= 80 }, "\(met)")
    }

    /// The filters of a part by its blocks and vectors, each of which is full but for the last.
    private func heldFilters(_ layout: PackedLayout) -> (filters: Int, vectors: Int) {
        let full = layout.blockCount - 1
        let isTight = layout.lastFilters >= 1 && layout.lastFilters <= layout.filtersPerBlock
            && layout.lastVectors == (layout.lastFilters + layout.filtersPerVector - 1) / layout.filtersPerVector
        return (isTight ? full * layout.filtersPerBlock + layout.lastFilters : -1, full * layout.vectors + layout.lastVectors)
    }

    /// Every output is computed once, by the multiply-adds of the relation, whatever the parameters.
    @Test func everyOutputIsComputedOnce() throws {
        var met: [String: Int] = [:]
        for (spec, schedule) in try schedules(seed: 43, perTarget: 80) {
            let (geometry, what) = (spec.geometry, "\(spec.key) \(schedule.text) on \(schedule.target.name)")
            let contributions = geometry.axes.map(\.triedContributions)
            let multiplyAdds = contributions.reduce(geometry.channels * geometry.filters / geometry.groups) { $0 * $1.count }
            #expect(geometry.multiplyAddCount == multiplyAdds, "\(what)")
            met[type(of: schedule.decision.parameters).label, default: 0] += 1
            if let resolved = schedule.filterLanes {
                let walk = PlaneWalk(resolved, spec.op, geometry)
                #expect(walk.outputsAreEachThereOnce && walk.multiplyAddsAreThoseOfTheRelation, "\(what)")
                checkItems(resolved, spec.readAxes[0], what)
            } else if let resolved = schedule.batchRows {
                #expect(geometry.axes.allSatisfy { $0.reachesEveryOutput && $0.triedContributions.count == $0.output }, "\(what)")
                #expect(resolved.panels * resolved.panel >= resolved.outputs && (resolved.panels - 1) * resolved.panel < resolved.outputs, "\(what)")
            } else if let resolved = schedule.minimalFiltering {
                checkProducts(resolved, spec, what)
            }
        }
        #expect(met.count == kernelFamilies.count && met.values.allSatisfy { $0 >= 60 }, "\(met)")
    }

    /// Work items cut the tile rows and the positions along depth without a rest; the positions give every output plane once.
    private func checkItems(_ resolved: FilterLanesSchedule, _ depth: ReadAxis, _ what: String) {
        let plan = resolved.tilePlan
        #expect(resolved.blocks * resolved.blockRows >= plan.tileRows && (resolved.blocks - 1) * resolved.blockRows < plan.tileRows, "\(what)")
        let planes = plan.depths.flatMap { q in (0..<depth.phases).map { q * depth.phases + $0 - depth.crop } }.filter { $0 >= 0 && $0 < depth.results }
        #expect(planes == Array(0..<depth.results), "\(what)")
        switch resolved.workItems {
        case .perSample(let items): #expect(items == resolved.blocks * plan.depths.count, "\(what)")
        case .perCall(let items):
            #expect(resolved.parameters.order == .weightStationary && resolved.conversion?.converts != true, "\(what)")
            #expect(items == resolved.splits * resolved.packedLayout.blockCount * depth.phases * plan.groups.count, "\(what)")
            #expect((1...max(1, resolved.placesPerSample)).contains(resolved.splits), "\(what)")
        }
    }

    /// Combinations hold every phase of the output once, or every part of a convolution's kernel; a block covers all tiles; products are those of the
    /// axes.
    private func checkProducts(_ resolved: MinimalFilteringSchedule, _ spec: KernelSpec, _ what: String) {
        let geometry = spec.geometry
        let counts = zip(resolved.axes, spec.readAxes).map { axis, read in
            let phases = axis.classes.flatMap(\.phases)
            // Phases without an output are left out.
            let present = (0..<read.phases).filter { r in (0..<read.results).contains { ($0 + read.crop) % read.phases == r } }
            if spec.op == .transposedConvolution {
                #expect(phases.map(\.offset).sorted() == present.map { $0 - read.crop }, "\(what)")
            } else {
                #expect(phases.allSatisfy { $0.offset == 0 } && axis.classes.allSatisfy { $0.phases.count == 1 }, "\(what)")
            }
            return phases.count
        }
        for (axis, geometry) in zip(resolved.axes, geometry.axes) where spec.op == .convolution {
            // Every tap is in one part, with those whose distance is a multiple of the stride.
            let taps = axis.classes.flatMap { $0.phases.map(\.taps) }
            #expect(taps.joined().sorted() == Array(0..<geometry.kernel), "\(what)")
            #expect(taps.allSatisfy { part in part.allSatisfy { ($0 - part[0]) % geometry.stride == 0 } }, "\(what)")
            #expect(taps.count == min(geometry.stride, geometry.kernel), "\(what)")
        }
        let combined = resolved.combinations.reduce(0) { sum, combination in sum + combination.classes.reduce(1) { $0 * $1.phases.count } }
        #expect(combined == counts.reduce(1, *), "\(what)")
        #expect(resolved.addsUp == (spec.op == .convolution && combined > 1), "\(what)")
        for (axis, (block, blocks)) in zip(resolved.axes, zip(resolved.block, resolved.blocks)) {
            #expect(block * blocks >= axis.tiles && block * (blocks - 1) < axis.tiles, "\(what)")
        }
        #expect(resolved.workItems == .perSample(resolved.splits * resolved.blocks.reduce(1, *)), "\(what)")
        #expect(resolved.splits <= resolved.blockCount, "\(what)")
        let products = resolved.axes.map { axis in axis.classes.flatMap(\.phases).flatMap(\.computed).reduce(0) { $0 + $1.count } }
        #expect(resolved.transformedMultiplyAdds == products.reduce(geometry.channels * geometry.filters / geometry.groups, *), "\(what)")
    }

    /// Kernels that share packed weights lay them out alike.
    @Test func equalPackingKeysMeanEqualWeights() throws {
        var shared = 0
        var specs = RandomSpecs(seed: 44)
        for target in Target.named {
            for number in 0..<20 {
                let op = number % 4 < 2 ? KernelOp.transposedConvolution : .convolution
                let spec = number % 2 == 0 ? specs.next(op) : specs.nextFast(target, op).0
                let space = try ScheduleSpace(spec, target: target)
                let all = space.candidates + space.neighbours(of: space.candidates[0])
                for group in Dictionary(grouping: all, by: \.packingKey).values {
                    shared += group.count - 1
                    #expect(Set(group.map { type(of: $0.decision.parameters).label }).count == 1, "\(spec.key)")
                    let layouts = group.compactMap(\.filterLanes).map { [AnyHashable($0.packedLayout), AnyHashable($0.parameters.mergesWidthPhases)] }
                    #expect(Set(layouts).count <= 1, "\(spec.key) \(group.map(\.text))")
                    let windows = group.compactMap(\.minimalFiltering).map { [$0.parameters.vectors, $0.widthPhases, $0.blockCount] }
                    #expect(Set(windows).count <= 1, "\(spec.key) \(group.map(\.text))")
                }
            }
        }
        #expect(shared > 400)
    }
}
