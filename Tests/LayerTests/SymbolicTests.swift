import Testing
import VoxKerasConfig
import Voxelsmith
import _TestSupport

/// Calls on symbolic tensors: nodes, shapes, losses and updates by input, modes.
struct SymbolicTests {
    private func up(name: String = "up", activityRegularizer: (any Regularizer)? = nil) throws -> Conv3DTranspose {
        try Conv3DTranspose(
            filters: 3, kernelSize: 2, strides: 2, kernelInitializer: Ones(), kernelRegularizer: L1(1),
            activityRegularizer: activityRegularizer, name: name, kernels: KernelRegistry())
    }

    private func isError(_ expected: LayerError, _ kind: KerasErrorKind) -> (any Error) -> Bool {
        { ($0 as? LayerError) == expected && ($0 as? any KerasError)?.kerasKind == kind }
    }

    @Test func inputsAreTensorsWithoutValues() throws {
        try withGraph {
            let x = try Input(shape: [4, nil, 2, 3], batchSize: 7, name: "x", dtype: .float64)
            #expect(x.shape == [7, 4, nil, 2, 3] && x.dtype == .float64 && x.layer.name == "x")
            #expect(x.nodeIndex == 0 && x.tensorIndex == 0)
            // An input layer has one node, whose inputs are its outputs.
            #expect(try x.layer.input == x && x.layer.output == x && x.layer.inputShape == x.shape)
            #expect(try Input(shape: [1]).shape == [nil, 1])
            #expect("extent 0", performing: { _ = try Input(shape: [0, 1]) }, throws: isError(.inputExtent(received: [nil, 0, 1]), .valueError))
            #expect(try x.layer.getConfig()["batch_shape"] == [7, 4, nil, 2, 3])
        }
    }

