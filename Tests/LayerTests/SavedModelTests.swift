import Foundation
import Testing
import VoxKerasConfig
import VoxTensorIO
import Voxelsmith
import VoxelsmithModelIO
import _TestSupport

/// Models that are saved and loaded again.
struct SavedModelTests {
    /// The files of models among the fixtures that load: all that Keras wrote, as far as their layers are known.
    static func loadable() throws -> [(name: String, model: Model)] {
        var found: [(String, Model)] = []
        for folder in [Fixture.file("keras"), Fixture.layer(""), Fixture.layer("graphs"), Fixture.layer("layers")] {
            for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() where name.hasSuffix(".keras") || name.hasSuffix(".h5") {
                do {
                    found.append((name, try loadModel(path: "\(folder)/\(name)", kernels: KernelRegistry())))
                } catch ModelIOError.noConfig {
                    continue  // weights alone
                } catch KerasConfigError.missingLayers {
                    continue  // layers that are not computed here
                }
            }
        }
        return found
    }

    /// Random inputs of a model, two samples each; unknown extents become 4.
    static func inputs(of model: Model, seed: UInt64 = 11) throws -> [Tensor] {
        var random = SeededRandom(seed: seed)
        return try model.inputs.map { input in
            let shape = [2] + input.shape.dropFirst().map { $0 ?? 4 }
            return try Tensor(shape: shape, random.reals(shape.reduce(1, *))).cast(to: input.dtype)
        }
    }

    private func bits(_ tensors: [Tensor]) -> [[UInt8]] { tensors.map { $0.withUnsafeBytes { Array($0) } } }

    /// The layers with those of models in it, each before what is inside of it.
    private func family(_ model: Model) -> [Layer] { model.layers.flatMap { layer in [layer] + ((layer as? Model).map(family) ?? []) } }

    /// False for a chain that was read from a bare list of layers, the form of TensorFlow 1: each reading gives it another name.
    private static func isNamed(_ model: Model) -> Bool { model.source?.document.object?["config"]?.array == nil }

    private func expectSame(_ again: Model, _ model: Model, _ what: String) throws {
        #expect(again.name == model.name || !Self.isNamed(model), "\(what)")
        #expect("\(type(of: again))" == "\(type(of: model))", "\(what)")
        #expect(family(again).map(\.name) == family(model).map(\.name) && again.isBuilt, "\(what)")
        #expect(family(again).map(\.trainable) == family(model).map(\.trainable), "\(what)")
        #expect(again.weights.map(\.name) == model.weights.map(\.name) && again.weights.map(\.dtype) == model.weights.map(\.dtype), "\(what)")
        #expect(again.getWeights().map(\.shape) == model.getWeights().map(\.shape), "\(what)")
        #expect(bits(again.getWeights()) == bits(model.getWeights()), "\(what)")
        // A chain whose first layer states the input shape gives its input a new name.
        #expect(model is Sequential || again.inputNames == model.inputNames, "\(what)")
        #expect(again.outputNames == model.outputNames, "\(what)")
        let x = try Self.inputs(of: model)
        #expect(try x.isEmpty || bits(again(x)) == bits(model(x)), "\(what)")
    }

    /// Every fixture that loads, in every form: weight by weight and prediction by prediction, the old config and Keras 3's.
    @Test func everyModelRoundTripsExactly() throws {
        let folder = try TemporaryFolder()
        let models = try Self.loadable()
        #expect(models.count > 25, "\(models.map(\.name))")
        var converted = 0
        for (name, model) in models {
            for ending in ["keras", "h5", "hdf5"] {
                let path = folder.path("m.\(ending)")
                try model.save(to: path)
                let again = try loadModel(path: path, kernels: KernelRegistry())
                try expectSame(again, model, "\(name) as \(ending)")
                // What was read from a saved file is saved as the same bytes.
                let before = try Fixture.data(path)
                try again.save(to: path)
                #expect(try Fixture.data(path) == before, "\(name) as \(ending)")
            }
            for ending in ["weights.h5", "h5", "safetensors", "npz"] {
                let path = folder.path("w.\(ending)")
                try model.saveWeights(to: path)
                let other = try makeModel(ModelFile(path: folder.path("m.keras")), weights: nil, kernels: KernelRegistry())
                try loadWeights(path: path, into: other)
                try expectSame(other, model, "\(name), weights as \(ending)")
            }
            // Keras 3 has no such names, and not for every meaning of older generations a word.
            if family(model).contains(where: { $0.name.contains("/") }) || (try? model.getConfig()) == nil { continue }
            for ending in ["keras", "h5"] {
                let path = folder.path("three.\(ending)")
                try model.save(to: path, config: .keras3)
                try expectSame(loadModel(path: path, kernels: KernelRegistry()), model, "\(name), as Keras 3's \(ending)")
            }
            converted += 1
        }
        #expect(converted > 20)
    }

