import Foundation
import Testing
import VoxKerasConfig
import VoxLayerSpec
import VoxTensorIO
import VoxTensors
import Voxelsmith
import VoxelsmithModelIO
import _TestSupport

/// Whole `.keras` files with a damaged member under true checksums, through the loader that users call.
@Suite struct ModelFuzzTests {
    /// The bytes of all tensors, in an order of their own.
    private func contents(_ tensors: [Tensor]) -> [[UInt8]] {
        tensors.map { tensor in tensor.withUnsafeBytes { Array($0) } }.sorted { $0.lexicographicallyPrecedes($1) }
    }

    @Test func damagedMembersFuzz() throws {
        let paths = ["model.keras", "functional.keras", "tfkeras2.keras"].map(Fixture.keras) + ["branching.keras", "layers/clips.keras"].map(Fixture.layer)
        let samples = try paths.map { path in
            let archive = try ZipArchive(path: path)
            return try archive.members.map { (name: $0.name, bytes: try archive.read($0.name)) }
        }
        let folder = try TemporaryFolder()
        var members: [(name: String, bytes: [UInt8])] = []
        let result = try Fuzzing("keras-members", count: 800).run { random in
            members = samples[random.integer(0...samples.count - 1)]
            let place = random.integer(0...members.count - 1)
            members[place].bytes =
                members[place].name.hasSuffix(".json") && random.integer(0...3) > 0
                ? Fuzzing.alteredJSON(members[place].bytes, &random) : Fuzzing.damaged(members[place].bytes, &random)
            return []
        } body: { index, _ in
            let path = try folder.write(ZipArchive.encode(members), as: "model.keras")
            do {
                let model = try loadModel(path: path)
                // Every weight of the file is in the model, and nothing else is.
                let stored = try KerasArchive(path: path).weights.tensors.map(\.tensor)
                let own = model.weights.map(\.value)
                #expect(own.map(\.elementCount).sorted() == stored.map(\.elementCount).sorted(), "case \(index)")
                // A config can ask for weights of another type.
                if own.map(\.byteCount).sorted() == stored.map(\.byteCount).sorted() { #expect(contents(own) == contents(stored), "case \(index)") }
                #expect(try !model.layers.isEmpty && !model.summary().isEmpty, "case \(index)")
                return "read"
            } catch {
                #expect("\(error)".hasSuffix("."), "case \(index): \(error)")
                return "\(type(of: error))"
            }
        }
        #expect(result.share(of: "read") >= 0.2, "\(result.counts)")
        #expect(result["\(KerasConfigError.self)"] > 0 && result["\(TensorIOError.self)"] > 0, "\(result.counts)")
        #expect(result.slowest.seconds < 5, "\(result.slowest)")
    }

    /// A config of a few bytes that asks for gigabytes of weights is refused before they are made.
    @Test func weightsBeyondTheFileAreNotMade() throws {
        let archive = try ZipArchive(path: Fixture.keras("functional.keras"))
        let config = String(decoding: try archive.read("config.json"), as: UTF8.self)
        let filters = try #require(config.firstMatch(of: /"filters": ?(\d+)/))
        let folder = try TemporaryFolder()
        let members = try archive.members.map { member in
            (name: member.name, bytes: member.name == "config.json" ? Array(config.replacing(filters.0, with: "\"filters\": 3000000").utf8)
                : try archive.read(member.name))
        }
        let path = try folder.write(ZipArchive.encode(members), as: "m.keras")
        let start = ContinuousClock.now
        #expect("\(path)") { try loadModel(path: path) } throws: { error in
            guard case .weightBeyondFile(_, "kernel", let shape, _)? = error as? ModelIOError else { return false }
            return shape.contains(3_000_000)
        }
        #expect(ContinuousClock.now - start < .seconds(20))
    }
}
