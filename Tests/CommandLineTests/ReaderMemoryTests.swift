import Foundation
import Glibc
import Testing
import VoxTensorIO
import VoxTensors
import _TestSupport

/// What reading a file costs in memory, whole program counted: at most 64 MiB and ten times the file's length.
@Suite(.serialized) struct ReaderMemoryTests {
    private static let fixtures = Voxelsmith.package.appendingPathComponent("Tests/TensorIOTests/Fixtures").path

    private static let onnx = """
        {"class_name": "ConvTranspose", "config": {"kernel_shape": [3, 3, 3], "strides": [2, 2, 2], "pads": [1, 1, 1, 1, 1, 1],
         "output_padding": [1, 1, 1], "channels": 4, "filters": 6, "name": "up"}, "build_config": {"input_shape": [1, 4, 3, 4, 5]}}
        """
    private static let record = """
        {"key": "transposedConvolution;i3x4x5;o6x8x5;k2x3x3;s2x2x1;d1x1x1;p0x0x1;c3;f5;g1;last;f32/f32;bias;relu;fast", "cpu": "another", "cores": 2,
         "instruction_set": "x86-64-v4", "threads": 1, "compiler": "clang", "templates": "0", "decision": {}, "estimate_ms": 1.5, "best_ms": 1,
         "tried": 3, "dropped": 0}
        """

    /// An archive whose directory has nothing but entries of two letters, all of one empty member.
    private func emptyMembers(_ count: Int) -> [UInt8] {
        func little(_ value: Int, _ bytes: Int) -> [UInt8] { (0..<bytes).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
        let local: [UInt8] = [0x50, 0x4b, 3, 4, 20, 0] + [UInt8](repeating: 0, count: 20) + little(4, 2) + [0, 0] + Array("0000".utf8)
        var directory: [UInt8] = []
        for index in 0..<count {
            let digits = (0..<4).map { UInt8(ascii: "0") + UInt8(index >> ($0 * 4) & 15) }
            directory += [0x50, 0x4b, 1, 2, 20, 0, 20, 0] + [UInt8](repeating: 0, count: 20) + little(4, 2) + [UInt8](repeating: 0, count: 16) + digits
        }
        let entries = little(count, 2) + little(count, 2)
        return local + directory + [0x50, 0x4b, 5, 6, 0, 0, 0, 0] + entries + little(directory.count, 4) + little(local.count, 4) + [0, 0]
    }

    /// A safetensors file of nothing but names: of as many empty tensors as are read, and then of more.
    private func emptyTensors(_ count: Int) -> [UInt8] {
        let entries = (0..<count).map { "\"\($0)\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}" }
        let header = Array("{\(entries.joined(separator: ","))}".utf8)
        return (0..<8).map { UInt8(truncatingIfNeeded: header.count >> ($0 * 8)) } + header
    }

    private func fixture(_ name: String) throws -> [UInt8] {
        try Array(Data(contentsOf: URL(fileURLWithPath: "\(Self.fixtures)/\(name)")))
    }

    @Test func noReaderTakesMoreThanItsFileAllows() async throws {
        let folder = try TemporaryFolder()
        let run = try folder.tinyRun()
        #expect(try await Child.run(["build", folder.path("layer.json"), "-o", folder.path("p.so")]).status == 0)
        let layer = folder.path("layer.json")
        func input(_ file: String) -> [String] { ["run", layer, "--input", file, "--weights", folder.path("w.npz"), "--output", folder.path("y.npy")] }
        func weights(_ file: String) -> [String] { ["run", layer, "--input", folder.path("x.npy"), "--weights", file, "--output", folder.path("y.npy")] }
        func layers(_ file: String) -> [String] { ["emit", file, "-o", folder.path("c")] }
        // A sound file is read, and there is no time to measure what it lacks.
        func tunings(_ file: String) -> [String] { ["tune", layer, "--tunings", file, "--time-limit", "0.000001"] }
        // `describe` would inspect sound ones, for which it loads LLVM.
        func plugin(_ file: String) -> [String] { run + [folder.path("y.npy"), "--kernel", "specialized", "--plugin", file] }
        let npy = try ["npy/f4_little.npy", "npy/i8_big.npy", "npy/five_axes_fortran.npy"].map(fixture)
        let models = try ["keras/model.keras", "keras/functional.keras", "keras/tfkeras2.keras"].map(fixture)
        let hdf5 = try ["keras/model.h5", "keras/keras224.h5"].map(fixture)
        let readers: [(format: String, samples: [[UInt8]], command: (String) -> [String])] = [
            ("npy", npy + [try Array(Data(contentsOf: URL(fileURLWithPath: folder.path("x.npy"))))], input),
            ("npz", try ["npz/stored.npz", "npz/deflated.npz"].map(fixture) + [Array(Data(contentsOf: URL(fileURLWithPath: folder.path("w.npz"))))], weights),
            ("safetensors", [try SafetensorsFile.encode(NPZFile(path: folder.path("w.npz")).tensors())], weights),
            ("keras", models, layers),
            ("h5", hdf5, layers),
            ("json", [Array(TinyLayer.json().utf8), Array(Self.onnx.utf8)], layers),
            ("tunings", [Array("{\"format\": \"voxelsmith-tunings\", \"version\": 1, \"records\": [\n\(Self.record)\n]}".utf8)], tunings),
            ("so", [try Array(Data(contentsOf: URL(fileURLWithPath: folder.path("p.so"))))], plugin),
        ]
        for (format, samples, command) in readers {
            var (worst, accepted, index) = (0.0, 0, 0)
            // Sound ones, damaged ones, and a few that are much too long.
            var files = samples
            var random = SeededRandom(seed: 10)
            for round in 0..<24 { files.append(Fuzzing.damaged(samples[round % samples.count], &random)) }
            files.append(samples[0] + [UInt8](repeating: 0, count: 20 << 20))
            files.append([UInt8](repeating: UInt8(ascii: "["), count: 20 << 20))
            if format == "npz" || format == "keras" { files.append(emptyMembers(65_535)) }
            if format == "safetensors" { files += [emptyTensors(99_000), emptyTensors(200_000)] }
            if format == "tunings" {
                let lines = [String](repeating: Self.record, count: 5000).joined(separator: ",")
                files.append(Array("{\"format\": \"voxelsmith-tunings\", \"version\": 1, \"records\": [\(lines)]}".utf8))
            }
            for bytes in files {
                var outcome: Child.Outcome
                var tries = 0
                // On a busy machine a short life may pass unseen.
                repeat {
                    outcome = try await Child.run(command(folder.write(bytes, as: "file.\(format)")), seconds: 60)
                    tries += 1
                } while outcome.peakBytes <= 1 << 20 && tries < 10
                #expect(outcome.status == 0 || outcome.isFailure(), "\(format) \(index): \(outcome)")
                let limit = 64 << 20 + 10 * bytes.count
                #expect(outcome.peakBytes <= limit, "\(format) \(index): \(outcome.peakBytes) bytes for a file of \(bytes.count)")
                #expect(outcome.peakBytes > 1 << 20, "\(format) \(index) was not measured")
                worst = max(worst, Double(outcome.peakBytes) / Double(limit))
                if outcome.status == 0 { accepted += 1 }
                index += 1
            }
            print("\(format): \(index) files, \(accepted) of them read, at most \(Int(100 * worst)) % of 64 MiB and ten times the file")
            #expect(accepted > 0, "\(format)")
        }
    }
}
