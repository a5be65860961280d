import Testing
import VoxKerasConfig
import VoxLayerSpec
import VoxTensorIO
import VoxTensors
import Voxelsmith
import VoxelsmithModelIO
import _TestSupport

/// Damaged files of models and of weights, up to the prediction: one that loads predicts what the values it holds make, and any other is refused.
///
/// What a model should predict is known without the loader: a second model of the sound file is given the weights one by one, by their paths in the
/// damaged file. So weights that reach another layer, or none, are found; that the reader's values are those of the file is `FuzzTests`' matter.
@Suite(.serialized) struct MutatedModelTests {
    private static let count = TestLength.count(300, full: 10_000)
    private let x: Tensor
    private let sound: Model
    private let folder: TemporaryFolder

    init() throws {
        x = try NPZFile(path: Fixture.layer("layers/clips.npz")).tensor("x")
        sound = try loadModel(path: Fixture.layer("layers/clips.keras"), kernels: KernelRegistry())
        folder = try TemporaryFolder()
        // Every weight differs from every other, so that each is known by its numbers.
        var random = SeededRandom(seed: 77)
        try sound.setWeights(
            sound.getWeights().map { weight in
                // Files hold the count of a normalization as an integer.
                try Tensor(shape: weight.shape, random.reals(weight.elementCount).map { weight.shape.isEmpty ? 7 : Float(abs($0) + 0.125) })
            })
    }

    private func bits(_ tensor: Tensor) -> [UInt8] { tensor.withUnsafeBytes { Array($0) } }

    /// What a copy of the sound model predicts with the weights of a damaged file.
    /// - Parameters:
    ///   - tensors: of the damaged file, by their paths.
    ///   - places: which weight of the model each path of the sound file is.
    /// - Returns: nil where a path is missing.
    private func prediction(_ tensors: [(path: String, tensor: Tensor)], _ places: [String: Int]) throws -> [UInt8]? {
        var weights = sound.getWeights()
        for (path, place) in places {
            guard let tensor = tensors.first(where: { $0.path == path })?.tensor else { return nil }
            weights[place] = tensor
        }
        let model = try sound.copy()
        try model.setWeights(weights)
        return bits(try model(x, threads: 1))
    }

    /// Which weight of the sound model each tensor of a sound file is.
    private func places(_ tensors: [(path: String, tensor: Tensor)]) throws -> [String: Int] {
        let own = sound.getWeights().map(bits)
        var result: [String: Int] = [:]
        for (path, tensor) in tensors { if let place = own.firstIndex(of: bits(tensor)) { result[path] = place } }
        #expect(result.count == own.count)
        return result
    }

    private func read(_ path: String) throws -> [UInt8] { try Array(Fixture.data(path)) }

    /// - Parameter body: what became of a case that was read; throws where it is refused.
    private func outcome(_ index: Int, _ body: () throws -> Void) -> String {
        do {
            try body()
            return "read"
        } catch {
            #expect("\(error)".hasSuffix("."), "case \(index): \(error)")
            return "\(type(of: error))"
        }
    }

    private func check(_ result: Fuzzing.Outcome, read share: Double) {
        #expect(result.share(of: "read") >= share && result.share(of: "read") < 1, "\(result.counts)")
        #expect(result.slowest.seconds < 5, "\(result.slowest)")
    }

    // MARK: Weights

    private func damagedWeights(_ format: String, _ name: String, _ tensors: ([UInt8]) throws -> [(path: String, tensor: Tensor)]) throws {
        try sound.saveWeights(to: folder.path(name))
        let sample = try read(folder.path(name))
        let places = try places(tensors(sample))
        let result = try Fuzzing(format, count: Self.count).run([sample]) { index, bytes in
            let path = try folder.write(bytes, as: name)
            let model = try sound.copy()
            return outcome(index) {
                _ = try loadWeights(path: path, into: model)
                #expect(try bits(model(x, threads: 1)) == prediction(tensors(bytes), places), "case \(index)")
            }
        }
        check(result, read: 0.02)
    }

    @Test func weightsOfKeras3() throws {
        try damagedWeights("mutated-weights-h5", "m.weights.h5") { bytes in
            try KerasWeights(image: bytes, name: "w").tensors.map { ($0.path, $0.tensor) }
        }
    }

    @Test func safetensors() throws {
        try damagedWeights("mutated-safetensors", "m.safetensors") { bytes in
            try SafetensorsFile(bytes: bytes, name: "w").tensors().map { ($0.name, $0.tensor) }
        }
    }

    // MARK: Whole models

