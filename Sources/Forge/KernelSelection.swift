import VoxKernelEmission
import VoxLayerSpec
import VoxScheduling

/// The kernels for some layers: one for every different problem that a kernel family takes.
package struct KernelSelection {
    package private(set) var units: [KernelUnit] = []
    /// The layers that have a kernel, in their order, with the place of its unit.
    package private(set) var computed: [(layer: ResolvedLayer, unit: Int)] = []
    /// The layers that no family takes, and why.
    package private(set) var interpreted: [BuildReport.Interpreted] = []

    /// - Parameters:
    ///   - layers: what is to be computed.
    ///   - target: what the kernels are for.
    ///   - source: where the layers come from; for errors.
    ///   - decisions: measured ones; where one does not apply, the estimate is taken.
    ///   - threads: how many a call of one sample will have, as of `plan`.
    ///   - onEvent: told of layers that no family takes, of decisions that do not apply, and of every schedule.
    /// - Throws: `ForgeError.nothingToGenerate` when no layer is left; `EmissionError`.
    package init(
        _ layers: [ResolvedLayer], target: Target, source: String, decisions: [SpecKey: Decision] = [:],
        threads: Int = 1, onEvent: ForgeObserver
    ) throws {
        var places: [SpecKey: Int] = [:]
        for layer in layers {
            let schedule: Schedule
            do {
                schedule = try Self.schedule(layer, target, decisions[layer.spec.key], threads, onEvent)
            } catch {
                onEvent(.noKernel(layer: layer.name, reason: error))
                interpreted.append(BuildReport.Interpreted(name: layer.name, reason: "\(error)"))
                continue
            }
            onEvent(.scheduled(layer: layer.name, schedule))
            // By the schedule's problem, not the layer's: layers that differ only in an activation that the kernel leaves out share a kernel.
            let place = places[schedule.spec.key] ?? units.count
            if place == units.count {
                places[schedule.spec.key] = place
                units.append(try KernelUnit(schedule))
            }
            computed.append((layer, place))
        }
        if units.isEmpty { throw ForgeError.nothingToGenerate(source: source) }
    }

    /// The names of the layers that each unit computes.
    package var layerNames: [[String]] {
        var names: [[String]] = Array(repeating: [], count: units.count)
        for (layer, unit) in computed { names[unit].append(layer.name) }
        return names
    }

    private static func schedule(
        _ layer: ResolvedLayer, _ target: Target, _ decision: Decision?, _ threads: Int, _ onEvent: ForgeObserver
    ) throws(SchedulingError) -> Schedule {
        if let decision {
            do {
                return try plan(layer.spec, target: target, decision: decision)
            } catch {
                onEvent(.decisionUnused(layer: layer.name, reason: error))
            }
        }
        return try plan(layer.spec, target: target, threads: threads)
    }
}
