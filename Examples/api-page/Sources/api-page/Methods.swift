import Voxelsmith

private func up(_ filters: Int = 1) throws -> Conv3DTranspose {
    try Conv3DTranspose(filters: filters, kernelSize: 1, kernelInitializer: Constant(2), name: "up")
}

private func ones() throws -> Tensor { try Ones()([1, 1, 1, 2, 1], .float32) }

/// A layer called on two inputs, and what it made of them.
private func twice() throws -> (layer: Conv3DTranspose, a: SymbolicTensor, b: SymbolicTensor, yb: SymbolicTensor) {
    try withGraph {
        let layer = try up(3)
        let a = try Input(shape: [1, 1, 2, 1]), b = try Input(shape: [4, 1, 2, 1])
        _ = try layer(a)
        return (layer, a, b, try layer(b))
    }
}

let methods: [Check] = [
    Check("__call__") {
        try up()(ones()).floats == [2, 2] && raises(.valueError) { _ = try up()(Ones()([1, 2], .float32)) }
    },
    Check("__deepcopy__") {
        let layer = try up()
        _ = try layer(ones())
        let copy: Conv3DTranspose = try layer.copy()
        return try copy.name == "up" && copy.kernel !== layer.kernel && copy(ones()).floats == [2, 2]
    },
    Check("__init__") {
        let layer = try Conv3DTranspose(filters: 1, kernelSize: 2)
        return layer.strides == [1, 1, 1] && layer.padding == .valid(outputPadding: nil) && layer.activation == .linear && layer.useBias
            && layer.kernelInitializer is GlorotUniform && layer.biasInitializer is Zeros && layer.activityRegularizer == nil
    },
    Check("add_loss") {
        let (layer, a, _, _) = try twice()
        try layer.addLoss(0.5)
        try layer.addLoss([1, 2], inputs: [a])
        try layer.addLoss { inputs, results in results[0].doubles[0] - inputs[0].doubles[0] }
        return try layer.losses.map(\.value) == [0.5, 1, 2] && raises(.runtimeError) { try up().addLoss(1) }
    },
    Check("add_update") {
        let (layer, a, _, _) = try twice()
        layer.addUpdate(Update(name: "moving mean") {}, inputs: a)
        let eager = try up()
        eager.addUpdate([Update(name: "ignored") {}])
        return layer.updates.count == 1 && eager.updates.isEmpty
    },
    Check("add_variable") {
        let layer = try up()
        let variable = try layer.addVariable(name: "v", shape: [2], initializer: "ones")
        return variable.path == "up/v" && raises(.valueError) { try layer.addVariable(name: "n", shape: [-1]) }
            && raises(.runtimeError) { try layer.addVariable(name: "r", shape: [1], regularizer: "l2") }
    },
    Check("add_weight") {
        let layer = try up()
        return try layer.addWeight(name: "w", shape: [2, 2], initializer: Constant(3)).value.floats == [3, 3, 3, 3]
            && raises(.valueError) { try layer.addWeight(name: "n", shape: [2, -1]) }
    },
    Check("apply") { try up().apply(ones()).floats == [2, 2] && up().apply([ones()])[0].floats == [2, 2] },
    Check("build") {
        let layer = try up()
        try layer.build(inputShape: [nil, nil, nil, nil, 4])
        return layer.isBuilt && layer.kernel?.shape == [1, 1, 1, 1, 4]
    },
    Check("call") {
        let (layer, a, _, _) = try twice()
        return try up().call(ones()).floats == [2, 2] && layer.call(a).shape == [nil, 1, 1, 2, 3]
    },
    Check("compute_mask") {
        let (layer, a, b, _) = try twice()
        let mask = try Tensor([1])
        return try layer.computeMask(a) == nil && layer.computeMask(a, mask: b) == b && layer.computeMask([a, a], mask: [b, nil]) == [b, nil]
            && layer.computeMask([ones()], mask: mask)?.floats == [1]
    },
    Check("count_params") {
        let layer = try up(5)
        try layer.build(inputShape: [1, 1, 1, 1, 3])
        return try layer.countParams() == 20 && raises(.valueError) { _ = try up().countParams() }
    },
    Check("from_config") {
        let layer = try Conv3DTranspose(config: ["filters": 2, "kernel_size": [1, 2, 3], "name": "again", "activation": "relu"])
        return layer.name == "again" && layer.kernelSize == [1, 2, 3] && layer.activation == .relu && !layer.isBuilt
            && raises(.valueError) { _ = try Conv3DTranspose(config: ["filters": 2, "kernel_size": 1, "no such": 1]) }
    },
    Check("get_config") {
        let layer = try Conv3DTranspose(filters: 2, kernelSize: 3, kernelRegularizer: L2(3.0))
        let config = try layer.getConfig()
        let read = try JSONObject(parsing: config.toJSON())
        var keys: Set<String> = []
        for (key, _) in read { keys.insert(key) }
        return try read == config && keys.contains("filters") && Conv3DTranspose(config: read).getConfig() == config
    },
    Check("get_input_at") {
        let (layer, a, b, _) = try twice()
        return try layer.getInput(at: 0) == a && layer.getInput(at: 1) == b && raises(.valueError) { _ = try layer.getInput(at: 2) }
    },
    Check("get_input_mask_at") { try twice().layer.getInputMask(at: 0) == nil },
    Check("get_input_shape_at") { try twice().layer.getInputShape(at: 1) == [nil, 4, 1, 2, 1] },
    Check("get_losses_for") {
        let (layer, a, b, _) = try twice()
        try layer.addLoss(0.5, inputs: a)
        try layer.addLoss(2)
        return try layer.getLosses(for: a).map(\.value) == [0.5] && layer.getLosses(for: b).isEmpty && layer.getLosses(for: nil).map(\.value) == [2]
    },
    Check("get_output_at") {
        let (layer, _, _, yb) = try twice()
        return try layer.getOutput(at: 1) == yb && layer.getOutput(at: -1) == yb
    },
    Check("get_output_mask_at") { try twice().layer.getOutputMask(at: 1) == nil },
    Check("get_output_shape_at") { try twice().layer.getOutputShape(at: 0) == [nil, 1, 1, 2, 3] },
    Check("get_updates_for") {
        let (layer, a, b, _) = try twice()
        layer.addUpdate(Update(name: "u") {}, inputs: a)
        return try layer.getUpdates(for: a).count == 1 && layer.getUpdates(for: b).isEmpty && layer.getUpdates(for: nil).isEmpty
    },
    Check("get_weights") {
        let layer = try up()
        _ = try layer(ones())
        return try layer.getWeights().map(\.floats) == [[2], [0]] && up().getWeights().isEmpty
    },
    Check("set_weights") {
        let layer = try up()
        _ = try layer(ones())
        try layer.setWeights([Tensor(shape: [1, 1, 1, 1, 1], [3]), Tensor([1])])
        return try layer(ones()).floats == [4, 4] && raises(.valueError) { try layer.setWeights([Tensor([1])]) }
    },
]
