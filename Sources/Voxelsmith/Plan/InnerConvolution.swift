import VoxKernelRuntime
import VoxLayerSpec

/// A convolution inside of a layer that a plan calls as it is.
struct InnerConvolution: Sendable {
    let choice: KernelChoice
    /// Of all calls of it in one call of the layer, for the batch of the plan.
    let flopCount: Int
}

extension Layer {
    /// The convolutions that a call of the layer makes, in wrappers and models too.
    /// - Throws: as asking for kernels does.
    func convolutions(inputShapes: [[Int]]) throws -> [InnerConvolution] {
        guard let shape = inputShapes.first else { return [] }
        switch self {
        case let layer as Conv3D:
            let flops = Checked.clampedProduct(try layer.config.geometry(inputShape: shape).flopCount, shape[0])
            return [InnerConvolution(choice: try layer.kernelChoice(inputShape: shape), flopCount: flops)]
        case let layer as TimeDistributedLayer: return try layer.layer.convolutions(inputShapes: [layer.step(shape)])
        case let model as Model:
            var result: [InnerConvolution] = []
            _ = try model.trace(inputShapes) { layer, shapes in
                result += try layer.convolutions(inputShapes: shapes)
                return try layer.knownOutputShapes(shapes)
            }
            return result
        default: return []
        }
    }
}