    /// The file keeps what was read, and the version it is meant in; a model made in code has Keras 3's form.
    @Test func theConfigIsThatWhichWasRead() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("m.keras")
        for name in ["functional.keras", "tfkeras2.keras"] {
            let original = try KerasArchive(path: Fixture.keras(name))
            try loadModel(path: Fixture.keras(name), kernels: KernelRegistry()).save(to: path)
            let saved = try KerasArchive(path: path)
            #expect(try JSONValue(parsing: saved.config) == JSONValue(parsing: original.config), "\(name)")
            let metadata = try #require(original.metadata), written = try #require(saved.metadata)
            let version = try JSONValue(parsing: metadata).object?["keras_version"]
            #expect(try JSONValue(parsing: written).object?["keras_version"] == version, "\(name)")
        }
        // An .h5 does not say where its class is found; a .keras must.
        try loadModel(path: Fixture.layer("branching.h5"), kernels: KernelRegistry()).save(to: path)
        let object = try #require(JSONValue(parsing: KerasArchive(path: path).config).object)
        #expect(object["module"] == "keras.src.models.functional" && object["class_name"] == "Functional")
        try loadModel(path: Fixture.layer("tfk_nested_frozen.h5"), kernels: KernelRegistry()).save(to: path)
        let old = try #require(JSONValue(parsing: KerasArchive(path: path).config).object)
        #expect(["keras", "tf_keras.src.engine.functional"].contains(old["module"]?.string))
        try loadModel(path: Fixture.keras("tfkeras2.keras"), kernels: KernelRegistry()).save(to: path, config: .keras3)
        let new = try KerasArchive(path: path)
        #expect(try JSONValue(parsing: #require(new.metadata)).object?["keras_version"]?.string?.hasPrefix("3.") == true)
        #expect(try GenerationEvidence(in: JSONValue(parsing: new.config)).keras2 == [])
    }

    private func convolution(_ filters: Int, _ name: String, inputShape: [Int?]? = nil) throws -> Conv3DTranspose {
        try Conv3DTranspose(
            filters: filters, kernelSize: [1, 2, 3], padding: .same, kernelInitializer: GlorotUniform(seed: filters),
            biasInitializer: RandomNormal(seed: filters), name: name, inputShape: inputShape, kernels: KernelRegistry())
    }

    /// A shared layer, a model in a model in a model with layers of one name in each, one layer frozen on its own.
    private func network() throws -> Model {
        try withGraph {
            let x = try Input(shape: [nil, 3, 2, 2], name: "x")
            let innermost = try Sequential([convolution(3, "up"), convolution(4, "down")], name: "innermost")
            let inner = try Sequential([convolution(5, "up"), innermost, convolution(2, "down")], name: "inner")
            let shared = try convolution(2, "shared")
            let y = try shared(inner(shared(x)))
            let model = try Model(inputs: [x], outputs: [y, convolution(1, "up")(y)], name: "net")
            innermost.layers[0].trainable = false
            inner.layers[2].trainable = false
            return model
        }
    }

    @Test func modelsMadeInCode() throws {
        let folder = try TemporaryFolder()
        let chain = try Sequential([convolution(3, "a", inputShape: [2, 3, 4, 2]), convolution(1, "b")], name: "chain")
        for model in [try network(), chain] {
            for ending in ["keras", "h5"] {
                let path = folder.path("m.\(ending)")
                try model.save(to: path)
                try expectSame(loadModel(path: path, kernels: KernelRegistry()), model, "\(model.name) as \(ending)")
                // An equal model gives equal bytes.
                let bytes = try Fixture.data(path)
                try model.save(to: path)
                #expect(try Fixture.data(path) == bytes, "\(model.name) as \(ending)")
            }
            for ending in ["weights.h5", "h5", "safetensors", "npz"] {
                let path = folder.path("w.\(ending)")
                try model.saveWeights(to: path)
                let other = try model.copy()
                try other.setWeights(model.getWeights().map { try Tensor(zeros: $0.shape) })
                try loadWeights(path: path, into: other)
                try expectSame(other, model, "\(model.name), weights as \(ending)")
            }
        }
        let names = try SafetensorsFile(path: folder.path("w.safetensors")).names
        #expect(names == ["a/bias", "a/kernel", "b/bias", "b/kernel"])
        try network().saveWeights(to: folder.path("n.npz"))
        #expect(try NPZFile(path: folder.path("n.npz")).names.contains("inner/innermost/up/kernel"))
        try network().saveWeights(to: folder.path("n.weights.h5"))
        let paths = try KerasWeights(path: folder.path("n.weights.h5")).tensors.map(\.path)
        #expect(paths.contains("layers/sequential/layers/sequential/layers/conv3d_transpose_1/vars/1"), "\(paths)")
    }

    /// A layer that a model shares with a model inside of it stands in both, so that a copy, in which they are two, gets its weights too.
    @Test func layersOfSeveralModelsAreSavedInEach() throws {
        let folder = try TemporaryFolder()
        let model = try withGraph {
            let x = try Input(shape: [2, 3, 2, 2], name: "x"), a = try Input(shape: [2, 3, 2, 2], name: "a")
            let shared = try convolution(2, "shared")
            let inner = try Model(inputs: [a], outputs: [shared(a)], name: "inner")
            return try Model(inputs: [x], outputs: [convolution(1, "last")(inner(shared(x)))], name: "net")
        }
        let copy = try model.copy()
        #expect(family(copy).filter { $0.name == "shared" }.count == 2 && family(copy).count { layer in family(model).contains { $0 === layer } } == 0)
        let x = try Self.inputs(of: model)
        for ending in ["weights.h5", "h5", "safetensors", "npz"] {
            let path = folder.path("w.\(ending)")
            try model.saveWeights(to: path)
            for other in [copy, model] {
                let expected = try bits(model(x))
                try other.setWeights(other.getWeights().map { try Tensor(zeros: $0.shape) })
                try loadWeights(path: path, into: other)
                #expect(try bits(other(x)) == expected, "\(ending)")
            }
        }
        for ending in ["keras", "h5"] {
            try model.save(to: folder.path("m.\(ending)"))
            let again = try loadModel(path: folder.path("m.\(ending)"), kernels: KernelRegistry())
            #expect(try bits(again(x)) == bits(model(x)), "\(ending)")
        }
    }

    /// Whether a model that a layer is in is frozen.
    private func isFrozen(above layer: Layer, in model: Model) -> Bool {
        if !family(model).contains(where: { $0 === layer }) { return false }
        return !model.trainable || model.layers.contains { part in (part as? Model).map { isFrozen(above: layer, in: $0) } ?? false }
    }

    /// Which layers are trainable decides the order of weights in older files; what was set after loading counts.
    @Test func whatWasSetAfterLoadingIsSaved() throws {
        let folder = try TemporaryFolder()
        for file in ["three_levels_keras3.h5", "three_levels_tfkeras2.h5", "thawed_keras3.h5", "thawed_tfkeras2.h5", "thawed_sequential.h5", "tf16.h5"] {
            let count = family(try loadModel(path: Fixture.layer(file), kernels: KernelRegistry())).count
            for index in 0..<count {
                let model = try loadModel(path: Fixture.layer(file), kernels: KernelRegistry())
                let layer = family(model)[index]
                layer.trainable.toggle()
                // Weights alone are in the order of the model as it is, and read in it.
                try model.saveWeights(to: folder.path("w.h5"))
                let other = try model.copy()
                try other.setWeights(model.getWeights().map { try Tensor(zeros: $0.shape) })
                try loadWeights(path: folder.path("w.h5"), into: other)
                #expect(bits(other.getWeights()) == bits(model.getWeights()), "\(file), \(layer.name), weights alone")
                for ending in ["h5", "keras"] {
                    let path = folder.path("m.\(ending)")
                    try model.save(to: path)
                    let again = try loadModel(path: path, kernels: KernelRegistry())
                    // A frozen model freezes its layers when it is made; configs of inputs do not say.
                    let isLost = layer is InputLayer || isFrozen(above: layer, in: model)
                    #expect(isLost || family(again)[index].trainable == layer.trainable, "\(file), \(layer.name)")
                    #expect(bits(again.getWeights()) == bits(model.getWeights()), "\(file), \(layer.name) as \(ending)")
                    // A copy remembers what it was made of, and what was set.
                    let bytes = try Fixture.data(path)
                    try model.copy().save(to: path)
                    #expect(try Fixture.data(path) == bytes, "\(file), \(layer.name) as \(ending)")
                }
            }
        }
    }

    /// Keras 3 makes no operation whose config says whether it is trainable, and tf-keras no such input.
    @Test func configsOfInputsAndOperationsSayNothingOfTraining() throws {
        let layers: JSONValue = [
            ["class_name": "InputLayer", "name": "x", "inbound_nodes": [], "config": ["name": "x", "batch_input_shape": [nil, 2], "dtype": "float32"]],
            [
                "class_name": "TFOpLambda", "name": "twice", "inbound_nodes": [["x", 0, 0, ["y": 2, "name": nil]]],
                "config": ["name": "twice", "function": "math.multiply"],
            ],
            ["class_name": "Dropout", "name": "drop", "inbound_nodes": [[["twice", 0, 0, [:]]]], "config": ["name": "drop", "rate": 0.5]],
        ]
        let old: JSONValue = [
            "class_name": "Functional", "keras_version": "2.15.0",
            "config": ["name": "m", "layers": layers, "input_layers": [["x", 0, 0]], "output_layers": [["drop", 0, 0]]],
        ]
        let folder = try TemporaryFolder()
        let model = try modelFromJSON(modelFromJSON(old.text, kernels: KernelRegistry()).toJSON(), kernels: KernelRegistry())
        model.trainable = false
        try model.save(to: folder.path("m.keras"))
        let config = try JSONValue(parsing: KerasArchive(path: folder.path("m.keras")).config).object?["config"]?.object
        let flags = config?["layers"]?.array?.map { $0.object?["config"]?.object?["trainable"] } ?? []
        let expected: [JSONValue?] = [.none, .none, .bool(false)]
        #expect(config?["trainable"] == .bool(false) && flags == expected)
        #expect(try loadModel(path: folder.path("m.keras"), kernels: KernelRegistry()).trainable == false)
    }

    /// Layers of models in models keep in a copy what was set for them alone.
    @Test func copiesKeepWhatIsTrainableInEveryLevel() throws {
        let model = try network()
        #expect(family(model).contains { !$0.trainable } && model.trainable)
        let copy = try model.copy()
        #expect(family(copy).map(\.name) == family(model).map(\.name))
        #expect(family(copy).map(\.trainable) == family(model).map(\.trainable))
        #expect(copy.trainableWeights.map(\.path) == model.trainableWeights.map(\.path))
        // Thawed inside of a frozen model.
        model.trainable = false
        let inner = try #require(model.layers.first { $0.name == "inner" } as? Model)
        inner.layers[0].trainable = true
        #expect(try family(model.copy()).map(\.trainable) == family(model).map(\.trainable))
    }

    @Test func whatCannotBeSavedIsSaid() throws {
        let folder = try TemporaryFolder()
        let model = try network()
        for ending in ["", ".hdf", ".KERAS", ".npz", ".weights.h5", ".safetensors", ".keras.zip", ".tf"] {
            let path = folder.path("m\(ending)")
            #expect(throws: ModelIOError.unknownEnding(path: path, .model), "\(ending)") { try model.save(to: path) }
        }
        for ending in ["", ".keras", ".json", ".weights", ".npy"] {
            let path = folder.path("m\(ending)")
            #expect(throws: ModelIOError.unknownEnding(path: path, .weights), "\(ending)") { try model.saveWeights(to: path) }
        }
        let unbuilt = try Sequential([convolution(2, "a"), Sequential([convolution(1, "b")], name: "in")], name: "late")
        let kept = try folder.write([1, 2, 3], as: "kept.keras")
        for path in [kept, folder.path("new.h5")] {
            #expect(throws: ModelIOError.noWeightsYet(layer: "a"), "\(path)") { try unbuilt.save(to: path) }
        }
        #expect(throws: ModelIOError.noWeightsYet(layer: "a")) { try unbuilt.saveWeights(to: folder.path("w.npz")) }
        for (path, reason) in [
            (folder.path("none/m.keras"), "No such file or directory"), (folder.path("none/m.h5"), "No such file or directory"),
            ("\(kept)/m.keras", "Not a directory"), ("/dev/null/m.h5", "Not a directory"),
        ] {
            #expect(throws: TensorIOError.cannotWrite(path: path, reason: reason), "\(path)") { try model.save(to: path) }
        }
        try FileManager.default.createDirectory(atPath: folder.path("d.keras"), withIntermediateDirectories: false)
        #expect(throws: TensorIOError.cannotWrite(path: folder.path("d.keras"), reason: "Is a directory")) { try model.save(to: folder.path("d.keras")) }
        // What stood there stands there still, and nothing lies beside it.
        #expect(try Fixture.data(kept) == Data([1, 2, 3]))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path(".")).sorted() == ["d.keras", "kept.keras"])
        try model.save(to: kept)
        #expect(try loadModel(path: kept, kernels: KernelRegistry()).weights.count == model.weights.count)
        // After a build it can be saved.
        try unbuilt.build(inputShape: [1, 2, 2, 2, 3])
        try unbuilt.save(to: folder.path("late.keras"))
        #expect(try bits(loadModel(path: folder.path("late.keras"), kernels: KernelRegistry()).getWeights()) == bits(unbuilt.getWeights()))
    }

    /// A layer of a nested model may go by its own name where that is enough; weights that fit no layer are named.
    @Test func namesOfWeightsInArchives() throws {
        let folder = try TemporaryFolder()
        func model() throws -> Model { try Sequential([Sequential([convolution(2, "up", inputShape: [2, 2, 2, 3])], name: "inner")], name: "outer") }
        let source = try model()
        let (kernel, bias) = (source.getWeights()[0], source.getWeights()[1])
        let path = folder.path("w.safetensors")
        for prefix in ["inner/up/", "up/", ""] {
            try SafetensorsFile.write([("\(prefix)kernel", kernel), ("\(prefix)bias", bias)], to: path)
            let other = try model()
            try other.setWeights(other.getWeights().map { try Tensor(zeros: $0.shape) })
            try loadWeights(path: path, into: other)
            #expect(bits(other.getWeights()) == bits(source.getWeights()), "\(prefix)")
        }
        try SafetensorsFile.write([("up/kernel", kernel)], to: path)
        #expect(throws: ModelIOError.weightMissing(layer: "up", name: "up/bias", present: ["up/kernel"])) { try loadWeights(path: path, into: model()) }
        try SafetensorsFile.write([("up.weight", kernel), ("up.bias", bias)], to: path)
        #expect(throws: ModelIOError.weightMissing(layer: "up", name: "inner/up/kernel", present: ["up.bias", "up.weight"])) {
            try loadWeights(path: path, into: model())
        }
        try SafetensorsFile.write([("up/kernel", kernel), ("up/bias", bias), ("x", bias)], to: path)
        #expect(throws: ModelIOError.weightsLeftOver(["x"], taken: ["up/kernel", "up/bias"])) { try loadWeights(path: path, into: model()) }
        // PyTorch's order of axes is recognised.
        let exchanged = try Tensor(zeros: [3, 2, 1, 2, 3])
        try SafetensorsFile.write([("up/kernel", exchanged), ("up/bias", bias)], to: path)
        #expect("PyTorch", performing: { try loadWeights(path: path, into: model()) }, throws: { "\($0)".contains("PyTorch's order of axes") })
    }
}
