import VoxKernelBuild
import VoxKernelEmission
import VoxLayerSpec
import VoxVerification

extension KernelSelection {
    /// The layers in plain C, each with its functions.
    /// - Parameters:
    ///   - name: what the library is called.
    ///   - target: what the kernels were selected for.
    ///   - onEvent: told of activations that kernels leave to their caller.
    /// - Throws: `ForgeError.noPlainC` for the first layer that no family takes; `EmissionError`.
    package func standaloneSource(name: LibraryName = .standard, target: Target, onEvent: ForgeObserver) throws -> StandaloneSource {
        if let layer = interpreted.first { throw ForgeError.noPlainC(layer: layer.name, reason: layer.reason) }
        let layers = computed.map { layer, place in
            let unit = units[place]
            let formula = ErrorFormula(unit.schedule.spec, schedule: unit.schedule.text)
            return StandaloneLayer(
                name: layer.name, unit: unit, activation: layer.config?.activation ?? layer.spec.epilogue.activation,
                integerGrowth: formula.integerGrowth(unit.schedule.spec))
        }
        for layer in layers {
            if let activation = layer.leftOutActivation { onEvent(.activationLeftOut(layer: layer.name, activation: activation.token)) }
        }
        return try StandaloneSource(
            layers, name: name, target: target, arithmeticFlags: CompilerFlags.arithmetic, machineFlags: CompilerFlags.machine(target))
    }
}
