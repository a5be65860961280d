import Foundation
import Testing
import VoxTensorIO
import VoxTensors
import _TestSupport

/// The verb that computes.
@Suite struct RunVerbTests {
    private func errorLines(_ outcome: Voxelsmith.Outcome) -> [Substring] { outcome.errors.split(separator: "\n") }

    @Test func modelAgreesWithKeras() throws {
        let folder = try TemporaryFolder()
        let (x, y) = (Fixture.keras("x.npy"), Fixture.keras("y.npy"))
        // Its inputs have no fixed extents, so they are given.
        let shape = try NPY.read(path: x).shape.map(String.init).joined(separator: ",")
        for model in ["model.keras", "model.h5"] {
            let (path, plugin) = (Fixture.keras(model), folder.path("\(model).so"))
            let built = try Voxelsmith.run(["build", path, "-o", plugin, "--input-shape", shape])
            #expect(built.status == 0, "\(model): \(built.errors)")
            for (kernel, threads) in [("specialized", "1"), ("specialized", "3"), ("interpreter", "2"), ("auto", "2")] {
                let outcome = try Voxelsmith.run([
                    "run", path, "--input", x, "--output", folder.path("out.npy"), "--plugin", plugin, "--kernel", kernel, "--threads",
                    threads, "--expect", y, "--tolerance", "2e-5",
                ])
                #expect(outcome.status == 0, "\(model) \(kernel): \(outcome.errors)")
                #expect(outcome.output.contains("values agree"), "\(model) \(kernel)")
                let (received, expected) = (try NPY.read(path: folder.path("out.npy")), try NPY.read(path: y))
                #expect(received.shape == expected.shape)
                #expect(Comparison(received.doubles, expected: expected.doubles).absoluteError < 2e-5, "\(model) \(kernel)")
            }
        }
    }

