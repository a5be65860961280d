import Testing
import VoxKerasConfig
import VoxLayerSpec
import Voxelsmith
import _TestSupport

/// Arguments as Keras takes them: names, numbers, objects of other layers.
struct TypedAsInKerasTests {
    @Test func namesMeanTheirObjects() throws {
        let up = try Conv3DTranspose(
            filters: 2, kernelSize: 3, padding: "SAME", dataFormat: "channels_first", activation: "relu", kernelInitializer: "he_normal",
            biasInitializer: "ones", kernelRegularizer: "l2", biasRegularizer: "l1", activityRegularizer: "l1l2", kernelConstraint: "max_norm",
            biasConstraint: "non_neg", dtype: "mixed_float16")
        #expect(up.padding == .same(outputPadding: nil) && up.dataFormat == .channelsFirst && up.activation == .relu)
        #expect(up.kernelInitializer is HeNormal && up.biasInitializer is Ones && up.kernelRegularizer is L2 && up.biasRegularizer is L1)
        #expect(up.activityRegularizer is L1L2 && up.kernelConstraint is MaxNorm && up.biasConstraint is NonNeg)
        #expect(up.dtypePolicy == .mixedFloat16)
        let typed = try Conv3DTranspose(
            filters: 2, kernelSize: 3, padding: .same, dataFormat: .channelsFirst, activation: .relu, name: up.name, dtype: .mixedFloat16)
        #expect(typed.config == up.config && typed.dtypePolicy == up.dtypePolicy)
        let forward = try Conv3D(filters: 2, kernelSize: 3, padding: "same", activation: "softmax", kernelInitializer: "zeros")
        #expect(forward.activation == .softmax && forward.kernelInitializer is Zeros)
        // Every name of Keras's, and its own case.
        for name in ActivationNames.all {
            let layer = try Conv3DTranspose(filters: 2, kernelSize: 1, activation: name)
            #expect(try layer.activation == ActivationNames.activation(named: name), "\(name)")
        }
        for (name, policy) in zip(DTypePolicy.allCases.map(\.rawValue), DTypePolicy.allCases) {
            #expect(try Conv3DTranspose(filters: 1, kernelSize: 1, dtype: name).dtypePolicy == policy)
        }
    }

