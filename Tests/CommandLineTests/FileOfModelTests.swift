import Foundation
import Testing
import VoxTensorIO
import VoxTensors
import _TestSupport

/// What users bring as models and weights.
@Suite struct FileOfModelTests {
    /// Each form of weights that Keras writes, and safetensors, for a model whose file has none.
    @Test func weightsOfEveryForm() throws {
        let folder = try TemporaryFolder()
        // The model calls its layers up1, up2 and up3; the file counts them by class, and numbers kernels and biases.
        let tensors = try KerasWeights(path: Fixture.keras("model.weights.h5")).tensors.enumerated().map { index, weight in
            (name: "up\(index / 2 + 1)/\(index % 2 == 0 ? "kernel" : "bias")", tensor: weight.tensor)
        }
        try SafetensorsFile.write(tensors, to: folder.path("w.safetensors"))
        for weights in ["model.weights.h5", "model.h5", "model.keras"].map(Fixture.keras) + [folder.path("w.safetensors")] {
            let outcome = try Voxelsmith.run([
                "run", Fixture.config("keras3_model.json"), "--weights", weights, "--input", Fixture.keras("x.npy"), "--output",
                folder.path("y.npy"), "--expect", Fixture.keras("y.npy"),
            ])
            #expect(outcome.status == 0 && outcome.output.contains("values agree") && outcome.errors.isEmpty, "\(weights): \(outcome.errors)")
        }
    }

    /// Files of other kinds are named, with what is read instead, and none of their bytes reach the terminal.
    @Test func foreignFilesAreNamed() throws {
        let folder = try TemporaryFolder()
        let noise: [UInt8] = [0x1b, 0x5b, 0x33, 0x31, 0x6d, 0xff, 0xfe, 0, 7, 10]
        let graph: [UInt8] = [0x3a, 0x20, 0x0a, 6] + noise
        try FileManager.default.createDirectory(atPath: folder.path("saved"), withIntermediateDirectories: false)
        let saved: [UInt8] = [8, 1, 0x12, 0xb0, 2, 0x0a, 0x20, 0x0a, 3] + noise
        _ = try folder.write(saved, as: "saved/saved_model.pb")
        try NPZFile.write([("kernel", try Tensor(zeros: [1], .float32))], to: folder.path("k.npz"))
        let archive = try ZipArchive.encode([(name: "archive/data.pkl", bytes: [0x80, 2] + noise), (name: "archive/data/0", bytes: noise)])
        let files: [(name: String, bytes: [UInt8]?, words: String)] = [
            ("m.onnx", [8, 8, 0x12, 7] + Array("pytorch".utf8) + graph, "is an ONNX model"),
            ("m.tflite", [0x1c, 0, 0, 0] + Array("TFL3".utf8) + noise, "is a TensorFlow Lite model"),
            ("saved", nil, "is the folder of a TensorFlow SavedModel"), ("saved/saved_model.pb", nil, "is the saved_model.pb"),
            ("m.pt", archive, "is a PyTorch file"), ("m.pkl", [0x80, 4, 0x95] + noise, "is a Python pickle"),
            ("m.safetensors", [0x40, 0, 0, 0, 0, 0, 0, 0] + Array("{\"w\":".utf8) + noise, "is a safetensors file"),
            ("k.npz", nil, "is an .npz archive of arrays"), ("m.json.gz", [0x1f, 0x8b, 8] + noise, "is packed with gzip"),
            ("empty.keras", [], "is empty"), ("m.bin", noise, "is binary"), ("m.yaml", Array("class_name: Sequential\n".utf8), "is YAML"),
        ]
        for (name, bytes, words) in files {
            if let bytes { _ = try folder.write(bytes, as: name) }
            let path = folder.path(name)
            let commands = [
                ["describe", path], ["emit", path], ["build", path, "-o", folder.path("p.so")],
                ["run", path, "--input", Fixture.keras("x.npy"), "--output", folder.path("y.npy")],
                ["run", Fixture.config("keras3_model.json"), "--weights", path, "--input", Fixture.keras("x.npy"), "--output", folder.path("y.npy")],
            ]
            for command in commands where !(["k.npz", "m.safetensors"].contains(name) && command.contains("--weights")) {
                let outcome = try Voxelsmith.run(command)
                #expect(outcome.status == 1 && isOneSentence(outcome.errors) && outcome.errors.contains(words), "\(command): \(outcome.errors)")
                #expect(outcome.errors.contains("; expected ") && outcome.errors.contains(".keras"), "\(outcome.errors)")
                #expect(outcome.errors.dropLast().unicodeScalars.allSatisfy { (0x20...0x7e).contains($0.value) }, "\(name)")
            }
        }
    }

