import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors

/// Which kernel computes a shape, and with which packed weights.
extension Conv3D {
    /// Which kernel computes inputs of this shape in the next call, and why. Prepares nothing.
    /// - Throws: `LayerError`, `SpecError` or `KernelLookupError`.
    public func kernelInUse(inputShape: [Int]) throws -> String { try kernelChoice(inputShape: inputShape).reason }

    /// The kernel of `kernelInUse`.
    package func kernelChoice(inputShape: [Int]) throws -> KernelChoice {
        if let layer = prepared[Array(inputShape.dropFirst())], !layer.choice.isSuperseded { return layer.choice }
        return try choice(checkedSpec(inputShape: inputShape), kernel: kernel?.value)
    }

    /// The kernel for a problem, with the weights there are.
    func choice(_ spec: KernelSpec, kernel: Tensor?) throws -> KernelChoice {
        guard let kernel else { return try statingLayout(kernels.lookup(spec, mode: kernelMode)) }
        return try statingLayout(kernels.lookup(spec, mode: kernelMode, weights: kernelSurroundings.before(kernel)))
    }

    /// Whether kernels with rearranged sums may take these weights.
    func isInFastRange(_ kernel: Tensor?) throws -> Bool {
        guard let kernel else { return true }
        return try FastRange.weightBeyond(kernelSurroundings.before(kernel)) == nil
    }

    /// A problem's kernel with packed weights: those of `others` where it takes them.
    func pack(
        _ spec: KernelSpec, _ choice: KernelChoice, kernel: Tensor?, bias: Tensor?, sharing others: [[Int]: PreparedLayer]
    ) throws -> PreparedLayer {
        guard let kernel else { throw LayerError.notBuilt(layer: name, method: "prepare") }
        let shared = others.values.first { $0.packed.packingKey == choice.kernel.packingKey }?.packed
        return try PreparedLayer(
            spec: spec, choice: choice, weights: kernelSurroundings.before(kernel), bias: bias.map(kernelSurroundings.before), sharing: shared)
    }

    /// The registry's answer, whose reason also says where the layout came from: that may be the keras.json of whoever runs this.
    func statingLayout(_ choice: KernelChoice) -> KernelChoice {
        choice.with(reason: "\(choice.reason); \(config.layout.rawValue) \(arguments.layoutOrigin)")
    }
}
