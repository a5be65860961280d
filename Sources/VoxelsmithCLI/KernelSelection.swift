import KernelEmission
import LayerSpec
import Scheduling

/// The kernels for some layers: one for every different problem that a kernel family takes.
struct KernelSelection {
    private(set) var units: [KernelUnit] = []

    /// Warns of layers that no family takes, by name and with the reason.
    /// - Parameter decisions: measured ones; one that does not apply is warned about, and the estimate taken.
    /// - Throws: `CommandFailure.nothingToGenerate` when none is left; `EmissionError`.
    init(_ layers: [ResolvedLayer], target: Target, path: String, decisions: [SpecKey: Decision] = [:]) throws {
        var seen: Set<SpecKey> = []
        for layer in layers {
            let schedule: Schedule
            do {
                schedule = try Self.schedule(layer, target, decisions[layer.spec.key])
            } catch {
                Console.warn("No kernel for layer \"\(layer.name)\": \(error)")
                continue
            }
            Console.detail("layer \"\(layer.name)\": \(schedule.text)")
            // The schedule's problem, not the layer's: layers that differ only in what the kernel leaves out share it.
            if seen.insert(schedule.spec.key).inserted { units.append(try KernelUnit(schedule)) }
        }
        if units.isEmpty { throw CommandFailure.nothingToGenerate(path: path) }
    }

    private static func schedule(_ layer: ResolvedLayer, _ target: Target, _ decision: Decision?) throws(SchedulingError) -> Schedule {
        if let decision {
            do {
                return try plan(layer.spec, target: target, decision: decision)
            } catch {
                Console.warn("The measured schedule of layer \"\(layer.name)\" is not used: \(error)")
            }
        }
        return try plan(layer.spec, target: target)
    }
}