    @Test func casesAreThoseOfTheirTypes() throws {
        let pairs: [(any ActivationArgument, Activation)] = [
            (.linear, .linear), (.relu, .relu), (.relu6, .relu6), (.elu(alpha: 2), .elu(alpha: 2)), (.celu(alpha: 2), .celu(alpha: 2)),
            (.rectified(negativeSlope: 1, maximum: 2, threshold: 3), .rectified(negativeSlope: 1, maximum: 2, threshold: 3)),
            (.selu, .selu), (.softplus, .softplus), (.softsign, .softsign), (.tanh, .tanh), (.sigmoid, .sigmoid), (.logSigmoid, .logSigmoid),
            (.hardSigmoid(slope: 0.2), .hardSigmoid(slope: 0.2)), (.sparseSigmoid, .sparseSigmoid), (.hardSilu, .hardSilu),
            (.hardTanh, .hardTanh), (.hardShrink(threshold: 1), .hardShrink(threshold: 1)), (.softShrink(threshold: 1), .softShrink(threshold: 1)),
            (.tanhShrink, .tanhShrink), (.exponential, .exponential), (.leakyRelu(slope: 0.1), .leakyRelu(slope: 0.1)),
            (.gelu(approximate: true), .gelu(approximate: true)), (.silu, .silu), (.mish, .mish), (.sparsePlus, .sparsePlus),
            (.squareplus(b: 2), .squareplus(b: 2)), (.threshold(1, value: 2), .threshold(1, value: 2)), (.softmax, .softmax),
            (.logSoftmax, .logSoftmax), (.sparsemax, .sparsemax), (.glu(), .glu()), (.alongAxis(.glu, axis: 1), .alongAxis(.glu, axis: 1)),
        ]
        for (argument, activation) in pairs { #expect(try argument.resolvedActivation().activation == activation, "\(activation)") }
        // Without parameters they are what Keras means by the name.
        let named: [(any ActivationArgument, String)] = [
            (.elu, "elu"), (.celu, "celu"), (.gelu, "gelu"), (.leakyRelu, "leaky_relu"), (.hardSigmoid, "hard_sigmoid"), (.hardShrink, "hard_shrink"),
            (.softShrink, "soft_shrink"), (.squareplus, "squareplus"), (.swish, "swish"), (.hardSwish, "hard_swish"),
        ]
        for (argument, name) in named { #expect(try argument.resolvedActivation().activation == ActivationNames.activation(named: name), "\(name)") }
        #expect(try Conv3DTranspose(filters: 1, kernelSize: 1, activation: .gelu).activation == .gelu(approximate: false))
        // None is forgotten: names of the samples' kinds all occur above.
        #expect(Set(pairs.map(\.1.name)).isSuperset(of: Activation.samples.map(\.name)))
        let paddings: [any PaddingArgument] = [.valid, .same]
        #expect(try paddings.map { try $0.resolvedPadding().padding } == [.valid, .same])
        let layouts: [any LayoutArgument] = [.channelsLast, .channelsFirst]
        #expect(try layouts.map { try $0.resolvedLayout() } == [.channelsLast, .channelsFirst])
        let policies: [any DTypeArgument] = [.float32, .float64, .float16, .bfloat16, .mixedFloat16, .mixedBfloat16]
        #expect(try policies.map { try $0.resolvedDType() } == DTypePolicy.allCases)
    }

    @Test func weightsInputsAndScalingTakeNamesToo() throws {
        let up = try Conv3DTranspose(filters: 1, kernelSize: 1, activation: nil, name: "up", tensorActivation: { $0 })
        #expect(up.tensorActivation is FunctionActivation && up.activation == .linear)
        let type = ElementType.float16
        for (name, dtype) in [("named", "float64"), ("typed", .float64), ("value", type), ("none", nil)] as [(String, (any DTypeArgument)?)] {
            let expected: ElementType = name == "none" ? .float32 : name == "value" ? type : .float64
            #expect(try up.addWeight(name: name, shape: [1], dtype: dtype).dtype == expected, "\(name)")
        }
        #expect(try up.addVariable(name: "variable", shape: [1], dtype: "bfloat16").dtype == .bfloat16)
        #expect(try withGraph { try Input(shape: [1], dtype: "float16").dtype } == .float16)
        #expect("a type of two", performing: { try up.addWeight(name: "mixed", shape: [1], dtype: "mixed_float16") },
            throws: { ($0 as? ArgumentError)?.kerasKind == .valueError && "\($0)".contains("float32") })
        #expect(throws: KerasConfigError.self) { try up.addWeight(name: "unknown", shape: [1], dtype: "int8") }
        let scaling = try VarianceScaling(scale: 2, mode: "fan_avg", distribution: "uniform")
        #expect(scaling.mode == .fanAverage && scaling.distribution == .uniform)
        #expect(try VarianceScaling(mode: "fan_out").mode == .fanOut && VarianceScaling().mode == .fanIn)
        #expect(throws: ArgumentError.self) { try VarianceScaling(mode: "fan") }
    }

    @Test func unknownNamesAreErrorsThatListTheKnown() throws {
        func sentence(_ make: () throws -> Void) -> (String, KerasErrorKind?) {
            do { try make() } catch { return ("\(error)", (error as? any KerasError)?.kerasKind) }
            return ("nothing", nil)
        }
        let refused: [(String, String, () throws -> Void)] = [
            ("padding", "\"valid\" or \"same\"", { _ = try Conv3DTranspose(filters: 1, kernelSize: 1, padding: "full") }),
            ("activation", "relu", { _ = try Conv3DTranspose(filters: 1, kernelSize: 1, activation: "rely") }),
            ("initializer", "glorot_uniform", { _ = try Conv3DTranspose(filters: 1, kernelSize: 1, kernelInitializer: "glorot") }),
            ("initializer", "zeros", { _ = try Conv3D(filters: 1, kernelSize: 1, biasInitializer: "nought") }),
            ("regularizer", "l2", { _ = try Conv3DTranspose(filters: 1, kernelSize: 1, kernelRegularizer: "l3") }),
            ("regularizer", "l2", { _ = try Conv3DTranspose(filters: 1, kernelSize: 1, biasRegularizer: "L") }),
            ("regularizer", "l2", { _ = try Conv3DTranspose(filters: 1, kernelSize: 1, activityRegularizer: "") }),
            ("constraint", "max_norm", { _ = try Conv3DTranspose(filters: 1, kernelSize: 1, kernelConstraint: "maximum") }),
            ("constraint", "non_neg", { _ = try Conv3DTranspose(filters: 1, kernelSize: 1, biasConstraint: "neg") }),
            ("format", "channels_first", { _ = try Conv3DTranspose(filters: 1, kernelSize: 1, dataFormat: "NCDHW") }),
            ("float8", "float32", { _ = try Conv3DTranspose(filters: 1, kernelSize: 1, dtype: "float8") }),
        ]
        for (what, known, make) in refused {
            let (text, kind) = sentence(make)
            #expect(text.contains(what) && text.contains(known), "\(text)")
            #expect(kind == .valueError || kind == .typeError, "\(text)")
        }
    }

    @Test func numbersAndTheArgumentsOfOtherLayersPass() throws {
        let (k, s) = (3, [2, 1, 2])
        let first = try Conv3DTranspose(
            filters: 2, kernelSize: k, strides: s, padding: .same, outputPadding: [1, 0, 1], dilationRate: IntOrTriple(1), activation: nil)
        #expect(first.kernelSize == [3, 3, 3] && first.strides == [2, 1, 2] && first.activation == .linear)
        let second = try Conv3DTranspose(
            filters: first.filters, kernelSize: first.kernelSize, strides: first.strides, padding: first.padding, dataFormat: first.dataFormat,
            dilationRate: first.dilationRate, activation: first.activation, kernelInitializer: first.kernelInitializer,
            kernelRegularizer: first.kernelRegularizer, name: first.name, dtype: first.dtype)
        #expect(second.config == first.config && second.outputPadding == [1, 0, 1])
        #expect(throws: KerasConfigError.self) { try Conv3DTranspose(filters: 1, kernelSize: [k, k]) }
        #expect(throws: KerasConfigError.self) { try Conv3DTranspose(filters: 1, kernelSize: 0) }
        let onnx = PaddingRule.explicit(begin: [0, 0, 0], end: [0, 0, 0], outputPadding: [0, 0, 0])
        #expect(throws: KerasConfigError.self) { try Conv3DTranspose(filters: 1, kernelSize: 1, padding: onnx) }
        #expect(first.kernel == nil && first.bias == nil)
        try first.build(inputShape: [nil, nil, nil, nil, 5])
        #expect(first.kernel?.shape == [3, 3, 3, 2, 5] && first.bias === first.weights[1])
    }

    @Test func shapesWithUnknownExtentsBuild() throws {
        let stated = try Conv3DTranspose(filters: 1, kernelSize: 2, batchInputShape: [nil, nil, 4, nil, 3])
        try stated.build(inputShape: stated.batchInputShape)
        #expect(stated.kernel?.shape == [2, 2, 2, 1, 3])
        let extents: [Int?] = [nil, 3, nil, 3, 2]
        let chain = try Sequential([Conv3DTranspose(filters: 1, kernelSize: 2)])
        try chain.build(inputShape: extents)
        #expect(chain.inputs[0].shape == extents)
        let none = try Conv3DTranspose(filters: 1, kernelSize: 2, name: "none")
        #expect(throws: LayerError.noInputShape(layer: "none")) { try none.build(inputShape: none.batchInputShape) }
        #expect(throws: LayerError.unknownChannels(layer: "none", received: [1, 1, 1, 1, nil], axis: 4)) {
            try none.build(inputShape: [1, 1, 1, 1, nil])
        }
        #expect(LayerError.noInputShape(layer: "none").kerasKind == .valueError && !none.isBuilt)
        #expect(throws: LayerError.alreadyBuilt(layer: stated.name)) { try stated.build(inputShape: stated.batchInputShape) }
    }

