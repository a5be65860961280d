import Testing
import VoxKerasConfig
import Voxelsmith
import _TestSupport

/// Keras's and TensorFlow's own tests of the layer, with their values, as far as Keras 3.15's rules allow them; those of fewer
/// axes with further axes of one voxel.
struct KerasOwnTests {
    private let kernels = KernelRegistry()

    private func layer(
        _ filters: Int, _ kernelSize: IntOrTriple, _ strides: IntOrTriple = 1, _ padding: KerasPadding = .valid,
        _ outputPadding: IntOrTriple? = nil, dilation: IntOrTriple = 1, format: Layout = .channelsLast, useBias: Bool = true,
        weights: [Tensor]? = nil
    ) throws -> Conv3DTranspose {
        try Conv3DTranspose(
            filters: filters, kernelSize: kernelSize, strides: strides, padding: padding, dataFormat: format,
            outputPadding: outputPadding, dilationRate: dilation, useBias: useBias, weights: weights, kernels: kernels)
    }

    /// Keras 3: test_conv3d_transpose_basic and ConvTransposeCorrectnessTest.test_conv3d_transpose.
    @Test func basicAndCorrectness() throws {
        let table: [(Conv3DTranspose, [Int])] = try [
            (layer(5, 2, 2), [2, 16, 16, 16, 5]), (layer(6, 2, 3, .same, 2), [2, 23, 23, 23, 6]),
            (layer(6, [2, 2, 3], [2, 1, 2]), [2, 16, 9, 17, 6]),
        ]
        var random = SeededRandom(seed: 1)
        for (layer, shape) in table {
            let x = try Tensor(shape: [2, 8, 8, 8, 4], random.reals(2 * 512 * 4).map { Float($0) })
            #expect(try layer.computeOutputShape(x.shape) == shape)
            try layer.build(inputShape: x.shape)
            let weights = try layer.getWeights().map { weight in
            try Tensor(shape: weight.shape, random.reals(weight.elementCount).map { Float($0) })
        }
            #expect(weights.count == 2 && layer.trainableWeights.count == 2 && layer.nonTrainableWeights.isEmpty)
            #expect(try layer.losses.isEmpty && layer.computeMask([x]) == nil)
            try layer.setWeights(weights)
            let y = try layer(x)
            #expect(y.shape == shape)
            let spec = try layer.config.spec(inputShape: x.shape)
            let expected = ScatterOracle.run(
                spec, batch: 2, input: x.doubles, operand: weights[0].doubles, bias: weights[1].doubles)
            let worst = zip(y.doubles, expected.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
            #expect(worst <= 1e-5, "\(shape): \(worst)")
            let again = try Conv3DTranspose(config: layer.getConfig(), kernels: kernels)
            #expect(try again.computeOutputShape(x.shape) == shape)
            var mixed = try layer.getConfig()
            mixed["dtype"] = "mixed_float16"
            let half = try Conv3DTranspose(config: mixed, kernels: kernels)
            #expect(try half(x).elementType == .float16 && half.weights.allSatisfy { $0.dtype == .float32 })
        }
    }

    /// Keras 3: the consistency grid of 1-D layers; x is three ones, the kernel 1, 2, ..., k.
    @Test func consistency() throws {
        var cases = 0
        for k in 1...4 {
            for s in 1...4 {
                for padding in KerasPadding.allCases {
                    for op in [nil] + (1..<max(s, 1)).map(Optional.some) {
                        let kernel = try Tensor(shape: [1, 1, k, 1, 1], (1...k).map { Float($0) })
                        let layer = try self.layer(
                            1, [1, 1, k], [1, 1, s], padding, op.map { [0, 0, $0] }, useBias: false, weights: [kernel])
                        let x = try Tensor(shape: [1, 1, 1, 3, 1], [1, 1, 1] as [Float])
                        // The lengths and the padding before, as Keras's documentation has them.
                        let length: Int
                        switch (padding, op) {
                        case (.valid, nil): length = 3 * s + max(k - s, 0)
                        case (.valid, let op?): length = 2 * s + k + op
                        case (.same, nil): length = 3 * s
                        case (.same, let op?): length = 2 * s + k % 2 + op
                        }
                        let before = padding == .same ? max(0, 2 * s + k - length) / 2 : 0
                        var expected = [Float](repeating: 0, count: length)
                        for i in 0..<3 {
                            for t in 0..<k where expected.indices.contains(i * s + t - before) { expected[i * s + t - before] += Float(t + 1) }
                        }
                        #expect(try layer(x).floats == expected, "k \(k) s \(s) \(padding) \(op.map(String.init) ?? "-")")
                        // Keras 3: the shapes of unknown extents.
                        #expect(try layer.config.outputShape(inputShape: [nil, nil, nil, nil, 1]) == [nil, nil, nil, nil, 1])
                        cases += 1
                    }
                }
            }
        }
        #expect(cases == 80)
    }

    /// Keras 3: test_bad_init_args. Keras 2.2: the invalid ones of its layer test.
    @Test func badArguments() {
        let bad: [(String, () throws -> Conv3DTranspose)] = [
            ("filters 0", { try self.layer(0, 1) }), ("kernel (1, 0)", { try self.layer(2, [1, 0, 1]) }),
            ("strides (1, 0)", { try self.layer(2, 3, [1, 0, 1]) }), ("op = s", { try self.layer(8, 3, 1, .same, 1) }),
            ("s 2 with d (2, 1)", { try self.layer(2, 3, 2, dilation: [2, 1, 1]) }),
            ("kernel (1, 2)", { try self.layer(2, [1, 2]) }), ("strides (1, 2)", { try self.layer(2, 3, [1, 2]) }),
            ("op (0, 3, 3)", { try self.layer(2, 3, [1, 3, 4], .valid, [0, 3, 3]) }),
            ("op (2, 2, 3)", { try self.layer(2, 3, [1, 3, 4], .valid, [2, 2, 3]) }),
            ("s and d 2, 2, 1", { try self.layer(2, 3, [2, 2, 1], dilation: [2, 2, 1]) }),
        ]
        for (what, make) in bad { #expect(throws: KerasConfigError.self, "\(what)") { try make() } }
        let unknownChannels: [Int?] = [nil, 7, 5, 6, nil]
        #expect(throws: SpecError.self) { try layer(2, 3).config.outputShape(inputShape: unknownChannels) }
    }

    /// tf-keras 2: Conv3DTransposeTest; Keras 2.2: its layer test; TensorFlow 1.5: layers/convolutional_test.
    @Test func shapesOfEarlierTests() throws {
        let two = [2, 5, 7, 6, 3]
        let table: [(Conv3DTranspose, input: [Int], output: [Int])] = try [
            (layer(2, 3), two, [2, 7, 9, 8, 2]), (layer(2, 3, 1, .same), two, [2, 5, 7, 6, 2]),
            (layer(2, 3, 2), two, [2, 11, 15, 13, 2]), (layer(2, 3, 2, .valid, 1), two, [2, 12, 16, 14, 2]),
            // tf-keras ignores the dilation and expects 7, 9, 8.
            (layer(2, 3, dilation: 2), two, [2, 9, 11, 10, 2]),
            (layer(2, 3, format: .channelsFirst), [2, 3, 5, 7, 6], [2, 2, 7, 9, 8]),
            (layer(4, 3), [5, 5, 7, 9, 32], [5, 7, 9, 11, 4]), (layer(4, 3, 2, .same), [5, 4, 6, 8, 32], [5, 8, 12, 16, 4]),
            (layer(4, 3, [2, 1, 1], .same), [5, 4, 6, 8, 32], [5, 8, 6, 8, 4]),
            (layer(4, [4, 6, 8], 1, .same), [5, 4, 6, 8, 32], [5, 4, 6, 8, 4]),
        ]
        for (layer, input, output) in table { #expect(try layer.computeOutputShape(input) == output, "\(input)") }
        for format in Layout.allCases {
            for padding in KerasPadding.allCases {
                for (strides, op) in [(1, nil), (1, 0), (2, nil), (2, 0), (2, 1)] as [(Int, Int?)] {
                    let layer = try self.layer(2, 3, IntOrTriple(strides), padding, op.map { IntOrTriple($0) }, format: format)
                    let x = try Tensor(zeros: format.shape(batch: 1, spatial: [3, 2, 4], channels: 3))
                    #expect(try layer(x).shape == layer.computeOutputShape(x.shape), "\(format) \(padding) \(strides)")
                }
            }
        }
        let built = try self.layer(4, 3)
        try built.build(inputShape: [5, 5, 7, 9, 32])
        #expect(built.getWeights().map(\.shape) == [[3, 3, 3, 4, 32], [4]])
        let plain = try layer(4, 3, useBias: false)
        try plain.build(inputShape: [5, 5, 7, 9, 32])
        #expect(plain.getWeights().map(\.shape) == [[3, 3, 3, 4, 32]])
    }

    /// tf-keras 2 and Keras 2.2: conv_utils_test, the rows with less output padding than stride.
    @Test func lengthsOfEarlierTests() throws {
        let table: [(n: Int, s: Int, k: Int, KerasPadding, op: Int?, length: Int)] = [
            (4, 1, 2, .same, nil, 4), (4, 2, 2, .same, nil, 8), (4, 1, 2, .valid, nil, 5), (4, 2, 2, .valid, nil, 8),
            (4, 2, 2, .same, 1, 7), (4, 2, 2, .valid, 1, 9), (224, 1, 7, .same, nil, 224), (224, 2, 7, .same, nil, 448),
            (224, 2, 7, .same, 0, 447), (224, 2, 7, .same, 1, 448), (32, 1, 5, .valid, nil, 36), (32, 2, 5, .valid, nil, 67),
            (32, 2, 5, .valid, 0, 67), (32, 2, 5, .valid, 1, 68),
            // Keras 3: backend_utils_test and ops/nn_test.
            (5, 2, 3, .valid, nil, 11), (5, 2, 3, .same, nil, 10), (5, 2, 3, .valid, 1, 12), (4, 5, 2, .valid, 4, 21),
        ]
        for row in table {
            let layer = try self.layer(1, [1, 1, row.k], [1, 1, row.s], row.3, row.op.map { [0, 0, $0] })
            #expect(try layer.computeOutputShape([1, 1, 1, row.n, 1])[3] == row.length, "\(row)")
        }
    }

    /// TensorFlow: conv3d_transpose_test. All ones: each output counts the products it is made of.
    @Test func countsOfTensorFlow() throws {
        let x = try Ones()([2, 5, 6, 4, 3], .float32)
        let weights = [try Ones()([3, 3, 3, 2, 3], .float32)]
        for (strides, padding, spatial) in [(1, KerasPadding.same, [5, 6, 4]), (2, .same, [10, 12, 8]), (2, .valid, [11, 13, 9])] {
            let y = try layer(2, 3, IntOrTriple(strides), padding, useBias: false, weights: weights)(x)
            #expect(y.shape == [2] + spatial + [2])
            let values = y.doubles
            for index in values.indices {
                var rest = index / 2
                var expected = 3.0
                for extent in spatial.reversed() {
                    let position = rest % extent
                    rest /= extent
                    if strides == 1 {
                        expected *= position == 0 || position == extent - 1 ? 2 : 3
                    } else {
                        // Two inputs meet at inner even places; at the ends one.
                        let margin = padding == .valid ? 1 : 0
                        if position % 2 == 0, position > margin, position < extent - 1 - margin { expected *= 2 }
                    }
                }
                #expect(values[index] == expected, "\(strides) \(padding) \(index)")
            }
        }
    }

    /// Keras 3: ops/nn_test, channels that are not the kernel's.
    @Test func wrongChannelsAreRefused() throws {
        let layer = try self.layer(5, 2, 2)
        try layer.build(inputShape: [2, 4, 4, 4, 3])
        #expect("four channels", performing: { _ = try layer(Tensor(zeros: [2, 4, 4, 4, 4])) },
            throws: { ($0 as? any KerasError)?.kerasKind == .valueError })
    }

    /// tf-keras 2: the regularizers and constraints of Conv3DTransposeTest, its input of unknown extents; Keras 2.2: the layer test
    /// with further arguments.
    @Test func furtherArgumentsOfEarlierTests() throws {
        func regularized(_ strides: IntOrTriple = 1, format: Layout = .channelsLast) throws -> Conv3DTranspose {
            try Conv3DTranspose(
                filters: 3, kernelSize: 3, strides: strides, dataFormat: format, kernelRegularizer: L2(), biasRegularizer: L2(),
                activityRegularizer: L2(), kernelConstraint: MaxNorm(), biasConstraint: MaxNorm(), kernels: kernels)
        }
        let layer = try regularized()
        try layer.build(inputShape: [1, 5, 5, 5, 2])
        #expect(try layer.losses.count == 2)
        _ = try layer(Ones()([1, 5, 5, 5, 2], .float32))
        #expect(try layer.losses.count == 3)
        #expect(layer.weights[0].constraint is MaxNorm && layer.weights[1].constraint is MaxNorm)
        let first = try regularized(2, format: .channelsFirst)
        #expect(try first(Tensor(zeros: [1, 2, 3, 2, 4])).shape == first.computeOutputShape([1, 2, 3, 2, 4]))
        let unknown = try withGraph {
            let x = try Input(shape: [nil, nil, nil, 3])
            return try Model(inputs: [x], outputs: [self.layer(2, 3)(x)])
        }
        #expect(try unknown(Ones()([1, 3, 3, 3, 3], .float32)).shape == [1, 5, 5, 5, 2])
    }

    /// TensorFlow 1.5: the topology tests of losses, updates and nodes.
    @Test func topologyOfEarlierTests() throws {
        try withGraph {
            let layer = try self.layer(2, 1)
            let a = try Input(shape: [2, 2, 2, 1]), b = try Input(shape: [2, 2, 2, 1])
            _ = try (layer(a), layer(b))
            try layer.addLoss([0], inputs: [a])
            try layer.addLoss([1])
            #expect(try layer.getLosses(for: [a]).map(\.value) == [0] && layer.getLosses(for: nil).map(\.value) == [1])
            layer.addUpdate([Update(name: "0") {}], inputs: [a])
            layer.addUpdate([Update(name: "1") {}])
            #expect(try layer.getUpdates(for: [a]).map(\.name) == ["0"] && layer.getUpdates(for: nil).map(\.name) == ["1"])
            #expect(try layer.getInput(at: 0) == a && layer.getInput(at: 1) == b && layer.getOutput(at: 1).nodeIndex == 1)
            #expect(try layer.getInputMask(at: 0) == nil && layer.getInputMask(at: 1) == nil && layer.getOutputMask(at: 1) == nil)
            #expect(throws: LayerError.nodeIndex(layer: layer.name, what: "input", received: 2, count: 2)) { try layer.getInput(at: 2) }
            #expect(try a.layer.input == a && a.layer.getInputs(at: 0) == [a])
        }
    }
}
