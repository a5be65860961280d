import Voxelsmith

/// A layer of a graph, called once on a symbolic tensor.
struct Connected {
    let layer: Conv3DTranspose
    let x: SymbolicTensor
    let y: SymbolicTensor

    init(activityRegularizer: (any RegularizerArgument)? = nil) throws {
        (layer, x, y) = try withGraph {
            let layer = try Conv3DTranspose(
                filters: 3, kernelSize: 2, strides: 2, kernelInitializer: "ones", kernelRegularizer: L1(1), activityRegularizer: activityRegularizer,
                name: "up")
            let x = try Input(shape: [nil, 4, 4, 1], name: "x")
            return (layer, x, try layer(x))
        }
    }
}

private func built() throws -> Conv3DTranspose {
    let up = try Conv3DTranspose(filters: 2, kernelSize: 1, name: "up")
    try up.build(inputShape: [nil, nil, nil, nil, 3])
    return up
}

let properties: [Check] = [
    Check("activity_regularizer") {
        let up = try Connected(activityRegularizer: "l1").layer
        up.activityRegularizer = nil
        return try up.activityRegularizer == nil && up.losses.map(\.name) == ["activity", "kernel"]
    },
    Check("dtype") { try built().dtype == .float32 },
    Check("graph") {
        let graph = Graph()
        let up = try withGraph(graph) { try Conv3DTranspose(filters: 1, kernelSize: 1) }
        return try up.graph === graph && raises(.valueError) { _ = try withGraph { try Sequential([up]) } } && up.graph === graph
            && raises(.runtimeError) { _ = try built().graph }
    },
    Check("input") {
        let up = try Connected()
        return try up.layer.input == up.x && raises(.runtimeError) { _ = try built().input }
    },
    Check("input_mask") { try Connected().layer.inputMask == nil },
    Check("input_shape") { try Connected().layer.inputShape == [nil, nil, 4, 4, 1] },
    Check("losses") {
        let up = try Connected(activityRegularizer: L1(1))
        let model = try Model(inputs: [up.x], outputs: [up.y])
        _ = try model(Ones()([2, 1, 4, 4, 1], .float32))
        // Per sample 2 * 8 * 8 * 3 ones; 24 ones in the kernel.
        return try model.losses.map(\.value) == [384, 24]
    },
    Check("name") {
        final class UpBlock: Conv3DTranspose {}
        return try UpBlock(filters: 1, kernelSize: 1).name == "up_block" && built().name == "up"
    },
    Check("non_trainable_variables") {
        let up = try built()
        up.trainable = false
        return up.nonTrainableVariables.map(\.name) == ["kernel", "bias"]
    },
    Check("non_trainable_weights") {
        let up = try built()
        try up.addWeight(name: "mean", shape: [1], trainable: false)
        return up.nonTrainableWeights.map(\.name) == ["mean"]
    },
    Check("output") {
        let up = try Connected()
        return try up.layer.output == up.y
    },
    Check("output_mask") { try Connected().layer.outputMask == nil },
    Check("output_shape") { try Connected().layer.outputShape == [nil, nil, 8, 8, 3] },
    Check("scope_name") {
        try built().scopeName == "up" && raises(.valueError) { _ = try Conv3DTranspose(filters: 1, kernelSize: 1).scopeName }
    },
    Check("trainable_variables") { try built().trainableVariables.map(\.path) == ["up/kernel", "up/bias"] },
    Check("trainable_weights") { try built().trainableWeights.map(\.shape) == [[1, 1, 1, 2, 3], [2]] },
    Check("updates") {
        let up = try Connected()
        up.layer.addUpdate(Update(name: "u") {})
        return try up.layer.updates.map(\.name) == ["u"] && built().updates.isEmpty
    },
    Check("variables") { try built().variables.map(\.name) == ["kernel", "bias"] },
    Check("weights") {
        let up = try built()
        return try up.weights[0] === up.kernel && Conv3DTranspose(filters: 1, kernelSize: 1).weights.isEmpty
    },
]
