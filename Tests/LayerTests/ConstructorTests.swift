import Foundation
import Testing
import VoxKerasConfig
import VoxTensorIO
import Voxelsmith
import _TestSupport

/// Every argument of the constructor: kept, used, and refused where Keras refuses it.
struct ConstructorTests {
    private let kernels = KernelRegistry()

    private func random(_ shape: [Int], seed: UInt64) throws -> Tensor {
        var random = SeededRandom(seed: seed)
        return try Tensor(shape: shape, random.reals(shape.reduce(1, *)).map { Float($0) })
    }

    @Test func argumentsAreKept() throws {
        let layer = try Convolution3DTranspose(
            filters: 5, kernelSize: 3, kernelInitializer: HeNormal(seed: 1), biasInitializer: Constant(2),
            kernelRegularizer: L1(0.5), biasRegularizer: L2(), activityRegularizer: L1L2(l1: 1), kernelConstraint: MaxNorm(),
            biasConstraint: NonNeg(), name: "n", trainable: false, dtype: .float64, inputShape: [nil, 4, 5, 6], batchSize: 7)
        #expect(layer.kernelInitializer is HeNormal && (layer.biasInitializer as? Constant)?.value == 2)
        #expect(layer.kernelRegularizer is L1 && layer.biasRegularizer is L2 && layer.activityRegularizer is L1L2)
        #expect(layer.kernelConstraint is MaxNorm && layer.biasConstraint is NonNeg)
        #expect(layer.name == "n" && !layer.trainable && layer.dtypePolicy == .float64 && layer.dtype == .float64)
        #expect(layer.batchInputShape == [7, nil, 4, 5, 6])
        let plain = try Conv3DTranspose(filters: 1, kernelSize: 1, name: "")
        #expect(plain.name == "" && plain.trainable && plain.kernelInitializer is GlorotUniform && plain.biasInitializer is Zeros)
        #expect(plain.kernelRegularizer == nil && plain.kernelConstraint == nil && plain.batchInputShape == nil)
        #expect(plain.dtypePolicy == .float32 && plain.dataFormat == .channelsLast)
    }

    @Test func inputShapes() throws {
        func shape(_ input: [Int?]?, _ batchInput: [Int?]?, _ batch: Int?, _ format: Layout = .channelsLast) throws -> [Int?]? {
            try Conv3DTranspose(
                filters: 1, kernelSize: 1, dataFormat: format, inputShape: input, batchInputShape: batchInput, batchSize: batch
            ).batchInputShape
        }
        #expect(try shape([1, 2, 3, 4], nil, nil) == [nil, 1, 2, 3, 4])
        #expect(try shape([1, 2, 3, 4], [9, 5, 6, 7, 8], 3) == [9, 5, 6, 7, 8], "batchInputShape wins")
        #expect(try shape(nil, nil, 3) == nil, "batchSize alone says nothing")
        #expect(try shape([4, nil, nil, nil], nil, nil, .channelsFirst) == [nil, 4, nil, nil, nil])
        for bad: [Int?] in [[1, 2, 3], [1, 2, 3, nil], [1, 0, 3, 4], []] {
            #expect(throws: KerasConfigError.self, "\(bad)") { try shape(bad, nil, nil) }
        }
    }

    @Test func weightsAreAssignedWhenBuilt() throws {
        let weights = [try random([1, 1, 2, 3, 2], seed: 1), try random([3], seed: 2)]
        let layer = try Conv3DTranspose(filters: 3, kernelSize: [1, 1, 2], name: "w", weights: weights)
        #expect(layer.getWeights().isEmpty)
        try layer.build(inputShape: [1, 2, 2, 2, 2])
        #expect(layer.getWeights().map(\.floats) == weights.map(\.floats))
        let wrong = try Conv3DTranspose(filters: 3, kernelSize: [1, 1, 2], name: "w", weights: [weights[0]])
        #expect(throws: LayerError.weightCount(layer: "w", received: 1, expected: 2)) { try wrong.build(inputShape: [1, 2, 2, 2, 2]) }
        #expect(!wrong.isBuilt && wrong.getWeights().isEmpty)
    }

