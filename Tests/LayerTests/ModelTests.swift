import Testing
import VoxKerasConfig
import VoxTensorIO
import Voxelsmith
import VoxelsmithModelIO
import _TestSupport

/// Models and weights from files.
struct ModelTests {
    /// The same decoder, saved by four generations of Keras.
    @Test func theDecoderOfEveryGenerationComputesTheSame() throws {
        let (x, y) = try Fixture.decoder()
        for path in [
            Fixture.keras("model.keras"), Fixture.keras("model.h5"), Fixture.keras("tfkeras2.keras"), Fixture.keras("keras224.h5"),
            Fixture.layer("tf16.h5"),
        ] {
            let model = try loadModel(path: path, kernels: KernelRegistry())
            #expect(model.isBuilt)
            #expect(model.layers.count == 3)
            #expect(try model.countParams() == 27 * (2 * 3 + 3 * 2 + 2 * 1) + 3 + 2 + 1)
            #expect(try model.computeOutputShape(x.shape) == y.shape)
            let received = try model(x)
            #expect(received.shape == y.shape)
            let comparison = Comparison(received.doubles, expected: y.doubles)
            #expect(comparison.absoluteError <= 1e-6, "\(path): \(comparison)")
        }
    }

    @Test func aLoadedModelHasTheNamesOfTheFile() throws {
        let model = try loadModel(path: Fixture.keras("model.keras"), kernels: KernelRegistry())
        #expect(model.name == "decoder")
        #expect(model.layers.map(\.name) == ["up1", "up2", "up3"])
        #expect(model.layers.map { ($0 as? Conv3D)?.activation } == [.relu, .relu, .sigmoid])
    }

    @Test func aFunctionalChainIsLoaded() throws {
        let model = try loadModel(path: Fixture.keras("functional.keras"), kernels: KernelRegistry())
        #expect(model.layers.map(\.name) == ["input_layer_2", "a", "b"])
        #expect(model.layers.map { $0.getWeights().count } == [0, 2, 1])
    }