    @Test func closuresAreActivations() throws {
        let ones = try Ones()([1, 1, 1, 1, 1], .float32)
        func layer(_ activation: any TensorActivation) throws -> Conv3DTranspose {
            try Conv3DTranspose(filters: 1, kernelSize: 1, kernelInitializer: Constant(3), tensorActivation: activation)
        }
        let direct = try Conv3DTranspose(
            filters: 1, kernelSize: 1, kernelInitializer: Constant(3), tensorActivation: { try Tensor(shape: $0.shape, $0.floats.map { $0 * $0 }) })
        #expect(try direct(ones).floats == [9] && direct.copy()(ones).floats == [9])
        let forward = try Conv3D(filters: 1, kernelSize: 1, kernelInitializer: Constant(3), tensorActivation: { try Tensor(shape: $0.shape, [1]) })
        #expect(try forward(ones).floats == [1])
        let named = FunctionActivation(name: "negate") { try Tensor(shape: $0.shape, $0.floats.map { -$0 }) }
        #expect(try layer(named)(ones).floats == [-3])
        #expect(try layer(named).getConfig()["activation"]?.object?["registered_name"] == "Custom>negate")
        // As `activation` too, and by its name once it is registered.
        #expect(try Conv3DTranspose(filters: 1, kernelSize: 1, activation: named, kernelInitializer: "ones")(ones).floats == [-1])
        CustomObjects.shared.register(activation: "typed as in keras") { _ in named }
        #expect(try Conv3DTranspose(filters: 1, kernelSize: 1, activation: "typed as in keras", kernelInitializer: "ones")(ones).floats == [-1])
    }

