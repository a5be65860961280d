import Testing
import Voxelsmith
import VoxelsmithModelIO
import _TestSupport

/// The listings of the guide "From Keras to Voxelsmith", run. What stands between `// listing` and `// end` is the guide's text;
/// `PackageTests` compares the two.
struct GuideTests {
    private func random(_ shape: [Int]) throws -> Tensor {
        var random = SeededRandom(seed: 8)
        return try Tensor(shape: shape, random.reals(shape.reduce(1, *)).map { Float($0) })
    }

    @Test func layerAndWeights() throws {
        // listing
        let up = try Conv3DTranspose(filters: 8, kernelSize: 3, strides: 2, padding: .same, activation: .relu, name: "up")
        let y = try up(Ones()([1, 4, 4, 4, 2], .float32))
        print(y.shape)                  // [1, 8, 8, 8, 8]
        print(try up.countParams())     // 440
        // end
        #expect(y.shape == [1, 8, 8, 8, 8])
        #expect(try up.countParams() == 440)
        // listing
        let kernel = up.getWeights()[0], bias = up.getWeights()[1]
        print(kernel.shape)             // [3, 3, 3, 8, 2]: sizes, filters, channels
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
        }
        // end
        #expect(up.getWeights()[0].floats == kernel.floats.map { $0 / 2 })
    }

    @Test func objectsAndConfigs() throws {
        // listing
        let layer = try Conv3DTranspose(
            filters: 4, kernelSize: 2, kernelInitializer: HeNormal(seed: 1), kernelRegularizer: L2(0.01),
            kernelConstraint: MaxNorm(2, axis: [0, 1, 2, 4]))
        try layer.build(inputShape: [1, 8, 8, 8, 3])
        print(try layer.losses.count)   // 1: the penalty on the kernel
        // end
        #expect(try layer.losses.map(\.name) == ["kernel"])
        let model = try Sequential([layer])
        // listing
        let config = try layer.getConfig()
        let twin = try Conv3DTranspose(config: config)
        let text = try model.toJSON()
        let again = try modelFromJSON(text)
        // end
        #expect(try twin.getConfig() == config && again.toJSON() == text)
    }

    @Test func chain() throws {
        let x = try random([3, 4, 4, 4, 2])
        // listing
        let model = try Sequential([
            Conv3DTranspose(filters: 4, kernelSize: 2, strides: 2, inputShape: [4, 4, 4, 2]),
            Conv3DTranspose(filters: 1, kernelSize: 3, padding: .same),
        ])
        print(try model.summary())
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
            print(try shared.getOutputShape(at: 1))    // [nil, 5, 5, 5, 4]
            return model
        }
        let results = try model([xa, xb])
        // end
        #expect(try results.count == 2 && model.layers[2].getOutputShape(at: 1) == [nil, 5, 5, 5, 4])
        #expect(results[1].floats.allSatisfy { $0 == 0 } && results[0].floats.contains { $0 != 0 })
    }

    @Test func files() throws {
        let path = Fixture.keras("model.keras")
        // listing
        let model = try loadModel(path: path)
        // end
        #expect(model.layers.map(\.name) == ["up1", "up2", "up3"])
    }

    @Test func objectsOfYourOwn() throws {
        // listing
        final class Cube: Layer {
            override func call(_ x: Tensor, threads: Int) throws -> Tensor {
                try Tensor(shape: x.shape, x.floats.map { $0 * $0 * $0 })
            }
            override func computeOutputShape(_ inputShape: [Int]) throws -> [Int] { inputShape }
        }
        CustomObjects.shared.register(layer: "Cube") { config in Cube(name: config["name"]?.string) }
        // end
        let model = try Sequential([Cube(name: "c")])
        let again = try modelFromJSON(model.toJSON())
        #expect(try again(Tensor(shape: [1, 2], [2, 3] as [Float])).floats == [8, 27])
    }

    @Test func elementTypes() throws {
        let x = try random([1, 4, 4, 4, 2])
        // listing
        let half = try Conv3DTranspose(filters: 4, kernelSize: 3, dtype: .mixedFloat16)
        print(try half(x).elementType)    // float16; the variables are float32
        // end
        #expect(try half(x).elementType == .float16 && half.weights.allSatisfy { $0.dtype == .float32 })
    }

    @Test func kernels() throws {
        let x = try random([1, 4, 4, 4, 2])
        let plugins: [String] = []
        // listing
        let kernels = KernelRegistry()
        for plugin in plugins { try kernels.load(path: plugin) }
        let up = try Conv3DTranspose(filters: 8, kernelSize: 3, strides: 2, padding: .same, kernels: kernels)
        try up.build(inputShape: [1, 4, 4, 4, 2])
        print(try up.kernelInUse(inputShape: [1, 4, 4, 4, 2]))    // which kernel, and why
        let prepared = try up.preparedLayer(inputShape: [1, 4, 4, 4, 2])
        let y = try prepared.call(x, threads: 2)
        // end
        #expect(try y.floats == up(x).floats && up.kernelInUse(inputShape: x.shape).hasPrefix("interpreter"))
    }
}