    /// Keras takes Glorot uniform for None, for the bias too.
    @Test func noInitializerMeansGlorotUniform() throws {
        let layer = try Conv3DTranspose(filters: 24, kernelSize: 1, kernelInitializer: nil, biasInitializer: nil)
        try layer.build(inputShape: [1, 1, 1, 1, 24])
        for weight in layer.getWeights() {
            let limit = (6.0 / 48).squareRoot()
            #expect(weight.doubles.allSatisfy { abs($0) <= limit } && weight.doubles.contains { abs($0) > limit / 2 })
        }
        #expect(try layer.getConfig()["kernel_initializer"] == .null && layer.getConfig()["bias_initializer"] == .null)
        #expect(try Conv3DTranspose(config: layer.getConfig()).biasInitializer == nil)
    }

    /// Each rule of Keras 3, the value it is broken with, and the exception Keras raises.
    @Test func validationRules() throws {
        func config(_ members: JSONObject) -> JSONObject {
            var config: JSONObject = ["filters": 2, "kernel_size": 3]
            for key in members.keys { config[key] = members[key] }
            return config
        }
        let table: [(String, JSONObject, String, KerasErrorKind)] = [
            ("filters 0", ["filters": 0], "filters 0", .valueError), ("filters -1", ["filters": -1], "filters -1", .valueError),
            ("filters text", ["filters": "4"], "\"4\"", .typeError), ("filters 2.5", ["filters": .number(2.5)], "2.5", .typeError),
            ("filters None", ["filters": nil], "filters", .typeError),
            ("kernel of two", ["kernel_size": [1, 2]], "kernel_size [1, 2]", .valueError),
            ("kernel None", ["kernel_size": nil], "kernel_size", .typeError),
            ("kernel 0", ["kernel_size": [1, 0, 2]], "kernel_size [1, 0, 2]", .valueError),
            ("kernel text", ["kernel_size": "3"], "kernel_size \"3\"", .valueError),
            ("strides of two", ["strides": [1, 2]], "strides [1, 2]", .valueError),
            ("strides 0", ["strides": 0], "strides [0, 0, 0]", .valueError),
            ("strides negative", ["strides": [1, -1, 1]], "strides [1, -1, 1]", .valueError),
            ("dilation 0", ["dilation_rate": 0], "dilation_rate [0, 0, 0]", .valueError),
            ("padding full", ["padding": "full"], "padding \"full\"", .valueError),
            ("padding causal", ["padding": "causal"], "padding \"causal\"", .valueError),
            ("data format", ["data_format": "channels_middle"], "data_format \"channels_middle\"", .valueError),
            ("output padding = stride", ["output_padding": 1], "output_padding [1, 1, 1]", .valueError),
            ("output padding negative", ["output_padding": -1, "strides": 2], "output_padding [-1, -1, -1]", .valueError),
            (
                "stride with dilation", ["strides": [1, 2, 1], "dilation_rate": [2, 1, 1]],
                "strides [1, 2, 1] with dilation_rate [2, 1, 1]", .valueError
            ),
            ("activation", ["activation": "foo"], "\"foo\"", .valueError), ("activation number", ["activation": 3], "3", .valueError),
            ("threshold by name", ["activation": "threshold"], "\"threshold\"", .typeError),
            ("kernel initializer", ["kernel_initializer": "foo"], "initializer identifier: \"foo\"", .valueError),
            ("bias regularizer", ["bias_regularizer": "l1_l2"], "regularizer identifier: \"l1_l2\"", .valueError),
            ("constraint", ["kernel_constraint": "foo"], "constraint identifier: \"foo\"", .valueError),
            ("groups", ["groups": 2, "dilation_rate": 1], "groups 2", .valueError),
            ("unknown keyword", ["bogus": 1], "\"bogus\"", .valueError), ("dtype", ["dtype": "int8"], "\"int8\"", .valueError),
            ("name", ["name": "a/b"], "\"a/b\"", .valueError), ("trainable", ["trainable": "yes"], "\"yes\"", .typeError),
            ("use_bias", ["use_bias": "yes"], "\"yes\"", .typeError),
        ]
        for (what, members, value, kind) in table {
            do {
                _ = try Conv3DTranspose(config: config(members))
                Issue.record("\(what) was accepted")
            } catch let error as any KerasError {
                #expect(error.kerasKind == kind, "\(what): \(error)")
                #expect(error.description.contains(value), "\(what): \(error)")
                #expect(error.description.hasSuffix("."), "\(what): \(error)")
            }
        }
        // In any case of letters, as in Keras.
        let upper = try Conv3DTranspose(config: config(["padding": "SAME", "data_format": "Channels_First"]))
        #expect(upper.padding == .same(outputPadding: nil) && upper.dataFormat == .channelsFirst)
    }

