import Testing
import VoxKerasConfig
import Voxelsmith
import _TestSupport

/// Every property and method of the layer's page, in graph mode and in eager mode.
struct ModesTests {
    private func layer() throws -> Conv3DTranspose {
        try Conv3DTranspose(
            filters: 2, kernelSize: 2, strides: 2, kernelInitializer: Ones(), kernelRegularizer: L1(1), activityRegularizer: L1(1), name: "up",
            kernels: KernelRegistry())
    }

    /// What a member gives: a value as text, or the kind of the error.
    private func outcome<Value>(_ member: () throws -> Value) -> String {
        do { return "\(try member())" } catch { return (error as? any KerasError)?.kerasKind.rawValue ?? "\(error)" }
    }

    @Test func everyMemberInBothModes() throws {
        let graph = Graph()
        let symbol = try withGraph(graph) { try Input(shape: [1, 1, 1, 3], name: "x") }
        let x = try Tensor(shape: [2, 1, 1, 1, 3], [1, 2, 3, -1, 0, 0] as [Float])
        for isGraph in [true, false] {
            let layer = isGraph ? try withGraph(graph) { try self.layer() } : try self.layer()
            let mode = isGraph ? "graph mode" : "eager mode"
            /// What graph mode gives; RuntimeError in eager mode, unless that is said to give something else.
            func expect<Value>(_ member: String, _ inGraph: String, eager: String = "RuntimeError", _ get: () throws -> Value) {
                #expect(outcome(get) == (isGraph ? inGraph : eager), "\(member) in \(mode)")
            }
            func expectBoth<Value>(_ member: String, _ expected: String, _ get: () throws -> Value) {
                expect(member, expected, eager: expected, get)
            }
            // Before the first use.
            expect("input", "AttributeError") { try layer.input }
            expect("output", "AttributeError") { try layer.output }
            expect("inputShape", "AttributeError") { try layer.inputShape }
            expect("outputShape", "AttributeError") { try layer.outputShape }
            expect("inputMask", "AttributeError") { try layer.inputMask }
            expect("outputMask", "AttributeError") { try layer.outputMask }
            expect("getInput", "RuntimeError") { try layer.getInput(at: 0) }
            expectBoth("scopeName", "ValueError") { try layer.scopeName }
            expectBoth("countParams", "ValueError") { try layer.countParams() }
            expectBoth("weights", "[]") { layer.weights.map(\.name) }
            expectBoth("getWeights", "0") { layer.getWeights().count }
            expectBoth("losses", "0") { try layer.losses.count }
            expectBoth("computeOutputShape", "[2, 2, 2, 2, 2]") { try layer.computeOutputShape(x.shape) }
            // Calls. On values both compute at once and make no node.
            expect("call on a symbolic tensor", "[nil, Optional(2), Optional(2), Optional(2), Optional(2)]", eager: "TypeError") {
                try layer(symbol).shape
            }
            expectBoth("call", "[6.0, -1.0]") { [try layer(x).floats[0], try layer.apply(x).floats[16]] }
            expectBoth("call without the rest", "6.0") { try layer.call(x, threads: 1).floats[0] }
            expectBoth("build", "ValueError") { try layer.build(inputShape: x.shape) }
            // Afterwards.
            expect("graph", "true") { try layer.graph === graph }
            expect("input", "true") { try layer.input == symbol }
            expect("output", "0") { try layer.output.nodeIndex }
            expect("inputShape", "[nil, Optional(1), Optional(1), Optional(1), Optional(3)]") { try layer.inputShape }
            expect("outputShape", "[nil, Optional(2), Optional(2), Optional(2), Optional(2)]") { try layer.outputShape }
            expect("inputMask", "nil") { try layer.inputMask }
            expect("outputMask", "nil") { try layer.outputMask }
            expect("getInput", "true") { try layer.getInput(at: 0) == symbol }
            expect("getOutput", "up") { try layer.getOutput(at: 0).layer.name }
            expect("getInputShape", "5") { try layer.getInputShape(at: -1).count }
            expect("getOutputShape", "5") { try layer.getOutputShape(at: -1).count }
            expect("getInputMask", "nil") { try layer.getInputMask(at: 0) }
            expect("getOutputMask", "nil") { try layer.getOutputMask(at: 0) }
            expect("getInput beyond the last", "ValueError") { try layer.getInput(at: 1) }
            // One activity loss of the symbolic call, or of the latest call on values; and the kernel's.
            expectBoth("losses", "[\"activity\", \"kernel\"]") { try layer.losses.map(\.name) }
            expect("getLosses", "[\"kernel\"]") { try layer.getLosses(for: nil).map(\.name) }
            expect("addLoss", "[Optional(0.5)]") {
                try layer.addLoss([0.5], inputs: [symbol])
                return try layer.getLosses(for: [symbol]).suffix(1).map(\.value)
            }
            expectBoth("addUpdate", isGraph ? "1" : "0") {
                layer.addUpdate([Update(name: "u") {}])
                return layer.updates.count
            }
            expect("getUpdates", "1") { try layer.getUpdates(for: nil).count }
            expect("addVariable with a regularizer", "up/r") { try layer.addVariable(name: "r", shape: [1], regularizer: L1(1)).path }
            expectBoth("addWeight", "up/w") { try layer.addWeight(name: "w", shape: [1], trainable: false).path }
            expectBoth("addVariable", "up/v") { try layer.addVariable(name: "v", shape: [1], trainable: false).path }
            // What has nothing to do with modes.
            expectBoth("name", "up") { layer.name }
            expectBoth("scopeName", "up") { try layer.scopeName }
            expectBoth("dtype", "float32") { layer.dtype }
            expectBoth("activityRegularizer", "true") { layer.activityRegularizer is L1 }
            expectBoth("trainableWeights", "[\"kernel\", \"bias\"]") { layer.trainableWeights.map(\.name).filter { $0 != "r" } }
            expectBoth("trainableVariables", "[\"kernel\", \"bias\"]") { layer.trainableVariables.map(\.name).filter { $0 != "r" } }
            expectBoth("nonTrainableWeights", "[\"w\", \"v\"]") { layer.nonTrainableWeights.map(\.name) }
            expectBoth("nonTrainableVariables", "[\"w\", \"v\"]") { layer.nonTrainableVariables.map(\.name) }
            expectBoth("variables", isGraph ? "5" : "4") { layer.variables.count }
            expectBoth("countParams", isGraph ? "53" : "52") { try layer.countParams() }
            expectBoth("computeMask", "nil") { try layer.computeMask([x])?.shape }
            expectBoth("setWeights", "[6.0, -1.0]") {
                try layer.setWeights(layer.getWeights())
                let y = try layer(x).floats
                return [y[0], y[16]]
            }
            expectBoth("getConfig", "true") { try Conv3DTranspose(config: layer.getConfig()).getConfig() == layer.getConfig() }
            expectBoth("copy", "up") { try layer.copy().name }
        }
    }
}