    @Test func everyWayOfCalling() throws {
        let x = try Ones()([1, 1, 1, 2, 1], .float32)
        let up = try Conv3DTranspose(filters: 1, kernelSize: 1, kernelInitializer: Constant(2), name: "up")
        #expect(try up.apply([x])[0].floats == [2, 2] && up.apply(x, threads: 1).floats == [2, 2] && up.call(x).floats == [2, 2])
        #expect(try up.call([x])[0].floats == [2, 2] && up([x])[0].floats == [2, 2])
        try withGraph {
            let up = try Conv3DTranspose(filters: 1, kernelSize: 1, activityRegularizer: "l1", name: "up")
            let a = try Input(shape: [1, 1, 2, 1])
            #expect(try up.apply([a])[0].shape == [nil, 1, 1, 2, 1] && up.losses.count == 1)
            #expect(try up.call(a).nodeIndex == 1 && up.call([a])[0].nodeIndex == 2 && up.losses.count == 1)
        }
    }

    @Test func layersArePrintedWithNameAndClass() throws {
        final class Halver: Conv3DTranspose {}
        let layer = try Halver(filters: 1, kernelSize: 1, name: "h")
        #expect("\(layer)" == "<Halver name=h, built=false>")
        try layer.build(inputShape: [1, 1, 1, 1, 2])
        #expect("\(layer)" == "<Halver name=h, built=true>")
        #expect(layer.kernel.map { "\($0)" } == "<Variable path=h/kernel, shape=[1, 1, 1, 1, 2], dtype=float32>")
        let x = try withGraph { try Input(shape: [nil, 2], name: "x") }
        #expect("\(x)" == "<SymbolicTensor shape=[nil, nil, 2], dtype=float32, layer=x>")
    }
}
