import Foundation
import Testing
import VoxTensorIO
import VoxTensors

@Suite struct KerasFileTests {
    private let shapes = [[3, 3, 3, 3, 2], [3], [3, 3, 3, 2, 3], [2], [3, 3, 3, 1, 2], [1]]

    /// The first elements of the decoder's six weights, read with h5py.
    private let starts: [Float] = [-0.28800628, 0.02407747, -0.01312877, 0.19014917, 0.24405244, -0.2872552]

    private func check(_ weights: KerasWeights, _ what: String) {
        #expect(weights.tensors.map(\.tensor.shape) == shapes, "\(what)")
        let received = weights.tensors.compactMap(\.tensor.floats.first)
        #expect(received.count == starts.count && zip(received, starts).allSatisfy { abs($0 - $1) < 1e-7 }, "\(what): \(received)")
    }

    @Test func theSameDecoderFromEveryGeneration() throws {
        let reference = try KerasWeights(path: fixture("keras/model.weights.h5"))
        check(reference, "model.weights.h5")
        #expect(reference.form == .variables && reference.config == nil)
        #expect(reference.tensors.map(\.path) == [
            "layers/conv3d_transpose/vars/0", "layers/conv3d_transpose/vars/1", "layers/conv3d_transpose_1/vars/0",
            "layers/conv3d_transpose_1/vars/1", "layers/conv3d_transpose_2/vars/0", "layers/conv3d_transpose_2/vars/1",
        ])
        #expect(reference.tensors.map(\.group) == reference.tensors.map { String($0.path.dropLast(7)) })
        #expect(reference.tensors.map(\.layerName) == ["up1", "up1", "up2", "up2", "up3", "up3"])

        let archives = [("model", "3.15.1", true), ("tfkeras2", "2.", false)]
        for (name, version, named) in archives {
            let archive = try KerasArchive(path: fixture("keras/\(name).keras"))
            check(archive.weights, name)
            #expect(archive.weights.tensors[2].layerName == (named ? "up2" : nil), "\(name)")
            #expect(try JSONSerialization.jsonObject(with: Data(archive.config)) is [String: Any], "\(name)")
            let metadata = try JSONSerialization.jsonObject(with: Data(archive.metadata ?? [])) as? [String: Any]
            #expect((metadata?["keras_version"] as? String)?.hasPrefix(version) == true, "\(name)")
        }

        for (name, layers, version, second, whole) in [
            ("model.h5", ["up1", "up2", "up3"], "3.15.1", "up1/decoder/up1/bias", true),
            ("keras224.h5", (1...3).map { "conv3d_transpose_\($0)" }, "2.2.4", "conv3d_transpose_1/conv3d_transpose_1/bias:0", true),
            ("tfkeras2_weights_legacy.h5", ["up1", "up2", "up3"], "2.", "up1/up1/bias:0", false),
        ] {
            let weights = try KerasWeights(path: fixture("keras/\(name)"))
            check(weights, name)
            #expect(weights.form == .layerNames && weights.layerNames == layers, "\(name)")
            #expect(weights.kerasVersion?.hasPrefix(version) == true, "\(name)")
            #expect(weights.tensors[1].path == second && weights.tensors[1].group == layers[0] && weights.tensors[1].layerName == layers[0], "\(name)")
            #expect((weights.config != nil) == whole, "\(name)")
            if let config = weights.config { #expect(try JSONSerialization.jsonObject(with: Data(config)) is [String: Any], "\(name)") }
            for (read, same) in zip(weights.tensors, reference.tensors) { #expect(read.tensor.floats == same.tensor.floats, "\(name) \(read.path)") }
        }
    }

    @Test func aFunctionalModel() throws {
        let archive = try KerasArchive(bytes: fixtureBytes("keras/functional.keras"), name: "f")
        #expect(archive.weights.tensors.map(\.path) == ["layers/conv3d_transpose/vars/0", "layers/conv3d_transpose/vars/1", "layers/conv3d_transpose_1/vars/0"])
        #expect(archive.weights.tensors.map(\.layerName) == ["a", "a", "b"])
    }

    @Test func aSplitListKeepsTheOrderOfTheFile() throws {
        let weights = try KerasWeights(path: fixture("hdf5/split.h5"))
        #expect(weights.layerNames == ["b", "a", "c"])
        #expect(weights.tensors.map(\.path) == ["b/b/kernel:0", "a/a/kernel:0"])
        #expect(weights.tensors.map(\.tensor.floats) == [[3], [1, 2]])
    }

    @Test func filesThatAreNoModel() throws {
        let npz = fixture("npz/stored.npz")
        #expect(
            ioError { _ = try KerasArchive(path: npz) }
                == .missingMember(path: npz, member: "config.json", present: ["kernel.npy", "up1/bias.npy", "flag.npy"]))
        let junk = try ZipArchive.encode([("config.json", [0x7B, 0x7D]), ("model.weights.h5", [1, 2, 3])])
        #expect(ioError { _ = try KerasArchive(bytes: junk, name: "k") } == .notHDF5(path: "k:model.weights.h5"))
        let plain = try KerasArchive(
            bytes: ZipArchive.encode([("config.json", [0x7B, 0x7D]), ("model.weights.h5", fixtureBytes("keras/model.weights.h5"))]), name: "k")
        #expect(plain.metadata == nil && plain.config == [0x7B, 0x7D])
        let bytes = try fixtureBytes("keras/model.keras")
        for count in stride(from: 0, to: bytes.count, by: 997) {
            #expect(ioError { _ = try KerasArchive(bytes: Array(bytes.prefix(count)), name: "k") } != nil, "\(count) bytes")
        }
    }

    @Test func theArraysBesideTheModel() throws {
        #expect(try NPY.read(path: fixture("keras/x.npy")).shape == [2, 3, 2, 4, 2])
        #expect(try NPY.read(path: fixture("keras/y.npy")).shape == [2, 24, 16, 32, 1])
    }
}
