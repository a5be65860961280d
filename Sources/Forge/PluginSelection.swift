import VoxKernelEmission
import VoxLayerSpec
import VoxScheduling

/// The kernels of a plugin: those for its layers, for each of its targets in turn.
struct PluginSelection {
    private(set) var units: [KernelUnit] = []
    /// The same kernels for the report.
    private(set) var kernels: [BuildReport.Kernel] = []
    /// The layers that have a kernel for none of the targets, and why.
    private(set) var interpreted: [BuildReport.Interpreted] = []

    /// - Parameters:
    ///   - layers: what is to be computed.
    ///   - targets: what the kernels are for.
    ///   - source: where the layers come from; for errors.
    ///   - decisions: measured ones, for each target.
    ///   - threads: how many a call of one sample will have.
    ///   - onEvent: told as by `KernelSelection`, of each target, and once of a layer that no family takes.
    /// - Throws: as `KernelSelection`.
    init(
        _ layers: [ResolvedLayer], targets: PluginTargets, source: String, decisions: [[SpecKey: Decision]], threads: Int, onEvent: ForgeObserver
    ) throws {
        var computed: Set<SpecKey> = []
        for (target, decisions) in zip(targets.all, decisions) {
            let known = Set(interpreted)
            let selection = try KernelSelection(layers, target: target, source: source, decisions: decisions, threads: threads) { event in
                if case .noKernel(let layer, let reason) = event, known.contains(BuildReport.Interpreted(name: layer, reason: "\(reason)")) { return }
                onEvent(event)
            }
            units += selection.units
            kernels += zip(selection.units, selection.layerNames).map { unit, layers in
                BuildReport.Kernel(
                    name: unit.name, key: unit.schedule.spec.key.text, target: target.instructionSet.rawValue, schedule: unit.schedule.text, layers: layers)
            }
            interpreted += selection.interpreted.filter { !known.contains($0) }
            computed.formUnion(selection.computed.map(\.layer.spec.key))
        }
        // Limits of a family may depend on the target. By problems, as several layers may have one name.
        let left = Set(layers.filter { !computed.contains($0.spec.key) }.map(\.name))
        interpreted.removeAll { !left.contains($0.name) }
    }
}
