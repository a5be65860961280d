import Testing
import VoxKerasConfig
import Voxelsmith
import _TestSupport

/// Variables, losses, updates, masks, copies: what needs no symbolic tensor.
struct LayerMembersTests {
    private let kernels = KernelRegistry()

    private func up(
        kernelRegularizer: (any Regularizer)? = nil, biasRegularizer: (any Regularizer)? = nil, activityRegularizer: (any Regularizer)? = nil,
        useBias: Bool = true, trainable: Bool = true
    ) throws -> Conv3DTranspose {
        try Conv3DTranspose(
            filters: 2, kernelSize: 1, useBias: useBias, kernelInitializer: Constant(2), biasInitializer: Constant(3),
            kernelRegularizer: kernelRegularizer, biasRegularizer: biasRegularizer, activityRegularizer: activityRegularizer,
            kernelConstraint: NonNeg(), name: "up", trainable: trainable, kernels: kernels)
    }

    private func isError(_ expected: LayerError, _ kind: KerasErrorKind) -> (any Error) -> Bool {
        { ($0 as? LayerError) == expected && ($0 as? any KerasError)?.kerasKind == kind }
    }

    @Test func variablesAreTheKernelAndTheBias() throws {
        let layer = try up(kernelRegularizer: L2(0.5))
        #expect(layer.variables.isEmpty && layer.weights.isEmpty && layer.trainableWeights.isEmpty && layer.nonTrainableWeights.isEmpty)
        try layer.build(inputShape: [1, 1, 1, 1, 3])
        #expect(layer.weights.map(\.name) == ["kernel", "bias"])
        #expect(layer.variables.map(\.path) == ["up/kernel", "up/bias"])
        #expect(layer.weights.map(\.shape) == [[1, 1, 1, 2, 3], [2]])
        #expect(layer.weights.allSatisfy { $0.dtype == .float32 && $0.trainable })
        #expect(layer.weights[0].regularizer is L2 && layer.weights[1].regularizer == nil)
        #expect(layer.weights[0].constraint is NonNeg && layer.weights[1].constraint == nil)
        #expect(layer.weights[1].value.floats == [3, 3])
        #expect(layer.trainableVariables.count == 2 && layer.nonTrainableVariables.isEmpty)
        layer.trainable = false
        #expect(layer.trainableWeights.isEmpty)
        #expect(layer.nonTrainableWeights.map(\.name) == ["kernel", "bias"] && layer.weights.count == 2)
        #expect(try up(useBias: false).weights.isEmpty)
    }