    /// Values are rounded to the 16-bit format where Keras keeps or computes in it, once each.
    @Test func sixteenBitTypes() throws {
        func float16(_ x: Float) -> Float { Float(Float16(x)) }
        func bfloat16(_ x: Float) -> Float {
            // To even, by way of the neighbours.
            let low = Float(bitPattern: x.bitPattern & 0xffff_0000)
            let high = Float(bitPattern: (x.bitPattern & 0xffff_0000) &+ 0x1_0000)
            if abs(x - low) != abs(high - x) { return abs(x - low) < abs(high - x) ? low : high }
            return low.bitPattern >> 16 & 1 == 0 ? low : high
        }
        let x = try random([2, 2, 3, 2, 3], seed: 5)
        let weights = [try random([2, 1, 2, 4, 3], seed: 6), try random([4], seed: 7)]
        let table: [(DTypePolicy, variable: (Float) -> Float, compute: (Float) -> Float, names: (String, String))] = [
            (.float16, float16, float16, ("float16", "float16")), (.bfloat16, bfloat16, bfloat16, ("bfloat16", "bfloat16")),
            (.mixedFloat16, { $0 }, float16, ("float32", "float16")), (.mixedBfloat16, { $0 }, bfloat16, ("float32", "bfloat16")),
        ]
        for (policy, variable, compute, names) in table {
            func make(_ dtype: DTypePolicy, _ weights: [Tensor]) throws -> Conv3DTranspose {
                try Conv3DTranspose(
                    filters: 4, kernelSize: [2, 1, 2], strides: 2, activation: .tanh, name: "half", dtype: dtype, weights: weights,
                    kernels: kernels)
            }
            func mapped(_ tensor: Tensor, _ function: (Float) -> Float) throws -> Tensor {
                try Tensor(shape: tensor.shape, tensor.floats.map(function))
            }
            let layer = try make(policy, weights)
            let y = try layer(x)
            #expect(y.elementType == policy.computeType && y.byteCount == 2 * y.elementCount)
            #expect(layer.dtype == policy.variableType && layer.weights.allSatisfy { $0.value.elementType == policy.variableType })
            let rounded = try weights.map { try mapped($0, compute) }
            let expected = try mapped(make(.float32, rounded)(mapped(x, compute)), compute)
            #expect(y.floats == expected.floats, "\(policy)")
            #expect(try y.floats != make(.float32, weights)(x).floats, "\(policy)")
            #expect(try layer.getWeights().map(\.floats) == weights.map { try mapped($0, variable).floats }, "\(policy)")
            #expect((policy.variableDType, policy.computeDType) == names)
            #expect(try layer.getConfig()["dtype"]?.object?["config"] == ["name": .string(policy.rawValue)])
            #expect(try Conv3DTranspose(config: layer.getConfig()).dtypePolicy == policy)
            #expect(throws: ArgumentError.self) { try layer.preparedLayer(inputShape: x.shape) }
        }
        // What Keras computed; its sums are rounded on the way, to no more than the type has.
        let file = try NPZFile(path: Fixture.layer("half.npz"))
        for (policy, epsilon) in [(DTypePolicy.float16, 0x1p-10), (.mixedFloat16, 0x1p-10), (.bfloat16, 0x1p-7), (.mixedBfloat16, 0x1p-7)] {
            let layer = try Conv3DTranspose(
                filters: 3, kernelSize: [2, 3, 2], strides: 2, padding: .same, activation: .tanh, dtype: policy,
                weights: [file.tensor("\(policy.rawValue)/kernel"), file.tensor("\(policy.rawValue)/bias")], kernels: kernels)
            let ours = try layer(file.tensor("\(policy.rawValue)/x"))
            let theirs = try file.tensor("\(policy.rawValue)/y")
            #expect(ours.shape == theirs.shape)
            let worst = zip(ours.doubles, theirs.doubles).reduce(0) { max($0, abs($1.0 - $1.1)) }
            #expect(worst <= 4 * epsilon, "\(policy): \(worst)")
        }
        let extremes = try Tensor(shape: [5], [70000, -70000, 1e-9, .nan, 0x1.fffp127] as [Float])
        let ones = try Conv3DTranspose(
            filters: 1, kernelSize: 1, kernelInitializer: Ones(), dtype: .float16, kernels: kernels)
        let y = try ones(extremes.reshaped(to: [1, 5, 1, 1, 1])).floats
        #expect(y[0] == .infinity && y[1] == -.infinity && y[2] == 0 && y[3].isNaN)
        let brain = try Conv3DTranspose(
            filters: 1, kernelSize: 1, kernelInitializer: Ones(), dtype: .bfloat16, kernels: kernels)
        #expect(try brain(extremes.reshaped(to: [1, 5, 1, 1, 1])).floats[4] == .infinity)
    }