    @Test func expectationsFailWhenNotMet() throws {
        let folder = try TemporaryFolder()
        let expected = try NPY.read(path: Fixture.keras("y.npy"))
        var values = expected.floats
        values[values.count / 2] += 1e-3
        try NPY.write(Tensor(shape: expected.shape, values), to: folder.path("e.npy"))
        let outcome = try Voxelsmith.run([
            "run", Fixture.keras("model.keras"), "--input", Fixture.keras("x.npy"), "--output", folder.path("y.npy"), "--expect",
            folder.path("e.npy"),
        ])
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("Element \(values.count / 2) "), "\(outcome.errors)")
    }

    @Test func pluginsThatDoNotFit() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let other = try folder.write("other.json", TinyLayer.json(filters: 6))
        #expect(try Voxelsmith.run(["build", other, "-o", folder.path("other.so")]).status == 0)
        _ = try folder.write("broken.so", "no plugin")
        try NPY.write(TinyLayer.random(TinyLayer.inputShape, seed: 1), to: folder.path("x.npy"))
        try NPZFile.write(
            [("kernel", try TinyLayer.random(TinyLayer.kernelShape, seed: 2)), ("bias", try TinyLayer.random([5], seed: 3))],
            to: folder.path("w.npz"))
        let common = [
            "run", layer, "--input", folder.path("x.npy"), "--weights", folder.path("w.npz"), "--output", folder.path("y.npy"),
            "--plugin",
        ]
        for plugin in ["other.so", "broken.so", "absent.so"] {
            let specialized = try Voxelsmith.run(common + [folder.path(plugin), "--kernel", "specialized"])
            #expect(specialized.status == 1, "\(plugin)")
            #expect(errorLines(specialized).count == 1, "\(plugin): \(specialized.errors)")
            #expect(!FileManager.default.fileExists(atPath: folder.path("y.npy")), "\(plugin)")
        }
        for plugin in ["other.so", "broken.so", "absent.so"] {
            let auto = try Voxelsmith.run(common + [folder.path(plugin), "--kernel", "auto"])
            #expect(auto.status == 0, "\(plugin): \(auto.errors)")
            #expect(auto.errors.hasPrefix("voxelsmith: warning: "), "\(plugin): \(auto.errors)")
            #expect(try NPY.read(path: folder.path("y.npy")).shape == TinyLayer.outputShape)
        }
        let quiet = try Voxelsmith.run(common + [folder.path("broken.so"), "--kernel", "interpreter"])
        #expect(quiet.status == 0 && quiet.errors.isEmpty)
    }

    @Test func batchAxisMayBeLeftOut() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json(extra: ", \"use_bias\": false"))
        try NPZFile.write([("tiny/kernel", try TinyLayer.random(TinyLayer.kernelShape, seed: 2))], to: folder.path("w.npz"))
        let x = try TinyLayer.random(TinyLayer.inputShape, seed: 1)
        try NPY.write(x, to: folder.path("with.npy"))
        try NPY.write(x.reshaped(to: Array(x.shape.dropFirst())), to: folder.path("without.npy"))
        var results: [Tensor] = []
        for name in ["with", "without"] {
            let outcome = try Voxelsmith.run([
                "run", layer, "--input", folder.path("\(name).npy"), "--weights", folder.path("w.npz"), "--output",
                folder.path("y.npy"),
            ])
            #expect(outcome.status == 0, "\(outcome.errors)")
            results.append(try NPY.read(path: folder.path("y.npy")))
        }
        #expect(results.map(\.shape) == [TinyLayer.outputShape, Array(TinyLayer.outputShape.dropFirst())])
        #expect(results[0].floats == results[1].floats)
    }

    /// A model that keeps the size is compared with its input, as nothing is interpolated.
    @Test func truthAndPictureOfTheSameSize() throws {
        // The identity: the result is the input, so both ratios can be computed here.
        let folder = try TemporaryFolder()
        let json = """
            {"class_name": "Conv3DTranspose", "config": {"name": "one", "filters": 1, "kernel_size": [1, 1, 1], "use_bias": false}}
            """
        let layer = try folder.write("layer.json", json)
        try NPZFile.write([("kernel", try Tensor(shape: [1, 1, 1, 1, 1], [Float(1)]))], to: folder.path("w.npz"))
        var random = SeededRandom(seed: 5)
        let x = try Tensor(shape: [1, 4, 3, 2, 1], random.reals(24).map { Float($0) })
        try NPY.write(x, to: folder.path("x.npy"))
        // Off by 0.1 in the first half, which does not count, and by 0.01 in the second.
        let truth = x.floats.enumerated().map { $1 + ($0 < 12 ? 0.1 : 0.01) }
        try NPY.write(Tensor(shape: [4, 3, 2], truth), to: folder.path("t.npy"))
        let outcome = try Voxelsmith.run([
            "run", layer, "--input", folder.path("x.npy"), "--weights", folder.path("w.npz"), "--output", folder.path("y.npy"),
            "--truth", folder.path("t.npy"), "--picture", folder.path("p.png"),
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("result 40.00 dB, input 40.00 dB"), "\(outcome.output)")
        #expect(outcome.output.contains("depth slice 3 of the input, of the result, of the truth\n"), "\(outcome.output)")
        // Three panels of 3 voxels with gaps of 4, height 2.
        #expect(try sizeOfPicture(folder.path("p.png")) == [17, 2])
    }

    /// Twice the size by copies: a constant volume is its own interpolation.
    @Test func truthAndPictureOfTwiceTheSize() throws {
        let folder = try TemporaryFolder()
        let json = """
            {"class_name": "Conv3DTranspose", "config": {"name": "one", "filters": 1, "kernel_size": 2, "strides": 2, "use_bias": false}}
            """
        let layer = try folder.write("layer.json", json)
        try NPZFile.write([("kernel", try Tensor(shape: [2, 2, 2, 1, 1], [Float](repeating: 2, count: 8)))], to: folder.path("w.npz"))
        try NPY.write(Tensor(shape: [1, 2, 3, 4, 1], [Float](repeating: 0.25, count: 24)), to: folder.path("x.npy"))
        // The result is 0.5 everywhere, and the interpolation 0.25.
        try NPY.write(Tensor(shape: [4, 6, 8], [Float](repeating: 0.35, count: 192)), to: folder.path("t.npy"))
        let outcome = try Voxelsmith.run([
            "run", layer, "--input", folder.path("x.npy"), "--weights", folder.path("w.npz"), "--output", folder.path("y.npy"),
            "--truth", folder.path("t.npy"), "--picture", folder.path("p.png"),
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        // -20 log10 of the differences 0.15 and 0.1.
        #expect(outcome.output.contains("result 16.48 dB, trilinear interpolation 20.00 dB"), "\(outcome.output)")
        #expect(outcome.output.contains("depth slice 3 of the input, of its trilinear interpolation, of the result, of the truth\n"), "\(outcome.output)")
        // Four panels of 6 voxels with gaps of 4, height 8.
        #expect(try sizeOfPicture(folder.path("p.png")) == [36, 8])
    }

    /// Width and height, which bytes 16 to 23 of a PNG hold, the most significant first.
    private func sizeOfPicture(_ path: String) throws -> [Int] {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        try #require(bytes.count > 24 && bytes.starts(with: [0x89, 0x50, 0x4e, 0x47]))
        return [16, 20].map { start in bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) } }
    }

    /// A model in `Examples`, what it is run on, and the signal-to-noise ratios that Keras reaches and that its input has.
    struct BundledModel: CustomTestStringConvertible {
        let folder, model, input, truth: String
        let valueCount: Int
        let decibels: [Double]

        var testDescription: String { folder }
    }

    @Test(arguments: [
        BundledModel(
            folder: "brain-superresolution", model: "brain_superresolution.keras", input: "t1_lowres.npy", truth: "t1_highres_uint8.npy",
            valueCount: 76_800, decibels: [32.07, 29.93]),
        BundledModel(
            folder: "brain-denoising", model: "denoising_unet.keras", input: "noisy_float16.npy", truth: "truth_uint8.npy",
            valueCount: 15_552, decibels: [29.92, 20.00]),
    ])
    func bundledModelReachesItsQuality(bundled: BundledModel) throws {
        let folder = try TemporaryFolder()
        let example = Voxelsmith.package.appendingPathComponent("Examples/\(bundled.folder)").path
        let (model, plugin) = ("\(example)/\(bundled.model)", folder.path("model.so"))
        let built = try Voxelsmith.run(["build", model, "-o", plugin])
        #expect(built.status == 0, "\(built.errors)")
        let outcome = try Voxelsmith.run([
            "run", model, "--input", "\(example)/\(bundled.input)", "--output", folder.path("y.npy"), "--plugin", plugin, "--kernel",
            "specialized", "--truth", "\(example)/\(bundled.truth)", "--expect", "\(example)/expected_every_4th_voxel.npy",
            "--expect-every", "4", "--tolerance", "2e-5",
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("\(bundled.valueCount) values agree"), "\(outcome.output)")
        let words = outcome.output.split(separator: " ")
        let ratios = words.indices.dropLast().filter { words[$0 + 1].hasPrefix("dB") }.compactMap { Double(words[$0]) }
        try #require(ratios.count == 2, "\(outcome.output)")
        for (ratio, expected) in zip(ratios, bundled.decibels) { #expect(abs(ratio - expected) <= 0.03) }
    }

    @Test func missingWeightsAndWrongInputs() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        try NPY.write(TinyLayer.random(TinyLayer.inputShape, seed: 1), to: folder.path("x.npy"))
        try NPY.write(TinyLayer.random([3, 4], seed: 1), to: folder.path("flat.npy"))
        try NPZFile.write([("kernel", try TinyLayer.random(TinyLayer.kernelShape, seed: 2))], to: folder.path("w.npz"))
        let unbiased = try folder.write("unbiased.json", TinyLayer.json(extra: ", \"use_bias\": false"))
        let list = try folder.write("list.json", "[\(TinyLayer.json(name: "a")), \(TinyLayer.json(name: "b"))]")
        let (x, flat, weights) = (folder.path("x.npy"), folder.path("flat.npy"), folder.path("w.npz"))
        let before = try folder.names()
        for (arguments, words) in [
            (["run", layer, "--input", x], "--weights"),
            (["run", layer, "--input", x, "--weights", weights], "\"bias\""),
            (["run", layer, "--input", x, "--weights", folder.path("none.npz")], "none.npz"),
            (["run", unbiased, "--input", folder.path("none.npy"), "--weights", weights], "none.npy"),
            (["run", Fixture.keras("model.keras"), "--input", flat], "5 axes"),
            (["run", list, "--input", x, "--weights", weights], "2 independent layers"),
            (["run", x, "--input", x], "JSON"),
        ] {
            let outcome = try Voxelsmith.run(arguments + ["--output", folder.path("y.npy")])
            #expect(outcome.status == 1, "\(arguments)")
            #expect(errorLines(outcome).count == 1 && outcome.errors.contains(words), "\(arguments): \(outcome.errors)")
        }
        #expect(try folder.names() == before)
    }
}
