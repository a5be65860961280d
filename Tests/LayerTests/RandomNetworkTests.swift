import Testing
import VoxTensors
import Voxelsmith
import _TestSupport

/// Networks drawn from all layers, against their definitions in double precision, layer by layer.
@Suite struct RandomNetworkTests {
    @Test func networksAreTheirLayersDefinitions() throws {
        var met: [String: Int] = [:]
        var narrow = 0
        let count = TestLength.scaled(300)
        for seed in 0..<count {
            let network = try RandomNetwork(seed: seed)
            for (name, number) in network.classes { met[name, default: 0] += number }
            if network.drawnInputs.count > 1 { met["several inputs", default: 0] += 1 }
            if network.expected.count > 1 { met["several outputs", default: 0] += 1 }
            do {
                let model = try network.model()
                let xs = try network.drawnInputs.map { try Tensor(shape: $0.shape, $0.values.map { Float($0) }) }
                let ys = try model(xs, threads: 2)
                let prepared = try model.preparedModel(inputShapes: xs.map(\.shape))
                let all = [("called", ys), ("prepared", try prepared(xs, threads: 1)), ("copied", try model.copy()(xs, threads: 1))]
                for (how, received) in all {
                    let finding = violation(received, network.expected)
                    #expect(finding == nil, "seed \(seed), \(how): \(finding ?? "") \(network.document.text)")
                }
            } catch {
                Issue.record("seed \(seed): \(error) \(network.document.text)")
            }
            // A bound that is as large as the results would say nothing.
            if network.expected.allSatisfy({ ($0.errors.max() ?? 0) < 0.01 * max(1, $0.most) }) { narrow += 1 }
        }
        print("random networks: \(count), narrow bounds \(narrow), \(met.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))")
        #expect(Double(narrow) >= 0.7 * Double(count))
        guard TestLength.isWhole else { return }
        // The kinds that are several layers are counted by each of them.
        let names = DrawnKind.all.map(\.name).map { $0.replacing(" of a number", with: "") }
        for name in names { #expect(met[name, default: 0] + met["TFOpLambda \(name)", default: 0] >= 4, "\(name)") }
        for name in ["a model inside", "a layer called again", "several inputs", "several outputs"] { #expect(met[name, default: 0] >= 30, "\(name)") }
    }

    /// How results differ from what they should be; nil where they do not.
    private func violation(_ received: [Tensor], _ expected: [Bounded]) -> String? {
        if received.map(\.shape) != expected.map(\.shape) { return "shapes \(received.map(\.shape)) instead of \(expected.map(\.shape))" }
        for (number, (y, target)) in zip(received, expected).enumerated() {
            if let found = ErrorBound.firstViolation(received: y.doubles, expected: target.values, bounds: target.errors) {
                return "output \(number), \(found)"
            }
        }
        return nil
    }
}
