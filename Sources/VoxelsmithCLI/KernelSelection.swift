import KernelEmission
import LayerSpec
import Scheduling

/// The kernels for some layers: one for every different problem that a kernel family takes.
struct KernelSelection {
    private(set) var units: [KernelUnit] = []
    /// The names of the layers that each unit computes.
    private(set) var layerNames: [[String]] = []
    /// The layers that no family takes, and why.
    private(set) var interpreted: [BuildReport.Interpreted] = []

    /// Warns of layers that no family takes, by name and with the reason.
    /// - Parameter decisions: measured ones; one that does not apply is warned about, and the estimate taken.
    /// - Throws: `CommandFailure.nothingToGenerate` when none is left; `EmissionError`.
    init(_ layers: [ResolvedLayer], target: Target, path: String, decisions: [SpecKey: Decision] = [:]) throws {
        var places: [SpecKey: Int] = [:]
        for layer in layers {
            let schedule: Schedule
            do {
                schedule = try Self.schedule(layer, target, decisions[layer.spec.key])
            } catch {
                Console.warn("No kernel for layer \"\(layer.name)\": \(error)")
                interpreted.append(BuildReport.Interpreted(name: layer.name, reason: "\(error)"))
                continue
            }
            Console.detail("layer \"\(layer.name)\": \(schedule.text)")
            // The schedule's problem, not the layer's: layers that differ only in what the kernel leaves out share it.
            if let place = places[schedule.spec.key] {
                layerNames[place].append(layer.name)
            } else {
                places[schedule.spec.key] = units.count
                units.append(try KernelUnit(schedule))
                layerNames.append([layer.name])
            }
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
