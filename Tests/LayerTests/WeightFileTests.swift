import Foundation
import Testing
import VoxKerasConfig
import VoxKernelRuntime
import VoxTensorIO
import Voxelsmith
import VoxelsmithModelIO
import _TestSupport

/// What the values of a file mean, and what is said of files that do not fit.
struct WeightFileTests {
    /// Kernels of Conv3D are turned back, those of Conv3DTranspose are not.
    @Test func kernelsOfTheanoAreTurned() throws {
        let values = try NPZFile(path: Fixture.layer("theano.npz"))
        let messages = Messages()
        let model = try loadModel(path: Fixture.layer("theano.h5"), kernels: KernelRegistry(), logger: messages.logger)
        try expectAgreement(model, values.tensor("x"), expected: values.tensor("y0"), "theano.h5")
        let warning = try #require(messages.texts.withLock { $0 }.first)
        #expect(warning.contains("backend theano") && warning.contains("\"down\"") && !warning.contains("\"up\""), "\(warning)")
        // Of backends that compute as this library does, nothing is said; of unknown ones, that kernels stay as they are.
        let weights = try KerasWeights(path: Fixture.layer("theano.h5"))
        #expect(weights.backend == "theano")
        let bytes = try InputFile.bytes(of: Fixture.layer("theano.h5"))
        let plain = try #require(Self.replacing("theano", by: "cntk\0\0", in: bytes))
        let unknown = try #require(Self.replacing("theano", by: "weirdo", in: bytes))
        let kernel = try #require(weights.tensors.first { $0.path.contains("down") && $0.path.contains("kernel") }?.tensor.floats)
        for (image, word) in [(plain, nil), (unknown, "weirdo")] as [([UInt8], String?)] {
            let down = try Conv3D(filters: 3, kernelSize: [2, 3, 2], padding: .same, name: "down")
            let up = try Conv3DTranspose(filters: 2, kernelSize: 2, strides: 2, name: "up")
            let said = try assign(KerasWeights(image: image, name: "w"), to: [down, up])
            #expect(said.count == (word == nil ? 0 : 1) && word.map { said[0].contains($0) } ?? true, "\(said)")
            #expect(down.getWeights()[0].floats == kernel)
        }
    }

    private static func replacing(_ old: String, by new: String, in bytes: [UInt8]) -> [UInt8]? {
        let text = String(decoding: bytes, as: Unicode.ASCII.self)
        guard text.unicodeScalars.count == bytes.count, text.contains(old), old.utf8.count == new.utf8.count else { return nil }
        var result = bytes
        for start in bytes.indices where bytes[start...].starts(with: old.utf8) {
            result.replaceSubrange(start..<start + old.utf8.count, with: new.utf8)
        }
        return result
    }

    /// bfloat16 stands in HDF5 as two opaque bytes, with an attribute that says so in what Keras 3 writes but for whole-model `.h5` files,
    /// and bare in what tf-keras writes.
    @Test func sixteenBitWeightsAreRead() throws {
        for name in ["bfloat16", "bare_bfloat16"] {
            let values = try NPZFile(path: Fixture.layer("\(name).npz"))
            let model = try loadModel(path: Fixture.layer("\(name).keras"), kernels: KernelRegistry())
            try expectAgreement(model, values.tensor("x"), expected: values.tensor("y0"), type: .bfloat16, "\(name).keras")
        }
        for type in [ElementType.float16, .bfloat16] {
            let values = try NPZFile(path: Fixture.layer("sixteen_bits_\(type.rawValue).npz"))
            let model = try loadModel(path: Fixture.layer("sixteen_bits_\(type.rawValue).h5"), kernels: KernelRegistry())
            #expect(model.weights.allSatisfy { $0.dtype == type })
            try expectAgreement(model, values.tensor("x"), expected: values.tensor("y0"), type: type, "\(type).h5")
            let weights = try KerasWeights(path: Fixture.layer("sixteen_bits_\(type.rawValue).weights.h5"))
            #expect(weights.tensors.map { $0.tensor.doubles } == model.getWeights().map(\.doubles))
        }
    }