    /// A model that wants more than the file of weights has: the message lists what that file has.
    @Test func tooFewWeightsBesideAModel() throws {
        let folder = try TemporaryFolder()
        try NPZFile.write([("few/kernel", Tensor(zeros: [2, 1], .float32)), ("few/bias", Tensor(zeros: [1], .float32))], to: folder.path("few.npz"))
        let outcome = try Voxelsmith.run([
            "run", Fixture.config("keras3_model.json"), "--weights", folder.path("few.npz"), "--input", Fixture.keras("x.npy"), "--output",
            folder.path("y.npy"),
        ])
        #expect(outcome.status == 1 && isOneSentence(outcome.errors) && outcome.errors.contains("has too few weights"), "\(outcome.errors)")
        #expect(outcome.errors.contains("received \"few/kernel [2, 1]\", \"few/bias [1]\"."), "\(outcome.errors)")
    }

    /// `describe` takes plugins too, and reads all else as the other verbs do.
    @Test func describedFilesAreLayersOrPlugins() throws {
        let folder = try TemporaryFolder()
        let marked = try folder.write([0xef, 0xbb, 0xbf] + Array(TinyLayer.json().utf8), as: "marked.json")
        #expect(try Voxelsmith.run(["describe", marked]).output.contains("1 known layer"))
        for (path, words) in [(folder.path("none"), "No such file"), (folder.path("."), "is a folder; expected a plugin of voxelsmith build, or layers")] {
            let outcome = try Voxelsmith.run(["describe", path])
            #expect(outcome.status == 1 && isOneSentence(outcome.errors) && outcome.errors.contains(words), "\(outcome.errors)")
        }
    }

    /// The message names what contradicts what, and the names the file has.
    @Test func weightsThatDoNotFit() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        try NPY.write(TinyLayer.random(TinyLayer.inputShape, seed: 1), to: folder.path("x.npy"))
        func run(_ arrays: [(name: String, tensor: Tensor)]) throws -> Voxelsmith.Outcome {
            try NPZFile.write(arrays, to: folder.path("w.npz"))
            return try Voxelsmith.run(["run", layer, "--weights", folder.path("w.npz"), "--input", folder.path("x.npy"), "--output", folder.path("y.npy")])
        }
        func zeros(_ shape: [Int]) throws -> Tensor { try Tensor(zeros: shape, .float32) }
        let bias = ("bias", try zeros([5]))
        let cases: [([(name: String, tensor: Tensor)], String)] = [
            ([("kernel", try zeros([2, 3, 3, 5, 4])), bias], "so 4 channels, which contradicts the 3 channels of the layer's input"),
            ([("kernel", try zeros([3, 5, 2, 3, 3])), bias], "PyTorch's order of axes"),
            ([("weight", try zeros([2, 3, 3, 5, 3])), bias], "expected it among those the file has: \"weight\", \"bias\""),
        ]
        for (arrays, words) in cases {
            let outcome = try run(arrays)
            #expect(outcome.status == 1 && isOneSentence(outcome.errors) && outcome.errors.contains(words), "\(outcome.errors)")
        }
        #expect(try run([("kernel", try zeros([2, 3, 3, 5, 3])), bias]).status == 0)
    }
}
