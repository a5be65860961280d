import Foundation
import Glibc
import Tensors
import TensorIO
import Testing
import _TestSupport

/// What reading a file costs in memory, whole program counted: at most 64 MiB and ten times the file's length.
@Suite(.serialized) struct ReaderMemoryTests {
    private static let fixtures = Voxelsmith.package.appendingPathComponent("Tests/TensorIOTests/Fixtures").path

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
        // `describe` would inspect sound ones, for which it loads LLVM.
        func plugin(_ file: String) -> [String] { run + [folder.path("y.npy"), "--kernel", "specialized", "--plugin", file] }
        let npy = try ["npy/f4_little.npy", "npy/i8_big.npy", "npy/five_axes_fortran.npy"].map(fixture)
        let models = try ["keras/model.keras", "keras/functional.keras", "keras/tfkeras2.keras"].map(fixture)
        let hdf5 = try ["keras/model.h5", "keras/keras224.h5"].map(fixture)
        let readers: [(format: String, samples: [[UInt8]], command: (String) -> [String])] = [
            ("npy", npy + [try Array(Data(contentsOf: URL(fileURLWithPath: folder.path("x.npy"))))], input),
            ("npz", try ["npz/stored.npz", "npz/deflated.npz"].map(fixture) + [Array(Data(contentsOf: URL(fileURLWithPath: folder.path("w.npz"))))], weights),
            ("keras", models, layers),
            ("h5", hdf5, layers),
            ("json", [Array(TinyLayer.json().utf8)], layers),
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