    /// hard_sigmoid of tf-keras is clip(0.2 x + 0.5, 0, 1), also where the file states no version.
    @Test func theGenerationOfAConfigDecides() throws {
        let values = try NPZFile(path: Fixture.layer("tfk_hard_sigmoid.npz"))
        let (x, expected) = (try values.tensor("x"), try values.tensor("y0"))
        for file in ["tfk_hard_sigmoid.get_config.json", "tfk_hard_sigmoid.to_json.json"] {
            let messages = Messages()
            let json = try String(decoding: InputFile.bytes(of: Fixture.layer(file)), as: UTF8.self)
            let model = try modelFromJSON(json, kernels: KernelRegistry(), logger: messages.logger)
            let layers = model.layers.compactMap { $0 as? Conv3D }
            try loadWeights(path: Fixture.layer("tfk_hard_sigmoid.weights.npz"), into: layers)
            let received = try model(x).doubles
            // Sums of at most 2 products and a bias, then a slope of 1/5 and two roundings of at most 1; twice, for both sides.
            let u = ElementType.float32.unitRoundoff
            let gamma = ErrorBound.gamma(4, .float32)
            let reach = layers.map { layer in layer.getWeights().map { $0.doubles.map(abs).max() ?? 0 } }
            let largest = x.doubles.map(abs).max() ?? 0
            let first = 0.2 * 2 * gamma * (2 * reach[0][0] * largest + reach[0][1]) + 4 * u
            let second = 0.2 * (2 * reach[1][0] * first + 2 * gamma * (2 * reach[1][0] + reach[1][1])) + 4 * u
            #expect(
                ErrorBound.firstViolation(received: received, expected: expected.doubles, bounds: received.map { _ in second }) == nil, "\(file)")
            #expect(messages.texts.withLock { $0 }.isEmpty, "\(file)")
        }
    }

    /// What contradicts what is named, with the names the file has.
    @Test func weightsThatDoNotFitAreNamed() throws {
        func up(_ shape: [Int?]? = nil) throws -> Conv3DTranspose {
            try Conv3DTranspose(filters: 2, kernelSize: [1, 2, 3], name: "up", batchInputShape: shape)
        }
        let folder = try TemporaryFolder()
        func message(_ arrays: [(String, [Int])], _ layer: Conv3D) throws -> String {
            let path = folder.path("w.npz")
            try NPZFile.write(arrays.map { ($0.0, try Tensor(zeros: $0.1, .float32)) }, to: path)
            do {
                try loadWeights(path: path, into: [layer])
                return ""
            } catch {
                return "\(error)"
            }
        }
        let bias = ("bias", [2])
        #expect(try message([("kernel", [1, 2, 3, 2, 5]), bias], up()) == "")
        let cases: [([Int], [Int?]?, String)] = [
            ([5, 2, 1, 2, 3], nil, "which is PyTorch's order of axes; expected Keras's, [1, 2, 3, 2, any]: weight.permute(2, 3, 4, 1, 0)"),
            (
                [2, 5, 1, 2, 3], nil,
                "PyTorch's order of axes with filters and channels exchanged; expected Keras's, [1, 2, 3, 2, any]: weight.permute(2, 3, 4, 0, 1)"
            ),
            ([1, 2, 3, 5, 2], [nil, nil, nil, nil, 5], "which has filters and channels exchanged; expected [1, 2, 3, 2, 5]"),
            ([1, 2, 3, 2, 4], [nil, 2, 2, 2, 5], "so 4 channels, which contradicts the 5 channels of the layer's input"),
            ([1, 2, 3, 3, 4], nil, "so 3 filters, which contradicts the config; expected 2"),
            ([3, 3, 3, 2, 5], nil, "so a kernel size of [3, 3, 3], which contradicts the config; expected [1, 2, 3]"),
            ([2, 5], nil, "which does not fit; expected [1, 2, 3, 2, any]"),
        ]
        for (shape, input, words) in cases {
            let said = try message([("kernel", shape), bias], up(input))
            #expect(said.contains("\"kernel\"") && said.contains("\(shape)") && said.contains(words), "\(said)")
        }
        let down = try Conv3D(filters: 4, kernelSize: [1, 2, 3], groups: 2, name: "down", batchInputShape: [nil, 2, 2, 3, 6])
        #expect(try message([("kernel", [4, 3, 1, 2, 3]), ("bias", [4])], down).contains("PyTorch"))
        #expect(try message([("kernel", [1, 2, 3, 2, 5]), ("bias", [3])], up()).contains("\"bias\" for layer \"up\" has shape [3]"))
        let names = (0..<20).map { ("a\($0)", [1]) }
        let missing = try message(names, up())
        #expect(missing.contains("\"up/kernel\"") && missing.contains("\"a0\"") && missing.contains("and 12 more") && !missing.contains("\"a9\""), "\(missing)")
    }

    /// A build_config of other channels than the kernel in the same file.
    @Test func channelsThatContradictTheBuildConfig() throws {
        for (channels, words) in [(1, "so 2 channels, which contradicts the 1 channels"), (3, "for which the file has too few weights")] {
            let archive = try ZipArchive(path: Fixture.layer("infinity_in_config.keras"))
            let changed = String(decoding: try archive.read("config.json"), as: UTF8.self)
                .replacing("[null, 2, 2, 2, 2]", with: "[null, 2, 2, 2, \(channels)]")
            let members = try archive.members.map { member in
                (name: member.name, bytes: member.name == "config.json" ? Array(changed.utf8) : try archive.read(member.name))
            }
            let folder = try TemporaryFolder()
            let path = try folder.write(ZipArchive.encode(members), as: "m.keras")
            #expect("\(channels)", performing: { try loadModel(path: path, kernels: KernelRegistry()) }, throws: { error in
                let text = "\(error)"
                return text.contains(words) && text.contains("layers/conv3d_transpose/vars/0") && text.contains("\"conv3d_transpose\"")
            })
        }
    }

    /// Every form that Keras stores weights in, for layers whose file has none.
    @Test func everyFormOfWeightsIsTaken() throws {
        let expected = try loadModel(path: Fixture.keras("model.keras"), kernels: KernelRegistry()).getWeights().map(\.floats)
        for file in ["model.weights.h5", "model.h5", "model.keras"] {
            let layers = try makeLayers(ModelFile(path: Fixture.config("keras3_model.json")).layers())
            let said = try loadWeights(path: Fixture.keras(file), into: layers)
            #expect(layers.flatMap { $0.getWeights().map(\.floats) } == expected && said.isEmpty, "\(file)")
        }
        #expect(throws: ModelIOError.foreignFile(path: Fixture.config("keras3_model.json"), .json, expected: .weights)) {
            try loadWeights(path: Fixture.config("keras3_model.json"), into: [])
        }
    }
}