    @Test func oneCallMakesOneNode() throws {
        try withGraph {
            let layer = try up()
            let refused: [(String, () throws -> Void)] = [
                ("input", { _ = try layer.input }), ("output", { _ = try layer.output }), ("input mask", { _ = try layer.inputMask }),
                ("output mask", { _ = try layer.outputMask }), ("input shape", { _ = try layer.inputShape }),
                ("output shape", { _ = try layer.outputShape }),
            ]
            for (member, get) in refused {
                #expect("\(member)", performing: { try get() }, throws: isError(.notConnected(layer: "up", member: member), .attributeError))
            }
            #expect("never called", performing: { _ = try layer.getInput(at: 0) },
                throws: isError(.neverCalled(layer: "up", what: "input"), .runtimeError))
            let x = try Input(shape: [4, nil, 2, 5])
            let y = try layer(x)
            #expect(layer.isBuilt && layer.weights[0].shape == [2, 2, 2, 3, 5])
            #expect(y.shape == [nil, 8, nil, 4, 3] && y.layer === layer && y.nodeIndex == 0 && y.tensorIndex == 0)
            #expect(try layer.input == x && layer.output == y)
            #expect(try layer.inputShape == x.shape && layer.outputShape == y.shape)
            #expect(try layer.inputMask == nil && layer.outputMask == nil)
            // A call on values computes and makes no node.
            #expect(try layer(Tensor(zeros: [1, 1, 1, 1, 5])).shape == [1, 2, 2, 2, 3])
            #expect(try layer.getInput(at: -1) == x)
            #expect("node 1", performing: { _ = try layer.getInput(at: 1) },
                throws: isError(.nodeIndex(layer: "up", what: "input", received: 1, count: 1), .valueError))
        }
    }

    @Test func severalCallsAreAskedForByIndex() throws {
        try withGraph {
            let layer = try up()
            let a = try Input(shape: [4, 4, 4, 5]), b = try Input(shape: [4, 4, 4, 5]), c = try Input(shape: [1, 1, 1, 5])
            let (ya, yb) = (try layer(a), try layer.apply(b))
            #expect(try layer.getInput(at: 0) == a && layer.getInput(at: 1) == b && layer.getInputs(at: -2) == [a])
            #expect(try layer.getOutput(at: 0) == ya && layer.getOutput(at: 1) == yb && layer.getOutputs(at: 1) == [yb] && ya != yb)
            for (member, get) in [("input", { _ = try layer.input }), ("output", { _ = try layer.output })] as [(String, () throws -> Void)] {
                #expect("\(member)", performing: { try get() },
                    throws: isError(.severalNodes(layer: "up", member: member, count: 2), .attributeError))
            }
            #expect(try layer.inputShape == [nil, 4, 4, 4, 5] && layer.outputShape == [nil, 8, 8, 8, 3], "equal shapes are well defined")
            _ = try layer(c)
            for (member, get) in [("input shape", { _ = try layer.inputShape }), ("output shape", { _ = try layer.outputShape })]
                as [(String, () throws -> Void)]
            {
                #expect("\(member)", performing: { try get() },
                    throws: isError(.severalNodes(layer: "up", member: member, count: 3), .attributeError))
            }
            #expect(try layer.getInputShape(at: 2) == [nil, 1, 1, 1, 5] && layer.getOutputShape(at: -1) == [nil, 2, 2, 2, 3])
            #expect("below the first", performing: { _ = try layer.getOutputShape(at: -4) },
                throws: isError(.nodeIndex(layer: "up", what: "output shape", received: -4, count: 3), .valueError))
            let copy = try layer.copy()
            #expect("a copy has no nodes", performing: { _ = try copy.getInput(at: 0) },
                throws: isError(.neverCalled(layer: "up", what: "input"), .runtimeError))
            #expect(try copy.graph === layer.graph)
        }
    }

    @Test func masksAreRecordedAndDropped() throws {
        try withGraph {
            let layer = try up()
            var x = try Input(shape: [4, 4, 4, 5])
            let mask = try Input(shape: [4])
            x.mask = mask
            let y = try layer(x)
            #expect(try layer.inputMask == mask && layer.getInputMask(at: 0) == mask)
            #expect(try layer.outputMask == nil && layer.getOutputMask(at: 0) == nil && y.mask == nil)
        }
    }

    @Test func symbolicCallsAreChecked() throws {
        try withGraph {
            let layer = try up()
            #expect("rank", performing: { _ = try layer(Input(shape: [4, 4, 5])) },
                throws: isError(.inputRank(layer: "up", received: [nil, 4, 4, 5], expected: 5), .valueError))
            #expect("unknown channels", performing: { _ = try layer(Input(shape: [4, 4, 4, nil])) },
                throws: isError(.unknownChannels(layer: "up", received: [nil, 4, 4, 4, nil], axis: 4), .valueError))
            // Inputs are cast, as values are.
            let wide = try up(name: "wide")(Input(shape: [4, 4, 4, 5], dtype: .float64))
            #expect(wide.dtype == .float32)
            let other = try withGraph(Graph()) { try Input(shape: [4, 4, 4, 5]) }
            #expect("another graph", performing: { _ = try layer(other) }, throws: isError(.differentGraphs(layer: "up"), .valueError))
            #expect("two inputs", performing: { _ = try layer([Input(shape: [4, 4, 4, 5]), Input(shape: [4, 4, 4, 5])]) },
                throws: isError(.inputCount(layer: "up", received: 2, expected: 1), .valueError))
            _ = try layer(Input(shape: [4, 4, 4, 5]))
            #expect(throws: LayerError.self) { _ = try layer(Input(shape: [4, 4, 4, 6])) }
            #expect(throws: LayerError.self) { _ = try layer.getInput(at: 1) }  // what failed left no node
        }
    }

    @Test func lossesAndUpdatesBelongToInputs() throws {
        try withGraph {
            let layer = try up(activityRegularizer: L2(0.5))
            let a = try Input(shape: [4, 4, 4, 1]), b = try Input(shape: [4, 4, 4, 1])
            let (ya, yb) = (try layer(a), try layer(b))
            #expect(try layer.getLosses(for: [a]).map(\.tensor) == [ya])
            #expect(try layer.getLosses(for: [b]).map(\.tensor) == [yb])
            #expect(try layer.getLosses(for: nil).map(\.value) == [24], "the penalty on the kernel is unconditional")
            try layer.addLoss([0.25], inputs: [a])
            try layer.addLoss([1, 2])
            try layer.addLoss([7], inputs: [a, b])
            try layer.addLoss([], inputs: [b])
            #expect(try layer.getLosses(for: [a]).map(\.value) == [nil, 0.25])
            #expect(try layer.getLosses(for: [b]).map(\.value) == [nil])
            #expect(try layer.getLosses(for: [a, b]).map(\.value) == [7] && layer.getLosses(for: [b, a]).isEmpty)
            #expect(try layer.getLosses(for: []).map(\.value) == [1, 2, 24])
            #expect(try layer.losses.map(\.value) == [nil, nil, 0.25, 1, 2, 7, 24])
            _ = try layer(Tensor(zeros: [1, 1, 1, 1, 1]))
            #expect(try layer.losses.count == 7, "a call on values is no part of the graph")

            var runs = 0
            let (first, second) = (Update(name: "first") { runs += 1 }, Update(name: "second") { runs += 10 })
            layer.addUpdate([first], inputs: [a])
            layer.addUpdate([second])
            #expect(layer.updates.map(\.name) == ["first", "second"])
            #expect(try layer.getUpdates(for: [a]).map(\.name) == ["first"] && layer.getUpdates(for: nil).map(\.name) == ["second"])
            #expect(try layer.getUpdates(for: [b]).isEmpty)
            for update in layer.updates { try update.run() }
            #expect(runs == 11)
            let regularized = try layer.addVariable(name: "r", shape: [2], initializer: Ones(), regularizer: L1(2))
            #expect(regularized.path == "up/r")
            #expect(try layer.getLosses(for: nil).map(\.value) == [1, 2, 24, 4])
        }
    }

    @Test func modesAreThoseOfThePlaceOfMaking() throws {
        let graph = Graph()
        let inside = try withGraph(graph) { try up() }
        #expect(try inside.graph === graph)
        let x = try withGraph(graph) { try Input(shape: [1, 1, 1, 1]) }
        #expect(try inside(x).shape == [nil, 2, 2, 2, 3], "the graph of a layer outlives its withGraph")
        #expect(Graph.current == nil)
    }
}
