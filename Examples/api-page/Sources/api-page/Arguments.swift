import Voxelsmith

private func layer(_ x: [Int] = [1, 2, 2, 2, 1], _ layer: Conv3DTranspose) throws -> [Int] { try layer(Ones()(x, .float32)).shape }

/// The arguments of the constructor, the other name of the class, and the rules of shapes.
let arguments: [Check] = [
    Check("filters") { try layer(Conv3DTranspose(filters: 3, kernelSize: 1)) == [1, 2, 2, 2, 3] },
    Check("kernel_size") {
        let k = 2
        let each = try Conv3DTranspose(filters: 1, kernelSize: [1, 2, 3])
        return try layer(Conv3DTranspose(filters: 1, kernelSize: k)) == [1, 3, 3, 3, 1] && layer(each) == [1, 2, 3, 4, 1]
    },
    Check("strides") { try layer(Conv3DTranspose(filters: 1, kernelSize: 1, strides: [1, 2, 3])) == [1, 2, 4, 6, 1] },
    Check("padding") {
        let same = try Conv3DTranspose(filters: 1, kernelSize: 3, padding: "SAME")
        let again = try Conv3DTranspose(filters: 1, kernelSize: 3, padding: same.padding)
        return try layer(same) == [1, 2, 2, 2, 1] && layer(again) == [1, 2, 2, 2, 1]
            && raises(.valueError) { _ = try Conv3DTranspose(filters: 1, kernelSize: 3, padding: "full") }
    },
    Check("data_format") {
        try layer([1, 1, 2, 2, 2], Conv3DTranspose(filters: 3, kernelSize: 1, dataFormat: "channels_first")) == [1, 3, 2, 2, 2]
            && raises(.valueError) { _ = try Conv3DTranspose(filters: 1, kernelSize: 1, dataFormat: "channels") }
    },
    Check("dilation_rate") {
        try layer(Conv3DTranspose(filters: 1, kernelSize: 2, dilationRate: 2)) == [1, 4, 4, 4, 1]
            && raises(.valueError) { _ = try Conv3DTranspose(filters: 1, kernelSize: 2, strides: 2, dilationRate: 2) }
    },
    Check("activation") {
        let x = try Tensor(shape: [1, 1, 1, 2, 1], [-1, 2])
        func results(_ activation: (any ActivationArgument)?) throws -> [Float] {
            try Conv3DTranspose(filters: 1, kernelSize: 1, activation: activation, kernelInitializer: "ones")(x).floats
        }
        let own = try Conv3DTranspose(
            filters: 1, kernelSize: 1, kernelInitializer: "ones", tensorActivation: { try Tensor(shape: $0.shape, $0.floats.map { $0 * $0 }) })
        return try results("relu") == [0, 2] && results(.relu) == [0, 2] && results(nil) == [-1, 2] && own(x).floats == [1, 4]
            && raises(.valueError) { _ = try results("no such") }
    },
    Check("use_bias") {
        let bare = try Conv3DTranspose(filters: 1, kernelSize: 1, useBias: false)
        try bare.build(inputShape: [1, 1, 1, 1, 1])
        return bare.bias == nil && bare.weights.count == 1
    },
    Check("kernel_initializer") {
        let up = try Conv3DTranspose(filters: 1, kernelSize: 1, kernelInitializer: "ones")
        try up.build(inputShape: [1, 1, 1, 1, 2])
        return up.kernel?.value.floats == [1, 1]
            && raises(.valueError) { _ = try Conv3DTranspose(filters: 1, kernelSize: 1, kernelInitializer: "one and a half") }
    },
    Check("bias_initializer") {
        let up = try Conv3DTranspose(filters: 2, kernelSize: 1, biasInitializer: Constant(3))
        try up.build(inputShape: [1, 1, 1, 1, 2])
        return up.bias?.value.floats == [3, 3]
    },
    Check("kernel_regularizer") {
        let up = try Conv3DTranspose(filters: 1, kernelSize: 1, kernelInitializer: Constant(2), kernelRegularizer: L2(0.5))
        try up.build(inputShape: [1, 1, 1, 1, 1])
        return try up.losses.map(\.value) == [2]
    },
    Check("bias_regularizer") {
        let up = try Conv3DTranspose(filters: 2, kernelSize: 1, biasInitializer: Constant(3), biasRegularizer: L1(0.5))
        try up.build(inputShape: [1, 1, 1, 1, 1])
        return try up.losses.map(\.value) == [3]
    },
    Check("activity_regularizer (argument)") {
        let up = try Conv3DTranspose(filters: 1, kernelSize: 1, kernelInitializer: "ones", activityRegularizer: L1(0.5))
        _ = try up(Ones()([1, 1, 1, 2, 1], .float32))
        return try up.losses.map(\.value) == [1]
    },
    Check("kernel_constraint") {
        let up = try Conv3DTranspose(filters: 1, kernelSize: 1, kernelConstraint: "non_neg")
        try up.build(inputShape: [1, 1, 1, 1, 1])
        return try up.kernel?.constraint?(Tensor([-1, 1])).floats == [0, 1]
    },
    Check("bias_constraint") {
        let up = try Conv3DTranspose(filters: 1, kernelSize: 1, biasConstraint: MaxNorm(2))
        try up.build(inputShape: [1, 1, 1, 1, 1])
        return up.bias?.constraint is MaxNorm
    },

    Check("name (argument)") { try Conv3DTranspose(filters: 1, kernelSize: 1, name: "up").name == "up" },
    Check("trainable") {
        let up = try Conv3DTranspose(filters: 1, kernelSize: 1, trainable: false)
        try up.build(inputShape: [1, 1, 1, 1, 1])
        return up.trainableWeights.isEmpty && up.nonTrainableWeights.count == 2
    },
    Check("dtype (argument)") {
        try Conv3DTranspose(filters: 1, kernelSize: 1, dtype: "float64").dtype == .float64
            && Conv3DTranspose(filters: 1, kernelSize: 1, dtype: .mixedFloat16).dtype == .float32
    },
    Check("input_shape (argument)") {
        try Conv3DTranspose(filters: 1, kernelSize: 1, inputShape: [4, nil, 4, 2]).batchInputShape == [nil, 4, nil, 4, 2]
    },
    Check("batch_input_shape") {
        let up = try Conv3DTranspose(filters: 1, kernelSize: 1, batchInputShape: [7, nil, nil, nil, 2])
        try up.build(inputShape: up.batchInputShape)
        return up.kernel?.shape == [1, 1, 1, 1, 2]
    },
    Check("batch_size") {
        try Conv3DTranspose(filters: 1, kernelSize: 1, inputShape: [4, 4, 4, 2], batchSize: 3).batchInputShape == [3, 4, 4, 4, 2]
    },
    Check("weights (argument)") {
        let weights = [try Tensor(shape: [1, 1, 1, 1, 1], [5]), try Tensor([6])]
        return try Conv3DTranspose(filters: 1, kernelSize: 1, weights: weights)(Ones()([1, 1, 1, 1, 1], .float32)).floats == [11]
    },

    Check("Convolution3DTranspose") { try Convolution3DTranspose(filters: 1, kernelSize: 1).className == "Conv3DTranspose" },
    Check("input shape: five axes, channels last or first") {
        try raises(.valueError) { _ = try layer([1, 2, 2, 1], Conv3DTranspose(filters: 1, kernelSize: 1)) }
            && layer([3, 1, 2, 2, 2], Conv3DTranspose(filters: 2, kernelSize: 1, dataFormat: .channelsFirst)) == [3, 2, 2, 2, 2]
    },
    Check("output shape: batch, new extents, filters") {
        try Conv3DTranspose(filters: 4, kernelSize: 3, strides: 2, padding: .same).computeOutputShape([nil, 5, nil, 6, 2]) == [nil, 10, nil, 12, 4]
    },
]

private func layer(_ up: Conv3DTranspose) throws -> [Int] { try layer([1, 2, 2, 2, 1], up) }