    @Test func preparationChangesNothingButTime() throws {
        let (x, _) = try Fixture.decoder()
        let prepared = try loadModel(path: Fixture.keras("model.keras"), kernels: KernelRegistry())
        try prepared.prepare(inputShape: x.shape)
        let fresh = try loadModel(path: Fixture.keras("model.keras"), kernels: KernelRegistry())
        let once = try fresh(x, threads: 1).floats
        for threads in [1, 2, 3, 7] { #expect(try prepared(x, threads: threads).floats == once, "\(threads) threads") }
    }

    @Test func whatIsNoModelIsRefused() throws {
        #expect(throws: ModelIOError.noConfig(path: Fixture.keras("model.weights.h5"))) {
            try loadModel(path: Fixture.keras("model.weights.h5"))
        }
        let folder = try TemporaryFolder()
        let single = try folder.write(Array(Self.layer.utf8), as: "layer.json")
        #expect(throws: ModelIOError.notAModel(path: single)) { try loadModel(path: single) }
        #expect(try makeLayers(ModelFile(path: single).layers()).map(\.name) == ["up"])
        let chain = try folder.write(Array(#"{"class_name":"Sequential","config":{"name":"m","layers":[\#(Self.layer)]}}"#.utf8), as: "model.json")
        #expect(throws: ModelIOError.noWeights(path: chain)) { try loadModel(path: chain) }
    }

    @Test func weightsOfAnotherModelAreRefused() throws {
        let weights = try KerasWeights(path: Fixture.keras("model.weights.h5"))
        let legacy = try KerasWeights(path: Fixture.keras("model.h5"))
        func layers(_ filters: [Int]) throws -> [Conv3DTranspose] {
            try filters.enumerated().map { try Conv3DTranspose(filters: $1, kernelSize: 3, name: "l\($0)") }
        }
        #expect(throws: ModelIOError.weightsLeftOver(["layers/conv3d_transpose_2"], taken: ["l0", "l1"])) { try assign(weights, to: layers([3, 2])) }
        #expect(throws: ModelIOError.weightMissing(
            layer: "l3", name: "layers/conv3d_transpose_3/vars/0", present: weights.tensors.map(\.path))) {
            try assign(weights, to: layers([3, 2, 1, 1]))
        }
        #expect(throws: ModelIOError.layerCount(received: ["up1", "up2", "up3"], expected: ["l0", "l1"])) { try assign(legacy, to: layers([3, 2])) }
        #expect(throws: ModelIOError.weightShape(
            layer: "l1", weight: "layers/conv3d_transpose_1/vars/0", received: [3, 3, 3, 2, 3], .filters(received: 2, expected: 4))
        ) {
            try assign(weights, to: layers([3, 4, 1]))
        }
        #expect(throws: ModelIOError.weightCount(
            layer: "l", received: ["layers/conv3d_transpose/vars/0", "layers/conv3d_transpose/vars/1"], expected: 1)) {
            try assign(weights, to: [Conv3DTranspose(filters: 3, kernelSize: 3, useBias: false, name: "l")])
        }
        // A weight with another number is not the one that is missing.
        let renumbered = weights.tensors.map { weight in
            NamedTensor(
                path: weight.path.replacing("transpose/vars/1", with: "transpose/vars/5"), group: weight.group, layerName: weight.layerName,
                tensor: weight.tensor)
        }
        let damaged = KerasWeights(form: .variables, tensors: renumbered, kerasVersion: nil, backend: nil)
        #expect(throws: ModelIOError.weightMissing(layer: "l0", name: "layers/conv3d_transpose/vars/1", present: renumbered.map(\.path))) {
            try assign(damaged, to: layers([3, 2, 1]))
        }
    }

    private static let layer =
        #"{"class_name":"Conv3DTranspose","config":{"name":"up","filters":2,"kernel_size":[1,2,1]},"build_config":{"input_shape":[null,2,2,2,3]}}"#

    @Test func npzWeightsReachTheirLayers() throws {
        let folder = try TemporaryFolder()
        var random = SeededRandom(seed: 4)
        func tensor(_ shape: [Int]) throws -> Tensor { try Tensor(shape: shape, random.reals(shape.reduce(1, *)).map { Float($0) }) }
        let kernel = try tensor([1, 2, 1, 2, 3])
        let bias = try tensor([2])
        let other = try tensor([1, 1, 1, 4, 2])
        func layer() throws -> Conv3DTranspose { try Conv3DTranspose(filters: 2, kernelSize: [1, 2, 1], name: "up") }

        let one = folder.path("one.npz")
        try NPZFile.write([("kernel", kernel), ("bias", bias)], to: one)
        let named = folder.path("named.npz")
        try NPZFile.write([("up/kernel", kernel), ("up/bias", bias)], to: named)
        for path in [one, named] {
            let up = try layer()
            try loadWeights(npz: path, into: [up])
            #expect(up.getWeights().map(\.floats) == [kernel.floats, bias.floats])
        }

        let two = folder.path("two.npz")
        try NPZFile.write([("last/kernel", other), ("up/bias", bias), ("up/kernel", kernel)], to: two)
        let last = try Conv3DTranspose(filters: 4, kernelSize: 1, useBias: false, name: "last")
        let up = try layer()
        try loadWeights(npz: two, into: [up, last])
        #expect(up.getWeights().map(\.floats) == [kernel.floats, bias.floats])
        #expect(last.getWeights().map(\.floats) == [other.floats])

        // float64 arrays, numpy's default, are rounded to the type of the layer.
        let wide = folder.path("wide.npz")
        try NPZFile.write([("kernel", Tensor(shape: kernel.shape, kernel.doubles)), ("bias", bias)], to: wide)
        let cast = try layer()
        try loadWeights(npz: wide, into: [cast])
        #expect(cast.getWeights()[0].elementType == .float32)
        #expect(cast.getWeights()[0].floats == kernel.floats)

        #expect(throws: ModelIOError.weightMissing(layer: "last", name: "last/kernel", present: ["up/kernel", "up/bias"])) {
            try loadWeights(npz: named, into: [last])
        }
        #expect(throws: ModelIOError.weightsLeftOver(["last/kernel"], taken: ["up/kernel", "up/bias"])) { try loadWeights(npz: two, into: [layer()]) }
        let lone = folder.path("lone.npz")
        try NPZFile.write([("kernel", kernel)], to: lone)
        #expect(throws: ModelIOError.weightMissing(layer: "up", name: "bias", present: ["kernel"])) { try loadWeights(npz: lone, into: [layer()]) }
    }
}
