import Logging
import Testing
import VoxKerasConfig
import VoxTensorIO
import Voxelsmith
import VoxelsmithModelIO
import _TestSupport

/// Models that are no plain chains of transposed convolutions, from files.
struct ModelFileTests {
    /// Two inputs, a shared layer, a nested chain called twice, an ordinary convolution, two outputs.
    @Test func branchingModelsHaveTheirWeights() throws {
        let values = try NPZFile(path: Fixture.layer("branching.npz"))
        let inputs = [try values.tensor("a"), try values.tensor("b")]
        let expected = [try values.tensor("last"), try values.tensor("inner")]
        for name in ["branching.keras", "branching.h5"] {
            let model = try loadModel(path: Fixture.layer(name), kernels: KernelRegistry())
            #expect(model.name == "branching" && model.isBuilt)
            #expect(model.layers.map(\.name) == ["a", "shared", "inner", "b", "down", "last"], "the order of Keras")
            #expect(model.weights.map(\.path) == [
                "shared/kernel", "shared/bias", "in1/kernel", "in1/bias", "in2/kernel", "down/kernel", "down/bias", "last/kernel", "last/bias",
            ])
            for results in [try model(inputs), try model.predict(inputs, batchSize: 1)] {
                #expect(results.map(\.shape) == expected.map(\.shape))
                for (y, theirs) in zip(results, expected) {
                    let comparison = Comparison(y.doubles, expected: theirs.doubles)
                    #expect(comparison.absoluteError <= 2e-6, "\(name): \(comparison)")
                }
            }
            // A model built here has Keras's order too, and a written config reads back.
            let again = try modelFromJSON(model.toJSON(), kernels: KernelRegistry())
            #expect(again.layers.map(\.name) == model.layers.map(\.name))
            let rebuilt = try Model(inputs: model.inputs, outputs: model.outputs)
            #expect(rebuilt.layers.map(\.name) == model.layers.map(\.name))
            try again.setWeights(model.getWeights())
            #expect(try again(inputs).map(\.floats) == model(inputs).map(\.floats))
        }
    }

    /// The Conv3DTranspose of TensorFlow 1.4 was an ordinary convolution: model and JSON load as what they computed.
    @Test func forwardConvolutionsOfOldTensorFlowAreConv3D() throws {
        let messages = Messages()
        let model = try loadModel(path: Fixture.layer("tf14_forward.h5"), kernels: KernelRegistry(), logger: messages.logger)
        #expect(model.layers.allSatisfy { type(of: $0) == Conv3D.self } && model.layers.count == 3)
        let expected = try NPY.read(path: Fixture.layer("tf14_y.npy"))
        let y = try model(NPY.read(path: Fixture.layer("tf14_x.npy")))
        #expect(y.shape == expected.shape)
        #expect(Comparison(y.doubles, expected: expected.doubles).absoluteError <= 1e-6)
        let warnings = messages.texts.withLock { $0 }
        #expect(warnings.count == 1 && warnings[0].hasPrefix("warning: The model was written by Keras 2.0.8-tf"))

        let json = try String(decoding: InputFile.bytes(of: Fixture.config("tf14_model.json")), as: UTF8.self)
        let read = try modelFromJSON(json, kernels: KernelRegistry(), logger: messages.logger)
        #expect(read.layers.allSatisfy { type(of: $0) == Conv3D.self })
        #expect(messages.texts.withLock { $0.count } == 2)
        let set = try ModelFile(path: Fixture.config("tf14_model.json")).layers()
        #expect(set.layers.allSatisfy { $0.kerasClass == "Conv3D" && $0.config.kind == .ordinary } && set.warnings.count == 1)
        #expect(try makeLayers(set).allSatisfy { type(of: $0) == Conv3D.self })
        #expect(try makeLayers(ModelFile(path: Fixture.layer("tf14_forward.h5")).layers()).count == 3)

        // From 2.1.3-tf on, and for a layer by itself, the class is what it is documented to be.
        let mended = json.replacing("2.0.8-tf", with: "2.1.3-tf")
        #expect(mended != json)
        #expect(try modelFromJSON(mended, kernels: KernelRegistry()).layers.allSatisfy { $0 is Conv3DTranspose })
        let bare = try LayerSet(json: Array(#"{"class_name":"Conv3DTranspose","config":{"filters":1,"kernel_size":1},"keras_version":"2.0.8-tf"}"#.utf8))
        #expect(bare.layers[0].config.kind == .transposed && bare.warnings.isEmpty)
        for (version, isMeant) in [("2.0.8-tf", true), ("2.1.2-tf", true), ("2.1.3-tf", false), ("2.0.8", false), ("3.15.1", false)] {
            #expect(ForwardConvolution.isMeant(inVersion: version) == isMeant, "\(version)")
        }
    }

    /// A layer of the user's own, with a weight.
    private final class Scale: Layer {
        override var registeredPackage: String { "Mine" }
        override func build(inputShape: [Int]) throws {
            try addWeight(name: "factor", shape: [1], initializer: Constant(3))
            try super.build(inputShape: inputShape)
        }
        override func call(_ x: Tensor, threads: Int) throws -> Tensor {
            let factor = weights[0].value.floats[0]
            return try Tensor(shape: x.shape, x.floats.map { $0 * factor })
        }
        override func computeOutputShape(_ inputShape: [Int]) throws -> [Int] { inputShape }
    }

    /// A layer of the user's own, of two inputs.
    private final class Add: Layer {
        override func call(_ xs: [Tensor], threads: Int) throws -> [Tensor] {
            [try Tensor(shape: xs[0].shape, zip(xs[0].floats, xs[1].floats).map { $0 + $1 })]
        }
        override func computeOutputShapes(_ inputShapes: [[Int?]]) throws -> [[Int?]] { [inputShapes[0]] }
    }

    @Test func usersOwnLayersAreMadeByTheRegistry() throws {
        let objects = CustomObjects()
        objects.register(layer: "Scale", package: "Mine") { Scale(name: $0["name"]?.string) }
        objects.register(layer: "Add") { Add(name: $0["name"]?.string) }
        let model = try withGraph {
            let x = try Input(shape: [2, 2, 2, 1], name: "x")
            let up = try Conv3DTranspose(filters: 1, kernelSize: 1, kernelInitializer: Ones(), name: "up", kernels: KernelRegistry())
            let scaled = try Scale(name: "scale")(up(x))
            return try Model(inputs: [x], outputs: Add(name: "add")([scaled, up(x)]), name: "own")
        }
        #expect(model.isBuilt)
        let x = try Tensor(shape: [1, 2, 2, 2, 1], (0..<8).map { Float($0) })
        #expect(try model(x).floats == x.floats.map { 4 * $0 })
        let config = try model.getConfig()
        let names = config["layers"]?.array?.map { $0.object?["registered_name"]?.string }
        #expect(names == [nil, nil, "Mine>Scale", "Custom>Add"])
        let read = try Model(config: config, objects: objects, kernels: KernelRegistry())
        #expect(try read.getConfig() == config && read(x).floats.count == 8)
        try read.setWeights(model.getWeights())
        #expect(try read(x).floats == model(x).floats)
        #expect(throws: KerasConfigError.missingLayers(
                model: "own", [OtherLayer(path: "scale", className: "Scale"), OtherLayer(path: "add", className: "Add")])
        ) { try Model(config: config, objects: CustomObjects()) }
        let chain = try Sequential([Conv3DTranspose(filters: 1, kernelSize: 1, name: "u"), Scale(name: "s")], name: "c")
        _ = try chain(x)
        let copy = try modelFromJSON(chain.toJSON(), objects: objects, kernels: KernelRegistry())
        #expect(copy.layers.map(\.name) == ["u", "s"] && copy.layers[1] is Scale)
        // Weight files name layers by their class.
        let weights = try KerasWeights(path: Fixture.keras("model.weights.h5"))
        #expect(throws: ModelIOError.weightMissing(
            layer: "s", name: "layers/scale/vars/0", present: weights.tensors.map(\.path))) {
            try assign(weights, to: [Conv3DTranspose(filters: 3, kernelSize: 3, name: "l"), chain.layers[1]])
        }
    }

    private struct Cube: TensorActivation {
        func callAsFunction(_ x: Tensor) throws -> Tensor { try Tensor(shape: x.shape, x.floats.map { $0 * $0 * $0 }) }
    }

    private struct Ramp: Initializer {
        func callAsFunction(_ shape: [Int], _ elementType: ElementType) throws -> Tensor {
            try Tensor(shape: shape, (0..<shape.reduce(1, *)).map { Float($0) })
        }
    }

    private struct Square: Regularizer {
        func callAsFunction(_ x: Tensor) throws -> Double { x.doubles.reduce(0) { $0 + $1 * $1 } }
    }

    private struct Halve: Constraint {
        func callAsFunction(_ w: Tensor) throws -> Tensor { try Tensor(shape: w.shape, w.floats.map { $0 / 2 }) }
    }

    /// Objects of the user's own in layers and models read from JSON.
    @Test func usersOwnObjectsAreFoundInFiles() throws {
        let objects = CustomObjects()
        objects.register(activation: "Cube") { _ in Cube() }
        objects.register(initializer: "Ramp") { _ in Ramp() }
        objects.register(regularizer: "Square") { _ in Square() }
        objects.register(constraint: "Halve") { _ in Halve() }
        let layer = try Conv3DTranspose(
            filters: 1, kernelSize: [1, 1, 2], kernelInitializer: Ramp(), kernelRegularizer: Square(), biasConstraint: Halve(), name: "own",
            dtype: .float16, inputShape: [1, 1, 2, 1], tensorActivation: Cube(), kernels: KernelRegistry())
        let model = try Sequential([layer], name: "m")
        let x = try Tensor(shape: [1, 1, 1, 2, 1], [1, 2] as [Float])
        #expect(try model(x).floats == [0, 1, 8] && model.losses.map(\.value) == [1])
        let folder = try TemporaryFolder()
        let path = try folder.write(Array(model.toJSON().utf8), as: "model.json")
        let set = try ModelFile(path: path).layers(objects: objects)
        let made = try makeLayers(set, objects: objects, kernels: KernelRegistry())
        let read = try modelFromJSON(model.toJSON(), objects: objects, kernels: KernelRegistry())
        for again in [made[0], try #require(read.layers[0] as? Conv3D)] {
            #expect(again.tensorActivation is Cube && again.kernelInitializer is Ramp && again.kernelRegularizer is Square)
            #expect(again.biasConstraint is Halve && again.dtypePolicy == .float16)
            #expect(try again(x).floats == [0, 1, 8] && again(x).elementType == .float16)
        }
        #expect(throws: KerasConfigError.self) { try ModelFile(path: path).layers(objects: CustomObjects()) }
        #expect(throws: KerasConfigError.self) { try modelFromJSON(model.toJSON(), objects: CustomObjects()) }
    }
}
