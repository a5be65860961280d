import Foundation
import Testing
import VoxKerasConfig
import VoxKernelRuntime
import Voxelsmith
import _TestSupport

/// Models from files that are as deep as a file may make them: nothing that is done to one may take a piece of the stack for each layer.
@Suite struct DeepModelTests {
    /// Runs a function on a thread whose stack is an eighth of the usual one, unless another is asked for.
    private func onSmallStack<Value: Sendable>(
        _ byteCount: Int = 1 << 20, _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let thread = Thread { continuation.resume(with: Result(catching: body)) }
            thread.stackSize = byteCount
            thread.start()
        }
    }

    private static let input = #"{"class_name":"InputLayer","config":{"name":"x","batch_input_shape":[null,3]},"inbound_nodes":[]}"#

    private static func functional(_ name: String, _ layers: [String], output: String, call: String = "") -> String {
        """
        {"class_name":"Functional","config":{"name":"\(name)","layers":[\(layers.joined(separator: ","))],"input_layers":[["x",0,0]],\
        "output_layers":[\(output)]}\(call)}
        """
    }

    /// Layers one behind the other, of which each hundredth adds 1 and the others are ReLU.
    private static func chain(_ count: Int) -> [String] {
        (0..<count).map { index in
            let (className, others) = index % 100 == 99 ? ("Rescaling", #","scale":1,"offset":1"#) : ("ReLU", "")
            let source = index == 0 ? "x" : "a\(index - 1)"
            return #"{"class_name":"\#(className)","config":{"name":"a\#(index)"\#(others)},"inbound_nodes":[[["\#(source)",0,0]]]}"#
        }
    }

    /// Steps of a chain: each `Rescaling` takes the `ReLU` behind it along; the last one has none behind it.
    private static func stepCount(ofChain count: Int) -> Int { count - (count / 100 - 1) }

    /// What was seen of a model on the other thread.
    private struct Facts: Sendable {
        var listed = 0
        var names: [String] = []
        var summaryLines = 0
        var steps = 0
        var peak = 0
        var results: [[Float]] = []
        var isReleased = false
    }

    /// Reads, describes, prepares, computes, copies and releases a model.
    private static func facts(_ text: String) throws -> Facts {
        var facts = Facts()
        facts.listed = try LayerSet(json: text.utf8).model?.allLayers.count ?? 0
        weak var watched: Model?
        do {
            let model = try modelFromJSON(text, objects: CustomObjects(), kernels: KernelRegistry())
            watched = model
            facts.names = model.layers.map(\.name)
            facts.summaryLines = try model.summary().split(separator: "\n").count
            let x = try Tensor(shape: [2, 3], [-1, 2, 0, 5, -4, 1] as [Float])
            facts.results.append(try model(x, threads: 1).floats)
            let prepared = try model.preparedModel(inputShape: [2, 3])
            (facts.steps, facts.peak) = (prepared.plan.steps.count, prepared.plan.peakByteCount)
            facts.results.append(try prepared(x, threads: 1).floats)
            facts.results.append(try model.copy().call([x], threads: 1)[0].floats)
        }
        facts.isReleased = watched == nil
        return facts
    }

    @Test func aChainOfLayers() async throws {
        // 99,200 values; a file may have 100,000.
        let count = 9900
        let text = Self.functional("m", [Self.input] + Self.chain(count), output: #"["a\#(count - 1)",0,0]"#)
        let facts = try await onSmallStack { try Self.facts(text) }
        #expect(facts.listed == count + 1 && facts.names == ["x"] + (0..<count).map { "a\($0)" })
        #expect(facts.summaryLines > 2 * count && facts.steps == Self.stepCount(ofChain: count) && facts.isReleased)
        // All but the first and the last step share what two of them need.
        #expect(facts.peak <= 256)
        #expect(facts.results == Array(repeating: [99, 101, 99, 104, 99, 100], count: 3))
    }

    /// One layer that is called on its own result again and again.
    @Test func aChainOfCalls() async throws {
        let count = 19_000
        let calls = (0..<count).map { $0 == 0 ? #"[["x",0,0]]"# : #"[["a",\#($0 - 1),0]]"# }
        let layer = """
            {"class_name":"Rescaling","config":{"name":"a","scale":1,"offset":1},"inbound_nodes":[\(calls.joined(separator: ","))]}
            """
        let text = Self.functional("m", [Self.input, layer], output: #"["a",\#(count - 1),0]"#)
        let facts = try await onSmallStack { try Self.facts(text) }
        #expect(facts.names == ["x", "a"] && facts.steps == count && facts.isReleased)
        #expect(facts.results == Array(repeating: [18_999, 19_002, 19_000, 19_005, 18_996, 19_001], count: 3))
    }

    @Test func aSequentialModel() async throws {
        let count = 20_000
        let layers = (0..<count).map { #"{"class_name":"ReLU","config":{"name":"a\#($0)"}}"# }
        let text = #"{"class_name":"Sequential","config":{"name":"m","layers":["# + ([Self.input] + layers).joined(separator: ",") + "]}}"
        let facts = try await onSmallStack { try Self.facts(text) }
        #expect(facts.names.count == count && facts.names.last == "a\(count - 1)" && facts.steps == count && facts.isReleased)
        #expect(facts.results == Array(repeating: [0, 2, 0, 5, 0, 1], count: 3))
    }

    /// Two deep models inside of one, beside each other.
    @Test func twoModelsBesideEachOther() async throws {
        let count = 4900
        let call = #","name":"NAME","inbound_nodes":[[["x",0,0]]]"#
        let models = ["left", "right"].map { name in
            Self.functional(
                name, [Self.input] + Self.chain(count), output: #"["a\#(count - 1)",0,0]"#, call: call.replacing("NAME", with: name))
        }
        let sum = #"{"class_name":"Add","config":{"name":"sum"},"inbound_nodes":[[["left",0,0],["right",0,0]]]}"#
        let text = Self.functional("m", [Self.input] + models + [sum], output: #"["sum",0,0]"#)
        let facts = try await onSmallStack { try Self.facts(text) }
        #expect(facts.names == ["x", "left", "right", "sum"] && facts.steps == 2 * Self.stepCount(ofChain: count) + 1 && facts.isReleased)
        #expect(facts.results == Array(repeating: [98, 102, 98, 108, 98, 100], count: 3))
    }

    /// Models in each other do take stack, but the levels of JSON bound them: each takes three of 256.
    @Test func modelsInEachOther() async throws {
        let count = 80
        let text = (0..<count).reversed().reduce("") { inner, index in
            let relu = #"{"class_name":"ReLU","config":{"name":"a\#(index)"}}"#
            let layers = (index == 0 ? [Self.input] : []) + [relu] + (inner.isEmpty ? [] : [inner])
            return #"{"class_name":"Sequential","config":{"name":"m\#(index)","layers":[\#(layers.joined(separator: ","))]}}"#
        }
        let facts = try await onSmallStack(8 << 20) { try Self.facts(text) }
        #expect(facts.names == ["a0", "m1"] && facts.steps == count && facts.isReleased)
        #expect(facts.results == Array(repeating: [0, 2, 0, 5, 0, 1], count: 3))
    }

    /// Penalties on results are kept with the tensors they belong to.
    @Test func aChainWithPenaltiesIsReleased() async throws {
        let (lossCount, isReleased) = try await onSmallStack { () throws -> (Int, Bool) in
            weak var watched: Layer?
            var lossCount = 0
            do {
                let last = try withGraph {
                    var x = try Input(shape: [3])
                    for index in 0..<20_000 {
                        let layer = Passing(name: "p\(index)")
                        layer.activityRegularizer = try L2(0.5)
                        x = try layer(x)
                    }
                    return x
                }
                watched = last.layer
                lossCount = try last.layer.losses.count
            }
            return (lossCount, watched == nil)
        }
        #expect(lossCount == 1 && isReleased)
    }

    /// Keras's `map_graph`, which calls itself for each input of a call.
    private func keras(_ inputs: [SymbolicTensor], _ outputs: [SymbolicTensor]) throws -> [String] {
        var (met, seen): ([Layer], Set<String>) = ([], [])
        var calls: [(tensor: SymbolicTensor, inputs: [SymbolicTensor])] = []
        func key(_ tensor: SymbolicTensor) -> String { "\(tensor.layer.name) \(tensor.nodeIndex)" }
        func visit(_ tensor: SymbolicTensor) throws {
            let isInput = inputs.contains(tensor)
            if isInput && !(tensor.layer is InputLayer) || !seen.insert(key(tensor)).inserted { return }
            if !met.contains(where: { $0 === tensor.layer }) { met.append(tensor.layer) }
            let sources = isInput ? [] : try tensor.layer.getInputs(at: tensor.nodeIndex)
            for source in sources { try visit(source) }
            calls.append((tensor, sources))
        }
        for output in outputs { try visit(output) }
        var (callDepths, depths): ([String: Int], [String: Int]) = ([:], [:])
        for (tensor, sources) in calls.reversed() {
            let depth = max(callDepths[key(tensor)] ?? 0, depths[tensor.layer.name] ?? 0)
            depths[tensor.layer.name] = depth
            for source in sources { callDepths[key(source)] = max(callDepths[key(source)] ?? 0, depth + 1) }
        }
        let unused = inputs.map(\.layer).filter { layer in layer is InputLayer && !met.contains { $0 === layer } }
        let all = (unused + met).map(\.name)
        return Set(depths.values).union([0]).sorted(by: >).flatMap { depth in all.filter { depths[$0] ?? 0 == depth } }
    }

    /// Branches, layers that are called several times, inputs that nothing depends on and inputs in the middle.
    @Test func layersStandAsKerasCountsThem() throws {
        var random = SeededRandom(seed: 77)
        for round in 0..<300 {
            try withGraph {
                var inputs = try (0..<random.integer(1...3)).map { try Input(shape: [3], name: "x\($0)") }
                let layers = (0..<random.integer(1...9)).map { Passing(name: "p\($0)") }
                var tensors = inputs
                for _ in 0..<random.integer(1...20) {
                    let sources = (0..<random.integer(1...3)).map { _ in random.choice(tensors) }
                    tensors += try random.choice(layers)(sources)
                }
                if random.chance(0.3) { inputs.append(random.choice(Array(tensors.dropFirst(inputs.count)))) }
                let outputs = (0..<random.integer(1...3)).map { _ in random.choice(tensors) }
                let model = try Model(inputs: inputs, outputs: outputs, name: "m")
                #expect(try model.layers.map(\.name) == keras(inputs, outputs), "\(round)")
            }
        }
    }

    private final class Passing: Layer {
        override func call(_ x: Tensor, threads: Int) throws -> Tensor { x }
        override func computeOutputShape(_ inputShape: [Int]) throws -> [Int] { inputShape }
        override func computeOutputShapes(_ inputShapes: [[Int?]]) throws -> [[Int?]] { Array(inputShapes.prefix(1)) }
    }
}
