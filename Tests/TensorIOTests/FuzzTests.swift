import Foundation
import Tensors
import TensorIO
import Testing
import _TestSupport

/// Damaged files end as tensors or as typed errors, soon, whatever the damage.
@Suite(.serialized) struct FuzzTests {
    /// `read`, or the name of the error's case.
    private func outcome(_ what: String, _ body: () throws -> Int) -> String {
        do {
            let elements = try body()
            #expect(elements < 1 << 26, "\(what)")
            return "read"
        } catch let error as TensorIOError {
            #expect(error.description.hasSuffix("."), "\(what): \(error)")
            return Mirror(reflecting: error).children.first?.label ?? "\(error)"
        } catch {
            Issue.record("\(what): \(error)")
            return "other"
        }
    }

    @Test func npy() throws {
        let samples = try fixtures(in: "npy").map { try fixtureBytes("npy/\($0)") }
        let result = Fuzzing("npy", count: 4000).run(samples) { index, bytes in
            outcome("case \(index)") { try NPY.decode(bytes, name: "n").elementCount }
        }
        #expect(result["read"] > 0 && result.counts.count >= 5, "\(result.counts)")
        #expect(result.slowest.seconds < 5, "\(result.slowest)")
    }

    @Test func npzWithBrokenChecksums() throws {
        let samples = try ["npz/stored.npz", "npz/deflated.npz"].map(fixtureBytes)
        let result = Fuzzing("npz", count: 2000).run(samples) { index, bytes in
            outcome("case \(index)") { try NPZFile(bytes: bytes).tensors().map(\.tensor.elementCount).reduce(0, +) }
        }
        #expect(result.counts.count >= 4, "\(result.counts)")
        #expect(result.slowest.seconds < 5, "\(result.slowest)")
    }

    /// The members are damaged and zipped again with true checksums, so the array reader sees them.
    @Test func npzWithTrueChecksums() throws {
        let members = try ["stored", "deflated"].flatMap { name in
            let archive = try ZipArchive(path: fixture("npz/\(name).npz"))
            return try archive.members.map { try archive.read($0.name) }
        }
        var zipped = 0
        let result = try Fuzzing("npz-inner", count: 2000).run(members) { index, bytes in
            let archive = try ZipArchive.encode([("a.npy", bytes)])
            zipped += 1
            return outcome("case \(index)") { try NPZFile(bytes: archive).tensor("a").elementCount }
        }
        #expect(zipped > 0 && result["read"] > 0 && result["zipMember"] == 0, "\(result.counts)")
    }

    /// Weights that Keras saved, damaged, under true checksums of the zip.
    @Test func keras() throws {
        let archives = try ["model.keras", "functional.keras", "tfkeras2.keras"].map { try ZipArchive(path: fixture("keras/\($0)")) }
        let weights = try archives.map { try $0.read("model.weights.h5") }
        let config = try archives[0].read("config.json")
        let result = try Fuzzing("keras", count: 3000).run(weights) { index, bytes in
            let archive = try ZipArchive.encode([("config.json", config), ("model.weights.h5", bytes)])
            return outcome("case \(index)") {
                let elements = try KerasArchive(bytes: archive, name: "k").weights.tensors.map(\.tensor.elementCount).reduce(0, +)
                // No two datasets share bytes: what is read was in the file.
                #expect(elements <= bytes.count, "case \(index)")
                return elements
            }
        }
        // The weight reader is behind the zip and the signature of HDF5.
        let reached = 1 - result.share(of: "notHDF5") - result.share(of: "notZip") - result.share(of: "zipMember")
        #expect(reached >= 0.2, "\(result.counts)")
        #expect(result.share(of: "read") >= 0.2, "\(result.counts)")
        #expect(result.slowest.seconds < 5, "\(result.slowest)")
    }

    @Test func legacyHDF5() throws {
        let samples = try ["keras/model.h5", "keras/keras224.h5", "keras/tfkeras2_weights_legacy.h5", "hdf5/split.h5"].map(fixtureBytes)
        let result = Fuzzing("h5", count: 3000).run(samples) { index, bytes in
            outcome("case \(index)") {
                let weights = try KerasWeights(image: bytes, name: "h")
                return weights.tensors.map(\.tensor.elementCount).reduce(0, +) + (weights.config?.count ?? 0)
            }
        }
        #expect(result.share(of: "read") >= 0.2, "\(result.counts)")
        #expect(result.slowest.seconds < 5, "\(result.slowest)")
    }
}