    /// The gated linear unit halves the channels; what computeOutputShape says agrees, unlike Keras's.
    @Test func activationsAfterTheKernel() throws {
        let x = try random([1, 2, 3, 2, 3], seed: 5)
        let weights = [try random([1, 1, 1, 4, 3], seed: 6), try random([4], seed: 7)]
        func make(_ activation: Activation, own: (any TensorActivation)? = nil, format: Layout = .channelsLast) throws -> Conv3DTranspose {
            try Conv3DTranspose(
                filters: 4, kernelSize: 1, dataFormat: format, activation: activation, name: "a", weights: weights,
                tensorActivation: own, kernels: kernels)
        }
        let sums = try make(.linear)(x)
        let gated = try make(.glu())
        let y = try gated(x)
        #expect(try y.shape == [1, 2, 3, 2, 2] && gated.computeOutputShape(x.shape) == y.shape)
        for index in 0..<y.elementCount {
            let (voxel, channel) = (index / 2, index % 2)
            let (a, b) = (sums.doubles[voxel * 4 + channel], sums.doubles[voxel * 4 + 2 + channel])
            #expect(abs(y.doubles[index] - a / (1 + exp(-b))) < 1e-6)
        }
        #expect(throws: ArgumentError.notOnlyAKernel(layer: "a", reason: "its activation glu follows the kernel")) {
            try gated.preparedLayer(inputShape: x.shape)
        }
        #expect(throws: SpecError.oddExtent(axis: 2, 3)) { try make(.glu(axis: 2))(x) }
        let softmax = try make(.alongAxis(.softmax, axis: 2))(x).doubles
        for column in 0..<8 {
            for plane in 0..<2 { #expect(abs((0..<3).reduce(0) { $0 + softmax[(plane * 3 + $1) * 8 + column] } - 1) < 1e-6) }
        }
        let own = try make(.relu, own: Cube(scale: 2))
        #expect(try own(x).floats == sums.floats.map { 2 * $0 * $0 * $0 })
        #expect(own.activation == .linear && own.tensorActivation is Cube)
        let objects = CustomObjects()
        objects.register(activation: "Cube") { config in
            guard case .number(let scale)? = config["scale"] else { return Cube(scale: 1) }
            return Cube(scale: Float(scale))
        }
        let config = try JSONValue(parsing: JSONValue.object(own.getConfig()).text.utf8).object ?? [:]
        #expect((try Conv3DTranspose(config: config, objects: objects).tensorActivation as? Cube)?.scale == 2)
        #expect(throws: KerasConfigError.self) { try Conv3DTranspose(config: config, objects: CustomObjects()) }
    }

    private struct Cube: TensorActivation {
        let scale: Float
        func getConfig() -> JSONObject { ["scale": .number(Double(scale))] }
        func callAsFunction(_ x: Tensor) throws -> Tensor { try Tensor(shape: x.shape, x.floats.map { scale * $0 * $0 * $0 }) }
    }
}