    @Test func assignedVariablesReachTheNextCall() throws {
        let layer = try up()
        let x = try Tensor(shape: [1, 1, 1, 1, 3], [1, 1, 1] as [Float])
        #expect(try layer(x).floats == [9, 9])
        let held = try layer.preparedLayer(inputShape: x.shape)
        try layer.weights[1].assign(Tensor(shape: [2], [0, 1] as [Float]))
        #expect(try layer(x).floats == [6, 7])
        #expect(try held.call(x).floats == [9, 9])
        let bias = layer.weights[1]
        #expect("shape", performing: { try bias.assign(Tensor(zeros: [3])) },
            throws: isError(.weightShape(layer: "up", weight: "bias", received: [3], expected: [2]), .valueError))
        #expect(try layer(x).floats == [6, 7])
        try bias.assign(Tensor(shape: [2], [2, 3] as [Double]))
        #expect(try layer(x).floats == [8, 9] && bias.value.elementType == .float32)
    }

    @Test func addedWeightsAreListedAndKept() throws {
        let layer = try up()
        let mean = try layer.addWeight(name: "mean", shape: [2, 2], initializer: Constant(5), trainable: false)
        #expect(mean.path == "up/mean" && mean.value.floats == [5, 5, 5, 5])
        #expect("twice before it is built", performing: { try layer.addWeight(name: "mean", shape: [2, 2]) },
            throws: isError(.variableExists(layer: "up", variable: "mean", shape: [2, 2]), .valueError))
        try layer.build(inputShape: [1, 1, 1, 1, 3])
        #expect(layer.weights.map(\.name) == ["kernel", "bias", "mean"])
        #expect(layer.nonTrainableWeights.map(\.name) == ["mean"])
        #expect(try layer.addVariable(name: "mean", shape: [2, 2]) === mean)
        for shape in [[-1], [2, -3], [Int.min, 0], [Int.max, Int.max]] {
            #expect("\(shape)", performing: { try layer.addWeight(name: "n", shape: shape) },
                throws: isError(.weightExtents(layer: "up", weight: "n", shape: shape), .valueError))
            #expect("\(shape)", performing: { try layer.addVariable(name: "n", shape: shape) },
                throws: isError(.weightExtents(layer: "up", weight: "n", shape: shape), .valueError))
        }
        let named = try up().addWeight(name: "named", shape: [2], initializer: "ones", regularizer: "l2", constraint: "non_neg")
        #expect(named.value.floats == [1, 1] && named.regularizer is L2 && named.constraint is NonNeg)
        #expect("another shape", performing: { try layer.addVariable(name: "mean", shape: [1]) },
            throws: isError(.variableExists(layer: "up", variable: "mean", shape: [2, 2]), .valueError))
        #expect(try layer.countParams() == 6 + 2 + 4)
        let values = [try Tensor(zeros: [1, 1, 1, 2, 3]), try Tensor(shape: [2], [1, 2] as [Float]), try Tensor(zeros: [2, 2])]
        try layer.setWeights(values)
        #expect(layer.getWeights().map(\.floats) == values.map(\.floats))
        #expect(try layer(Tensor(zeros: [1, 1, 1, 1, 3])).floats == [1, 2])
        let wide = try layer.addWeight(name: "wide", shape: [4, 4], dtype: .float64)
        #expect(wide.dtype == .float64)
        // Glorot uniform, as Keras 3 makes weights without an initializer.
        let limit = (6.0 / 8).squareRoot()
        #expect(wide.value.doubles.allSatisfy { abs($0) <= limit } && Set(wide.value.doubles).count == 16)
        #expect("eager", performing: { try layer.addVariable(name: "r", shape: [1], regularizer: L1(1)) },
            throws: isError(.eagerMode(layer: "up", member: "addVariable with a regularizer"), .runtimeError))
        try layer.addWeight(name: "s", shape: [2], initializer: Ones(), regularizer: L1(1))
        #expect(try layer.losses.map(\.value) == [2])
    }

    @Test func lossesOfAnEagerLayer() throws {
        let layer = try up(kernelRegularizer: L1(0.5), biasRegularizer: L2(2), activityRegularizer: L1(1))
        #expect(try layer.losses.isEmpty)
        try layer.build(inputShape: [1, 1, 1, 1, 3])
        #expect(try layer.losses.map(\.name) == ["kernel", "bias"])
        #expect(try layer.losses.map(\.value) == [6, 36])
        let x = try Tensor(shape: [2, 1, 1, 1, 3], [1, 1, 1, -2, -2, -2] as [Float])
        _ = try layer(x)
        // |9| + |9| + |-9| + |-9| over a batch of two.
        #expect(try layer.losses.map(\.name) == ["activity", "kernel", "bias"])
        #expect(try layer.losses.map(\.value) == [18, 6, 36])
        _ = try layer(Tensor(zeros: [1, 1, 1, 1, 3]))
        #expect(try layer.losses.map(\.value) == [6, 6, 36], "only the latest call counts")
        _ = try layer(Tensor(zeros: [0, 1, 1, 1, 3]))
        #expect(try layer.losses.map(\.value) == [0, 6, 36])
        try layer.weights[1].assign(Tensor(zeros: [2]))
        #expect(try layer.losses.map(\.value) == [0, 6, 0], "computed when asked for")
        layer.trainable = false
        #expect(try layer.losses.map(\.name) == ["activity"])
        layer.activityRegularizer = nil
        _ = try layer(x)
        #expect(try layer.losses.isEmpty)
    }

    @Test func eagerLayersRefuseWhatNeedsAGraph() throws {
        let layer = try up()
        _ = try layer(Tensor(zeros: [1, 1, 1, 1, 3]))
        let update = Update(name: "u") {}
        layer.addUpdate([update])
        #expect(layer.updates.isEmpty)
        let refused: [(String, () throws -> Void)] = [
            ("addLoss", { try layer.addLoss([1]) }),
            ("getLosses(for:)", { _ = try layer.getLosses(for: nil) }),
            ("getUpdates(for:)", { _ = try layer.getUpdates(for: nil) }),
            ("graph", { _ = try layer.graph }),
            ("input", { _ = try layer.input }),
            ("output", { _ = try layer.output }),
            ("input mask", { _ = try layer.inputMask }),
            ("output mask", { _ = try layer.outputMask }),
            ("input shape", { _ = try layer.inputShape }),
            ("output shape", { _ = try layer.outputShape }),
            ("input", { _ = try layer.getInput(at: 0) }),
            ("output", { _ = try layer.getOutput(at: 0) }),
            ("input", { _ = try layer.getInputMask(at: 0) }),
            ("output", { _ = try layer.getOutputMask(at: 0) }),
            ("input shape", { _ = try layer.getInputShape(at: 0) }),
            ("output shape", { _ = try layer.getOutputShape(at: 0) }),
        ]
        for (member, get) in refused {
            #expect("\(member)", performing: { try get() }, throws: isError(.eagerMode(layer: "up", member: member), .runtimeError))
        }
        #expect("Input", performing: { _ = try Input(shape: [1, 1, 1, 3]) }, throws: isError(.inputInEagerMode, .runtimeError))
        let x = try withGraph { try Input(shape: [1, 1, 1, 3]) }
        #expect("a symbolic tensor", performing: { _ = try layer(x) }, throws: isError(.symbolicInEagerMode(layer: "up"), .typeError))
    }

    @Test func unknownExtentsStayUnknown() throws {
        let layer = try Conv3DTranspose(filters: 2, kernelSize: 3, strides: 2, padding: .same, name: "up")
        #expect(try layer.computeOutputShape([nil, nil, 3, nil, 4]) == [nil, nil, 6, nil, 2])
        #expect(try layer.computeOutputShape([7, 1, 2, 3, 4]) == [7, 2, 4, 6, 2])
        let first = try Conv3DTranspose(filters: 2, kernelSize: 3, strides: 2, dataFormat: .channelsFirst)
        #expect(try first.computeOutputShape([nil, 4, nil, 2, nil]) == [nil, 2, nil, 5, nil])
        #expect("channels", performing: { _ = try layer.computeOutputShape([nil, 1, 1, 1, nil]) },
            throws: isError(.unknownChannels(layer: "up", received: [nil, 1, 1, 1, nil], axis: 4), .valueError))
        #expect("rank", performing: { _ = try layer.computeOutputShape([nil, 1, 1, 4]) },
            throws: isError(.inputRank(layer: "up", received: [nil, 1, 1, 4], expected: 5), .valueError))
        try layer.build(inputShape: [1, 1, 1, 1, 4])
        #expect(try layer.computeOutputShape([nil, nil, nil, nil, nil]) == [nil, nil, nil, nil, 2])
    }

    @Test func masksPassThrough() throws {
        let layer = try up()
        let x = try Tensor(zeros: [1, 1, 1, 1, 3])
        #expect(try layer.computeMask([x]) == nil)
        let mask = try Tensor(shape: [1], [1])
        #expect(try layer.computeMask([x], mask: mask)?.floats == [1])
        #expect(try layer.computeMask(x) == nil && layer.computeMask(x, mask: mask)?.floats == [1])
        #expect(try layer.computeMask([x, x], mask: [nil, mask]).map { $0?.floats } == [nil, [1]])
        try withGraph {
            let (a, b) = (try Input(shape: [1, 1, 1, 3]), try Input(shape: [1]))
            #expect(try layer.computeMask(a) == nil && layer.computeMask(a, mask: b) == b && layer.computeMask([a]) == nil)
            #expect(try layer.computeMask([a, a], mask: [b, nil]) == [b, nil])
        }
    }

    @Test func copiesHaveTheirOwnVariables() throws {
        let layer = try up(kernelRegularizer: L1(0.5), activityRegularizer: L1(1))
        let unbuilt = try layer.copy()
        #expect(!unbuilt.isBuilt && unbuilt.name == "up")
        let x = try Tensor(shape: [1, 1, 1, 1, 3], [1, 1, 1] as [Float])
        #expect(try layer.apply(x).floats == [9, 9])
        layer.trainable = false
        let copy = try layer.copy()
        #expect(copy.filters == 2 && copy.name == "up" && copy.isBuilt && !copy.trainable)
        #expect(copy.getWeights().map(\.floats) == layer.getWeights().map(\.floats))
        #expect(zip(copy.weights, layer.weights).allSatisfy { $0.0 !== $0.1 && $0.0.path == $0.1.path })
        try layer.weights[1].assign(Tensor(zeros: [2]))
        #expect(try copy(x).floats == [9, 9])
        #expect(try layer(x).floats == [6, 6])
        try copy.setWeights(copy.getWeights().map { try Tensor(zeros: $0.shape) })
        #expect(try copy(x).floats == [0, 0] && layer(x).floats == [6, 6])
        #expect(try copy.getConfig() == layer.getConfig())
        let model = try Sequential([up()], name: "m")
        _ = try model(x)
        let other = try model.copy()
        #expect(try other.name == "m" && other(x).floats == [9, 9] && other.weights[0] !== model.weights[0])
        #expect("a class that does not say how", performing: { _ = try Layer(name: "bare").copy() },
            throws: isError(.cannotCopy(layer: "bare", className: "Layer"), .runtimeError))
    }

    @Test func scopesBeginWithTheFirstUse() throws {
        let layer = try up()
        #expect("unused", performing: { _ = try layer.scopeName }, throws: isError(.noScope(layer: "up"), .valueError))
        try layer.build(inputShape: [1, 1, 1, 1, 3])
        #expect(try layer.scopeName == "up")
        let scopes = try withGraph {
            try (0..<2).map { _ in
                let layer = try up()
                try layer.addWeight(name: "w", shape: [1])
                return try (layer.name, layer.scopeName, layer.weights[0].path)
            }
        }
        #expect(scopes[0] == ("up", "up", "up/w") && scopes[1] == ("up", "up_1", "up_1/w"))
    }

    @Test func errorsHaveTheKindsOfKeras() throws {
        let layer = try up()
        #expect("unbuilt", performing: { _ = try layer.countParams() }, throws: isError(.notBuilt(layer: "up", method: "countParams"), .valueError))
        #expect("weights", performing: { try layer.setWeights([Tensor(zeros: [1])]) },
            throws: isError(.weightCount(layer: "up", received: 1, expected: 0), .valueError))
        try layer.setWeights([])
        #expect(LayerError.severalNodes(layer: "up", member: "input shape", count: 2).description
            == "The layer \"up\" has multiple inbound nodes (2), hence the notion of \"layer input shape\" is ill-defined; expected getInputShape(at:).")
        #expect(LayerError.inputRank(layer: "up", received: [nil, 2], expected: 5).description
            == "Input of layer \"up\" is incompatible with the layer: expected ndim=5, found ndim=2, full shape received: [nil, 2].")
    }
}
