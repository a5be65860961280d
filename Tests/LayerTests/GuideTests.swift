import Foundation
import Testing
import Voxelsmith
import VoxelsmithModelIO
import _TestSupport

/// Takes the place of Swift's `print` in the listings: what is printed must be what the guide says. That stands behind the call, or in the
/// comment lines below it.
private func print(_ values: Any..., line: Int = #line) {
    let text = values.map { "\($0)" }.joined(separator: " ")
    #expect(text == GuideTests.promised(line), "line \(line)")
}

/// The listings of the guide "From Keras to Voxelsmith", run. What stands between `// listing` and `// end` is the guide's text;
/// `PackageTests` compares the two.
struct GuideTests {
    private static let source = Result {
        try String(contentsOfFile: #filePath, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// What the comments of this file say that a line prints; nil when they say nothing.
    fileprivate static func promised(_ line: Int) -> String? {
        guard let lines = try? source.get(), lines.indices.contains(line - 1) else { return nil }
        if let comment = lines[line - 1].range(of: "// ") { return String(lines[line - 1][comment.upperBound...]) }
        let below = lines[line...].map { line in line.drop { $0 == " " } }.prefix { $0.hasPrefix("// ") && $0 != "// end" }
        return below.isEmpty ? nil : below.map { $0.dropFirst(3) }.joined(separator: "\n")
    }

    private func random(_ shape: [Int]) throws -> Tensor {
        var random = SeededRandom(seed: 8)
        return try Tensor(shape: shape, random.reals(shape.reduce(1, *)).map { Float($0) })
    }

    @Test func layerAndWeights() throws {
        // listing
        let up = try Conv3DTranspose(filters: 8, kernelSize: 3, strides: 2, padding: "same", activation: "relu", name: "up")
        let y = try up(Ones()([1, 4, 4, 4, 2], .float32))
        print(up)                       // <Conv3DTranspose name=up, built=true>
        print(y.shape)                  // [1, 8, 8, 8, 8]
        print(try up.countParams())     // 440
        // end
        #expect(y.shape == [1, 8, 8, 8, 8])
        #expect(try up.countParams() == 440)
        // listing
        let kernel = up.getWeights()[0], bias = up.getWeights()[1]
        print(kernel.shape)             // [3, 3, 3, 8, 2]
        try up.setWeights([Tensor(shape: kernel.shape, kernel.floats.map { 0.5 * $0 }), bias])
        print(up.weights.map(\.path))   // ["up/kernel", "up/bias"]
        // end
        #expect(kernel.shape == [3, 3, 3, 8, 2] && up.weights.map(\.path) == ["up/kernel", "up/bias"])
        #expect(up.getWeights()[0].floats == kernel.floats.map { $0 / 2 })
        // listing
        do {
            try up.setWeights([kernel])
        } catch let error as LayerError where error.kerasKind == .valueError {
            print(error)
            // You called setWeights on layer "up" with a weight list of length 1, but the layer was expecting 2 weights.
        }
        // end
        #expect(up.getWeights()[0].floats == kernel.floats.map { $0 / 2 })
    }

    @Test func objectsAndConfigs() throws {
        // listing
        let layer = try Conv3DTranspose(
            filters: 4, kernelSize: 2, kernelInitializer: HeNormal(seed: 1), biasInitializer: "ones", kernelRegularizer: L2(0.01),
            kernelConstraint: MaxNorm(2, axis: [0, 1, 2, 4]), name: "up")
        try layer.build(inputShape: [nil, 8, 8, 8, 3])
        if let bias = layer.bias {
            print(bias)                 // <Variable path=up/bias, shape=[4], dtype=float32>
            print(bias.value)           // Tensor(shape: [4], float32, [1.0, 1.0, 1.0, 1.0])
            print(try bias.value[-1])   // 1.0
        }
        print(try layer.losses.count)   // 1
        // end
        #expect(try layer.losses.map(\.name) == ["kernel"])
        let model = try Sequential([layer])
        // listing
        let config = try layer.getConfig()
        let twin = try Conv3DTranspose(config: config)
        for (key, value) in config where key == "filters" { print(value) }    // 4
        let text = try model.toJSON()
        let again = try modelFromJSON(text)
        // end
        #expect(try twin.getConfig() == config && again.toJSON() == text)
    }

    @Test func chain() throws {
        let x = try random([3, 4, 4, 4, 2])
        // listing
        let model = try Sequential([
            Conv3DTranspose(filters: 4, kernelSize: 2, strides: 2, name: "up", inputShape: [4, 4, 4, 2]),
            Conv3DTranspose(filters: 1, kernelSize: 3, padding: .same, name: "last"),
        ], name: "chain")
        print(try model.summary())
        // Model: "chain"
        // ┏━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━┓
        // ┃ Layer (type)           ┃ Output Shape       ┃ Param # ┃
        // ┡━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━┩
        // │ up (Conv3DTranspose)   │ (None, 8, 8, 8, 4) │      68 │
        // ├────────────────────────┼────────────────────┼─────────┤
        // │ last (Conv3DTranspose) │ (None, 8, 8, 8, 1) │     109 │
        // └────────────────────────┴────────────────────┴─────────┘
        //  Total params: 177 (708.00 B)
        //  Trainable params: 177 (708.00 B)
        //  Non-trainable params: 0 (0.00 B)
        let y = try model.predict(x, batchSize: 2)
        // end
        #expect(y.shape == [3, 8, 8, 8, 1])
    }

    @Test func symbolicTensors() throws {
        let xa = try random([1, 4, 4, 4, 2]), xb = try Tensor(zeros: [1, 4, 4, 4, 2])
        // listing
        let model = try withGraph {
            let a = try Input(shape: [4, 4, 4, 2], name: "a"), b = try Input(shape: [4, 4, 4, 2], name: "b")
            let shared = try Conv3DTranspose(filters: 4, kernelSize: 2, name: "shared")
            let model = try Model(inputs: [a, b], outputs: [shared(a), shared(b)])
            print(try shared.getOutput(at: 1))    // <SymbolicTensor shape=[nil, 5, 5, 5, 4], dtype=float32, layer=shared>
            return model
        }
        let results = try model([xa, xb])
        // end
        #expect(try results.count == 2 && model.layers[2].getOutputShape(at: 1) == [nil, 5, 5, 5, 4])
        #expect(results[1].floats.allSatisfy { $0 == 0 } && results[0].floats.contains { $0 != 0 })
    }

    @Test func files() throws {
        let (path, folder) = (Fixture.keras("model.keras"), try TemporaryFolder())
        let (other, weights) = (folder.path("other.h5"), folder.path("model.weights.h5"))
        // listing
        let model = try loadModel(path: path)
        try model.save(to: other)
        try model.saveWeights(to: weights)
        try loadWeights(path: weights, into: model)
        // end
        #expect(try model.layers.map(\.name) == ["up1", "up2", "up3"] && loadModel(path: other).layers.map(\.name) == ["up1", "up2", "up3"])
    }

    @Test func objectsOfYourOwn() throws {
        // listing
        final class Scaled: Conv3DTranspose, ConfigurableLayer {
            let factor: Double
            init(factor: Double, filters: Int, kernelSize: Int, name: String? = nil) throws {
                self.factor = factor
                try super.init(filters: filters, kernelSize: kernelSize, name: name)
            }
            override init(config: JSONObject) throws {
                var rest = config
                factor = rest.removeValue(forKey: "factor")?.number ?? 1
                try super.init(config: rest)
            }
            override func call(_ x: Tensor, threads: Int) throws -> Tensor {
                let y = try super.call(x, threads: threads)
                return try Tensor(shape: y.shape, y.floats.map { Float(factor) * $0 })
            }
            override func getConfig() throws -> JSONObject {
                var config = try super.getConfig()
                config["factor"] = .number(factor)
                return config
            }
        }
        CustomObjects.shared.register(layer: Scaled.self)
        let scaled = try Scaled(factor: 2.5, filters: 4, kernelSize: 3, name: "s")
        print(try scaled.copy().factor)    // 2.5
        // end
        let model = try Sequential([Scaled(factor: 3, filters: 1, kernelSize: 1, name: "three")])
        let x = try random([1, 2, 2, 2, 1])
        _ = try model(x)
        let again = try modelFromJSON(model.toJSON())
        try again.setWeights(model.getWeights())
        #expect(try again(x).floats == model(x).floats && (again.layers[0] as? Scaled)?.factor == 3)
    }

    @Test func elementTypes() throws {
        let x = try random([1, 4, 4, 4, 2])
        // listing
        let half = try Conv3DTranspose(filters: 4, kernelSize: 3, dtype: .mixedFloat16)
        print(try half(x).elementType, half.dtype)    // float16 float32
        // end
        #expect(try half(x).elementType == .float16 && half.weights.allSatisfy { $0.dtype == .float32 })
    }

    @Test func kernels() async throws {
        let volumes = [try random([1, 4, 4, 4, 2]), try Tensor(zeros: [2, 4, 4, 4, 2])]
        let plugins: [String] = []
        // listing
        let kernels = KernelRegistry()
        for plugin in plugins { try kernels.load(path: plugin) }
        let up = try Conv3DTranspose(filters: 8, kernelSize: 3, strides: 2, padding: .same, kernels: kernels)
        let prepared = try Sequential([up]).preparedModel(inputShape: [1, 4, 4, 4, 2])
        print(try up.preparedLayer(inputShape: [1, 4, 4, 4, 2]).choice.kernel.name)    // interpreter
        let results = try await withThrowingTaskGroup(of: Tensor.self) { group in
            for x in volumes { group.addTask { try prepared(x) } }
            var results: [Tensor] = []
            for try await y in group { results.append(y) }
            return results
        }
        print(results.count)    // 2
        // end
        #expect(try Set(results.map(\.floats)) == Set(volumes.map { try up($0).floats }))
    }
}
