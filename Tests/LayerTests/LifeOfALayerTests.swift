import Synchronization
import Testing
import VoxKerasConfig
import Voxelsmith
import _TestSupport

/// One layer through everything at once: a `PreparedLayer` of it works on two threads while the layer itself is copied, renamed,
/// built anew, given other weights, and called on symbolic and on concrete tensors.
struct LifeOfALayerTests {
    private func random(_ shape: [Int], seed: UInt64) throws -> Tensor {
        var random = SeededRandom(seed: seed)
        return try Tensor(shape: shape, random.reals(shape.reduce(1, *)).map { Float($0) })
    }

    private final class Flag: Sendable {
        let isRaised = Atomic(false)
    }

    /// Calls the prepared layer at least twenty times, until the flag is raised.
    /// - Returns: the number of calls; -1 for a result that was not the expected one.
    private static func work(_ prepared: PreparedLayer, _ x: Tensor, _ expected: [Float], threads: Int, until flag: Flag) async throws -> Int {
        var count = 0
        while count < 20 || !flag.isRaised.load(ordering: .acquiring) {
            guard try prepared.call(x, threads: threads).floats == expected else { return -1 }
            count += 1
            await Task.yield()
        }
        return count
    }

    @Test func aPreparedLayerInUseIsUntouchedByItsLayer() async throws {
        let layer = try withGraph {
            try Conv3DTranspose(
                filters: 3, kernelSize: [2, 3, 2], strides: 2, padding: .same, activation: .relu, kernelRegularizer: L2(0.5),
                activityRegularizer: L1(1), name: "up", kernels: KernelRegistry())
        }
        let x = try random([2, 3, 4, 2, 3], seed: 1)
        try layer.build(inputShape: x.shape)
        try layer.setWeights(layer.getWeights().enumerated().map { try random($1.shape, seed: UInt64(2 + $0)) })
        let prepared = try layer.preparedLayer(inputShape: x.shape)
        let expected = try prepared.call(x, threads: 1).floats
        let flag = Flag()
        async let first = Self.work(prepared, x, expected, threads: 1, until: flag)
        async let second = Self.work(prepared, x, expected, threads: 2, until: flag)
        do {
            defer { flag.isRaised.store(true, ordering: .releasing) }
            try liveThrough(layer, x, expected)
        }
        let counts = try await [first, second]
        #expect(counts.count == 2 && counts.allSatisfy { $0 >= 20 }, "\(counts)")
        #expect(try prepared.call(x).floats == expected && layer(x).floats != expected)
    }

    private func liveThrough(_ layer: Conv3DTranspose, _ x: Tensor, _ expected: [Float]) throws {
        // Deep copy: same name and graph, variables of its own, no nodes.
        let graph = try layer.graph
        let symbol = try withGraph(graph) { try Input(shape: [3, 4, nil, 3], name: "x") }
        let y = try layer(symbol)
        let copy = try layer.copy()
        #expect(try copy.name == "up" && copy.graph === graph && copy.weights[0] !== layer.weights[0])
        #expect(throws: LayerError.neverCalled(layer: "up", what: "input")) { try copy.getInput(at: 0) }
        #expect(try copy(x).floats == expected && layer(x).floats == expected)

        // Renamed: names cannot be set, so through the config; the new layer is unbuilt and has other first values.
        var config = try layer.getConfig()
        config["name"] = "renamed"
        let renamed = try withGraph(graph) { try Conv3DTranspose(config: config, kernels: KernelRegistry()) }
        #expect(renamed.name == "renamed" && !renamed.isBuilt && layer.name == "up")
        #expect(try renamed(y.layer.output).shape == [nil, 12, 16, nil, 3])
        #expect(try renamed.scopeName == "renamed" && layer.scopeName == "up")

        // Built anew: a ValueError, after which everything is as it was.
        #expect("built twice", performing: { try layer.build(inputShape: x.shape) },
            throws: { $0 as? LayerError == .alreadyBuilt(layer: "up") && ($0 as? LayerError)?.kerasKind == .valueError })
        #expect(try layer(x).floats == expected)

        // Symbolic and concrete calls in turn: only the former make nodes and losses of the graph.
        for round in 1...3 {
            let z = try layer(symbol)
            #expect(z.nodeIndex == round && z.shape == [nil, 6, 8, nil, 3])
            #expect(try layer(x).floats == expected)
            #expect(try layer.getOutput(at: -1) == z && layer.outputShape == z.shape)
            #expect(try layer.losses.count == round + 2, "one per symbolic call, and the kernel's")
        }
        #expect(throws: LayerError.severalNodes(layer: "up", member: "input", count: 4)) { try layer.input }

        // Other weights reach the layer and a layer prepared afterwards, not the copy.
        try layer.setWeights(layer.getWeights().map { weight in try Tensor(weight.shape, weight.floats.map { -$0 }) })
        let changed = try layer(x).floats
        #expect(try changed != expected && copy(x).floats == expected)
        #expect(try layer.preparedLayer(inputShape: x.shape).call(x).floats == changed)
        try copy.weights[1].assign(Tensor(zeros: [3]))
        #expect(try layer(x).floats == changed)
    }
}

extension Tensor {
    fileprivate init(_ shape: [Int], _ elements: [Float]) throws { try self.init(shape: shape, elements) }
}