    /// Whether a model is the sound one but for its weights, which a damaged config can make another.
    private func isAlike(_ model: Model) throws -> Bool { try model.getConfig() == sound.getConfig() }

    @Test func legacyModels() throws {
        let file = folder.path("m.h5")
        try sound.save(to: file)
        let sample = try read(file)
        func tensors(_ bytes: [UInt8]) throws -> [(path: String, tensor: Tensor)] {
            // Layers may have weights of one name.
            try KerasWeights(image: bytes, name: "w").tensors.map { ("\($0.group)/\($0.path)", $0.tensor) }
        }
        let places = try places(tensors(sample))
        let result = try Fuzzing("mutated-h5", count: Self.count).run([sample]) { index, bytes in
            let path = try folder.write(bytes, as: "m.h5")
            return outcome(index) {
                let model = try loadModel(path: path, kernels: KernelRegistry())
                if try isAlike(model) {
                    #expect(try bits(model(x, threads: 1)) == prediction(tensors(bytes), places), "case \(index)")
                } else {
                    try predictIfSmall(model, index)
                }
            }
        }
        check(result, read: 0.1)
    }

    /// Checksums guard every member: what is read in spite of damage is the sound model.
    @Test func archives() throws {
        let file = folder.path("m.keras")
        try sound.save(to: file)
        let (sample, expected) = (try read(file), bits(try sound(x, threads: 1)))
        let result = try Fuzzing("mutated-keras", count: Self.count).run([sample]) { index, bytes in
            let path = try folder.write(bytes, as: "m.keras")
            return outcome(index) {
                let model = try loadModel(path: path, kernels: KernelRegistry())
                #expect(try isAlike(model), "case \(index)")
                #expect(try bits(model(x, threads: 1)) == expected, "case \(index)")
            }
        }
        // Few bytes of an archive are neither checked nor needed, so that hardly any case is read.
        check(result, read: 0)
    }

    /// A config that is read makes a model that computes the same in every form: called, prepared, written and read again.
    @Test func configs() throws {
        let sample = Array(try sound.toJSON().utf8)
        let result = Fuzzing("mutated-json", count: Self.count).run { Fuzzing.alteredJSON(sample, &$0) } body: { index, bytes in
            outcome(index) {
                let model = try WeightBudget.$current.withValue(WeightBudget(elements: 100_000)) {
                    try modelFromJSON(String(decoding: bytes, as: UTF8.self), kernels: KernelRegistry())
                }
                try predictIfSmall(model, index)
            }
        }
        check(result, read: 0.05)
    }

    /// Whether a layer is a normalization that a plan may fold into a convolution, or has one inside.
    private func hasNormalizations(_ layer: Layer) -> Bool {
        let inner = (layer as? Model)?.layers ?? [layer.wrapped].compactMap(\.self)
        return layer.className.hasSuffix("BatchNormalization") || inner.contains(where: hasNormalizations)
    }

    /// Compares what a model computes with what it computes in its other forms, unless that takes long.
    private func predictIfSmall(_ model: Model, _ index: Int) throws {
        guard model.inputs.count == 1 else { return }
        let shape = model.inputs[0].shape.enumerated().map { $1 ?? ($0 == 0 ? 2 : 3) }
        var most = Checked.clampedCount(shape)
        _ = try model.trace([shape]) { layer, shapes in
            let results = try layer.computeOutputShapes(shapes.map { shape in shape.map { $0 } }).map { shape in shape.map { $0 ?? 1 } }
            most = max(most, results.map { Checked.clampedCount($0) }.max() ?? 0)
            return results
        }
        if most > 1 << 16 { return }
        var random = SeededRandom(seed: UInt64(index))
        let x = try Tensor(shape: shape, random.reals(Checked.clampedCount(shape)).map { Float($0) })
        let y = try model([x], threads: 1).map(bits)
        let planned = try model.preparedModel(inputShapes: [shape])([x], threads: 1)
        if hasNormalizations(model) {
            for (received, expected) in zip(planned, try model([x], threads: 1).map(\.doubles)) {
                let largest = expected.reduce(1) { max($0, abs($1)) }
                if !largest.isFinite || expected.contains(where: \.isNaN) { continue }
                // Sums of few products; what is folded is rounded in other places.
                #expect(zip(received.doubles, expected).allSatisfy { abs($0 - $1) <= 0x1p-10 * largest }, "case \(index)")
            }
        } else {
            #expect(planned.map(bits) == y, "case \(index)")
        }
        let again = try modelFromJSON(model.toJSON(), kernels: KernelRegistry())
        try again.setWeights(model.getWeights())
        #expect(try again([x], threads: 1).map(bits) == y, "case \(index)")
    }
}
