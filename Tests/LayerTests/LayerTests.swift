import Testing
import VoxKerasConfig
import Voxelsmith
import _TestSupport

/// Construction, names, weights and calls of `Conv3DTranspose` and `Sequential`.
struct LayerTests {
    /// A registry without plugins, so that plugins other tests load are never met here.
    private let kernels = KernelRegistry()

    private func layer(filters: Int = 2, useBias: Bool = true, seed: Int? = nil) throws -> Conv3DTranspose {
        try Conv3DTranspose(
            filters: filters, kernelSize: [1, 2, 3], strides: [2, 1, 3], activation: .relu, useBias: useBias,
            kernelInitializer: GlorotUniform(seed: seed), name: "up", kernels: kernels)
    }

    private func tensor(_ shape: [Int], seed: UInt64) throws -> Tensor {
        var random = SeededRandom(seed: seed)
        return try Tensor(shape: shape, random.reals(shape.reduce(1, *)).map { Float($0) })
    }

    @Test func constructorErrors() {
        let cases: [(String, KerasConfigError, () throws -> Conv3DTranspose)] = [
            ("filters 0", .filters(0), { try Conv3DTranspose(filters: 0, kernelSize: 3) }),
            ("filters negative", .filters(-1), { try Conv3DTranspose(filters: -1, kernelSize: 3) }),
            ("kernel of two", .threeIntegers(argument: "kernel_size", received: "[1, 2]"), { try Conv3DTranspose(filters: 1, kernelSize: [1, 2]) }),
            ("kernel 0", .notPositive(argument: "kernel_size", [1, 0, 1]), { try Conv3DTranspose(filters: 1, kernelSize: [1, 0, 1]) }),
            ("strides 0", .notPositive(argument: "strides", [0, 0, 0]), { try Conv3DTranspose(filters: 1, kernelSize: 1, strides: 0) }),
            ("strides of four", .threeIntegers(argument: "strides", received: "[1, 1, 1, 1]"),
                { try Conv3DTranspose(filters: 1, kernelSize: 1, strides: [1, 1, 1, 1]) }),
            ("dilation 0", .notPositive(argument: "dilation_rate", [1, 0, 1]), { try Conv3DTranspose(filters: 1, kernelSize: 1, dilationRate: [1, 0, 1]) }),
            ("output padding = stride", .outputPadding([2, 1, 1], strides: [2, 2, 2]),
                { try Conv3DTranspose(filters: 1, kernelSize: 3, strides: 2, outputPadding: [2, 1, 1]) }),
            ("output padding negative", .outputPadding([-1, -1, -1], strides: [2, 2, 2]),
                { try Conv3DTranspose(filters: 1, kernelSize: 3, strides: 2, outputPadding: -1) }),
            ("stride and dilation", .stridesWithDilation(strides: [1, 2, 1], dilationRate: [1, 1, 2]),
                { try Conv3DTranspose(filters: 1, kernelSize: 3, strides: [1, 2, 1], dilationRate: [1, 1, 2]) }),
            ("slash in the name", .layerName("a/b"), { try Conv3DTranspose(filters: 1, kernelSize: 3, name: "a/b") }),
            ("slash with an accent", .layerName("a/\u{301}b"), { try Conv3DTranspose(filters: 1, kernelSize: 3, name: "a/\u{301}b") }),
        ]
        for (what, expected, make) in cases { #expect("\(what)", performing: { _ = try make() }, throws: { $0 as? KerasConfigError == expected }) }
        #expect(throws: (any Error).self) { try Conv3DTranspose(filters: 1, kernelSize: 3, activation: .elu(alpha: .nan)) }
    }

    @Test func hyperparametersAreKept() throws {
        let up = try Conv3DTranspose(
            filters: 5, kernelSize: 3, strides: [1, 2, 4], padding: .same, dataFormat: .channelsFirst, outputPadding: [0, 1, 2],
            activation: .gelu(approximate: false), useBias: false, name: "n", dtype: .float64)
        #expect(up.filters == 5 && up.kernelSize == [3, 3, 3] && up.strides == [1, 2, 4] && up.dilationRate == [1, 1, 1])
        #expect(up.padding == .same(outputPadding: [0, 1, 2]) && up.outputPadding == [0, 1, 2])
        #expect(up.dataFormat == .channelsFirst && up.activation == .gelu(approximate: false) && !up.useBias)
        #expect(up.name == "n" && up.dtype == .float64 && up.groups == 1 && up.trainable)
        let plain = try Conv3DTranspose(filters: 1, kernelSize: 1)
        #expect(plain.outputPadding == nil && plain.useBias && plain.activation == .linear && plain.dataFormat == .channelsLast)
    }

    @Test func namesCountAsInKeras3() throws {
        let names = UniqueNames()
        #expect((0..<3).map { _ in names.next(forClass: "Conv3DTranspose") } == ["conv3d_transpose", "conv3d_transpose_1", "conv3d_transpose_2"])
        #expect(names.next(forClass: "Sequential") == "sequential")
        #expect(names.next(forClass: "Conv3D") == "conv3d")
        for (name, expected) in [
            ("Conv3DTranspose", "conv3d_transpose"), ("Conv3D", "conv3d"), ("LeakyReLU", "leaky_re_lu"), ("UpSampling3D", "up_sampling3d"),
            ("BatchNormalization", "batch_normalization"), ("InputLayer", "input_layer"), ("GRU", "gru"),
        ] {
            #expect(UniqueNames.snakeCase(name) == expected)
        }
        let first = try Conv3DTranspose(filters: 1, kernelSize: 1).name
        let second = try Conv3DTranspose(filters: 1, kernelSize: 1).name
        #expect(first.hasPrefix("conv3d_transpose") && second.hasPrefix("conv3d_transpose_") && first != second)
    }

    @Test func buildingCreatesGlorotUniformAndZeros() throws {
        let up = try Conv3DTranspose(filters: 16, kernelSize: 3, kernelInitializer: GlorotUniform(seed: 1), name: "up", kernels: kernels)
        #expect(up.getWeights().isEmpty)
        #expect(throws: LayerError.notBuilt(layer: "up", method: "countParams")) { try up.countParams() }
        try up.build(inputShape: [1, 2, 2, 2, 8])
        #expect(throws: LayerError.alreadyBuilt(layer: "up")) { try up.build(inputShape: [1, 2, 2, 2, 8]) }
        #expect(try up.countParams() == 27 * 16 * 8 + 16)
        let weights = up.getWeights()
        #expect(weights.map(\.shape) == [[3, 3, 3, 16, 8], [16]])
        #expect(weights[1].floats.allSatisfy { $0 == 0 })
        let kernel = weights[0].doubles
        let limit = (6.0 / (27 * 24)).squareRoot()
        #expect(kernel.allSatisfy { abs($0) <= limit })
        // Uniform: variance limit^2 / 3, whose estimate from 3,456 values is within 6 % at more than three standard deviations.
        let mean = kernel.reduce(0, +) / Double(kernel.count)
        let variance = kernel.reduce(0) { $0 + $1 * $1 } / Double(kernel.count)
        #expect(abs(mean) < 0.06 * limit)
        #expect(abs(variance / (limit * limit / 3) - 1) < 0.06)
        let again = try Conv3DTranspose(filters: 16, kernelSize: 3, kernelInitializer: GlorotUniform(seed: 1))
        try again.build(inputShape: [1, 9, 9, 9, 8])
        #expect(again.getWeights()[0].doubles == kernel)
        let other = try Conv3DTranspose(filters: 16, kernelSize: 3, kernelInitializer: GlorotUniform(seed: 2))
        try other.build(inputShape: [1, 9, 9, 9, 8])
        #expect(other.getWeights()[0].doubles != kernel)
    }

    @Test func weightsRoundTripAndAreChecked() throws {
        let up = try layer()
        let x = try tensor([1, 2, 3, 4, 3], seed: 1)
        _ = try up(x)  // builds
        let weights = [try tensor([1, 2, 3, 2, 3], seed: 2), try tensor([2], seed: 3)]
        try up.setWeights(weights)
        #expect(up.getWeights().map(\.floats) == weights.map(\.floats))
        let expected: [(String, LayerError, [Tensor])] = try [
            ("none", .weightCount(layer: "up", received: 0, expected: 2), []),
            ("one", .weightCount(layer: "up", received: 1, expected: 2), [weights[0]]),
            ("wrong kernel", .weightShape(layer: "up", weight: "kernel", received: [1, 2, 3, 3, 2], expected: [1, 2, 3, 2, 3]),
             [Tensor(zeros: [1, 2, 3, 3, 2]), weights[1]]),
            ("wrong bias", .weightShape(layer: "up", weight: "bias", received: [3], expected: [2]), [weights[0], Tensor(zeros: [3])]),
        ]
        let y = try up(x).floats
        for (what, error, list) in expected {
            #expect("\(what)", performing: { try up.setWeights(list) }, throws: { $0 as? LayerError == error })
            #expect(try up(x).floats == y, "\(what) changed the layer")
        }
        // As Keras, it casts values of another type.
        try up.setWeights(weights.map { try $0.cast(to: .float64) })
        #expect(try up.getWeights().map(\.elementType) == [.float32, .float32] && up(x).floats == y)
        #expect(LayerError.weightCount(layer: "up", received: 1, expected: 2).description
            == "You called setWeights on layer \"up\" with a weight list of length 1, but the layer was expecting 2 weights.")
        #expect(LayerError.weightShape(layer: "up", weight: "bias", received: [3], expected: [2]).description
            == "Layer \"up\" weight bias of shape [2] is not compatible with provided weight shape [3].")
    }

    @Test func aPreparedLayerKeepsItsWeights() throws {
        let up = try layer(seed: 7)
        let x = try tensor([2, 2, 3, 4, 3], seed: 1)
        let wide = try tensor([1, 2, 3, 5, 3], seed: 4)
        let before = try up(x).floats
        let held = try up.preparedLayer(inputShape: x.shape)
        _ = try up(wide)  // a second prepared shape
        let weights = [try tensor([1, 2, 3, 2, 3], seed: 2), try tensor([2], seed: 3)]
        try up.setWeights(weights)
        #expect(try held.call(x).floats == before)
        for input in [x, wide] {
            let spec = try up.config.spec(inputShape: input.shape)
            let exact = ScatterOracle.run(
                spec, batch: input.shape[0], input: input.doubles, operand: weights[0].doubles, bias: weights[1].doubles)
            let bounds = ErrorBound.bounds(chain: spec.longestChain + 1, type: .float32, magnitudes: exact.magnitudes)
            let violation = ErrorBound.firstViolation(received: try up(input).doubles, expected: exact.values, bounds: bounds)
            #expect(violation == nil, "\(input.shape)")
        }
        #expect(try up(x).floats != before)
    }

    @Test func weightsArePackedOncePerPackingKey() throws {
        let up = try layer()
        let first = try up.preparedLayer(inputShape: [1, 2, 3, 4, 3])
        let again = try up.preparedLayer(inputShape: [5, 2, 3, 4, 3])  // another batch is the same shape
        #expect(first.packed === again.packed)
        try up.prepare(inputShape: [1, 2, 3, 4, 3])
        #expect(try up.preparedLayer(inputShape: [1, 2, 3, 4, 3]).packed === first.packed)
        try up.setWeights(up.getWeights())
        #expect(try up.preparedLayer(inputShape: [1, 2, 3, 4, 3]).packed !== first.packed)
    }

    @Test func float64LayersCompute() throws {
        let up = try Conv3DTranspose(filters: 2, kernelSize: [2, 1, 3], strides: 2, padding: .same, dtype: .float64, kernels: kernels)
        var random = SeededRandom(seed: 3)
        let x = try Tensor(shape: [2, 2, 3, 4, 3], random.integers(144, limit: 9))
        try up.build(inputShape: x.shape)
        let weights = [try Tensor(shape: [2, 1, 3, 2, 3], random.integers(36, limit: 9)), try Tensor(shape: [2], [1.0, -2])]
        try up.setWeights(weights)
        let exact = ScatterOracle.run(
            try up.config.spec(inputShape: x.shape), batch: 2, input: x.doubles, operand: weights[0].doubles, bias: weights[1].doubles)
        #expect(try up(x).doubles == exact.values)
    }

    @Test func wrongInputsAreRefused() throws {
        let up = try layer()
        try up.build(inputShape: [1, 2, 3, 4, 3])
        #expect(throws: LayerError.inputRank(layer: "up", received: [2, 3, 4, 3], expected: 5)) { try up(Tensor(zeros: [2, 3, 4, 3])) }
        #expect(throws: LayerError.inputChannels(layer: "up", received: [1, 2, 3, 4, 2], axis: 4, expected: 3)) {
            try up(Tensor(zeros: [1, 2, 3, 4, 2]))
        }
        // Keras casts inputs to the type the layer computes in.
        let x = try tensor([1, 2, 3, 4, 3], seed: 5)
        for type in ElementType.allCases where type != .float32 {
            let other = try x.cast(to: type)
            #expect(try up(other).elementType == .float32 && up(other).floats == up(other.cast(to: .float32)).floats, "\(type)")
        }
        #expect(throws: SpecError.self) { try up(Tensor(zeros: [1, 0, 3, 4, 3])) }
        let unbuilt = try layer()
        #expect(throws: LayerError.inputRank(layer: "up", received: [1, 2], expected: 5)) { try unbuilt.build(inputShape: [1, 2]) }
        #expect(!unbuilt.isBuilt)
    }

    @Test func theLayerSaysWhichKernelItUses() throws {
        let up = try Conv3DTranspose(filters: 2, kernelSize: 2, dataFormat: .channelsLast, kernels: kernels)
        #expect(try up.kernelInUse(inputShape: [1, 2, 3, 4, 3]) == "interpreter: no plugin is loaded; channels_last by its argument")
        _ = try up(Tensor(zeros: [0, 2, 3, 4, 3]))
        #expect(try up.kernelInUse(inputShape: [1, 2, 3, 4, 3]) == "interpreter: no plugin is loaded; channels_last by its argument")
        let strict = try Conv3DTranspose(filters: 1, kernelSize: 1, kernels: kernels, kernelMode: .specialized)
        #expect(throws: KernelLookupError.self) { try strict(Tensor(zeros: [1, 1, 1, 1, 1])) }
    }

    @Test func sequentialChainsLayers() throws {
        let first = try Conv3DTranspose(filters: 3, kernelSize: 2, strides: 2, name: "a", kernels: kernels)
        let second = try Conv3DTranspose(filters: 1, kernelSize: [3, 1, 2], name: "b", kernels: kernels)
        let model = try Sequential([first, second], name: "m")
        let x = try tensor([2, 1, 2, 3, 2], seed: 1)
        #expect(!model.isBuilt)
        let y = try model(x)
        #expect(y.shape == [2, 4, 4, 7, 1])
        #expect(y.floats == (try second(first(x))).floats)
        #expect(try model.computeOutputShape([5, 1, 2, 3, 2]) == [5, 4, 4, 7, 1])
        #expect(try model.countParams() == (8 * 3 * 2 + 3) + (6 * 3 + 1))
        try model.setWeights(model.getWeights().map { try Tensor(zeros: $0.shape) })
        #expect(try model(x).floats.allSatisfy { $0 == 0 })
        #expect(throws: LayerError.weightCount(layer: "m", received: 1, expected: 4)) { try model.setWeights([x]) }
        #expect(throws: LayerError.duplicateName("a")) { try Sequential([first, first]) }
        #expect(throws: LayerError.noLayers(model: "empty")) { try Sequential([], name: "empty") }
    }

    @Test func aLayerWithoutForwardPassSaysSo() throws {
        let layer = Layer(name: "bare")
        #expect(throws: LayerError.noForwardPass(layer: "bare")) { try layer(Tensor(zeros: [1])) }
        #expect(throws: LayerError.weightCount(layer: "bare", received: 1, expected: 0)) { try layer.setWeights([Tensor(zeros: [1])]) }
    }
}
