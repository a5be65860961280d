import Foundation
import Testing
import VoxTensorIO
import _TestSupport

/// Exit statuses, sentences, and what is loaded when.
@Suite struct UsageTests {
    @Test func wrongUsageIs64() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        for arguments in [
            ["frobnicate"], ["emit"], ["emit", layer, "--target", "pdp11"], ["emit", layer, "--policy", "quick"], ["build", layer],
            ["run", layer], ["run", layer, "--input", "x", "--output", "y", "--kernel", "any"],
            ["run", layer, "--input", "x", "--output", "y", "--threads", "0"], ["bench", layer, "--threads", "many"],
            ["run", layer, "--input", "x", "--output", "y", "--tolerance", "inf"], ["run", layer, "--input", "x", "--output", "y", "--tolerance", "-1"],
            ["describe"], ["verify", layer, layer], ["inspect", "p.so"], ["inspect", "p.so", "a", "b", "-o", "p.html"],
        ] {
            let outcome = try Voxelsmith.run(arguments)
            #expect(outcome.status == 64, "\(arguments)")
            #expect(isOneSentence(outcome.errors) && outcome.errors.contains(" --help' for more information."), "\(arguments): \(outcome.errors)")
            #expect(outcome.output.isEmpty, "\(arguments)")
        }
    }

    @Test func helpIs0() throws {
        for arguments in [["--help"], [], ["run", "--help"], ["help", "bench"]] {
            let outcome = try Voxelsmith.run(arguments)
            #expect(outcome.status == 0 && outcome.output.contains("USAGE: voxelsmith"), "\(arguments)")
            #expect(outcome.errors.isEmpty, "\(arguments)")
        }
    }

    @Test func failuresLeaveNothingBehind() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let broken = try folder.write("broken.json", "{\"class_name\": ")
        for arguments in [
            ["build", broken, "-o", folder.path("p.so")], ["build", layer, "-o", folder.path("p.so"), "--clang", "/nowhere/clang"],
            ["build", layer, "-o", folder.path("p.so"), "--clang", "/bin/false"], ["build", layer, "-o", folder.path("no/such/folder/p.so")],
            ["emit", broken, "-o", folder.path("c")], ["bench", broken, "--json", folder.path("b.json")],
            ["describe", folder.path("absent.so")], ["verify", folder.path("absent.so")], ["inspect", layer, "-o", folder.path("p.html")],
        ] {
            let outcome = try Voxelsmith.run(arguments)
            #expect(outcome.status == 1, "\(arguments)")
            #expect(outcome.errors.hasPrefix("voxelsmith: ") && outcome.errors.split(separator: "\n").count == 1, "\(arguments): \(outcome.errors)")
        }
        #expect(try folder.names() == ["broken.json", "layer.json"])
    }

    /// The dynamic linker prints every file it opens.
    private func loadedLibraries(_ arguments: [String]) throws -> Set<String> {
        let outcome = try Voxelsmith.run(arguments, environment: ["LD_DEBUG": "files"])
        #expect(outcome.status == 0, "\(arguments)")
        return Set(["libLLVM", "libhdf5", "libzip", "libpng"].filter { outcome.errors.contains($0) })
    }

    @Test func librariesAreLoadedWhenNeededOnly() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json(extra: ", \"use_bias\": false"))
        #expect(try loadedLibraries(["--help"]) == [])
        #expect(try loadedLibraries(["emit", layer]) == [])
        #expect(try loadedLibraries(["bench", layer, "--seconds", "0"]) == [])
        #expect(try loadedLibraries(["regenerate", "--suite", layer, "--output", folder.path("g")]) == [])
        // The method sees what is loaded.
        let keras = Fixture.keras("model.keras")
        #expect(try loadedLibraries(["emit", keras, "--input-shape", "1,3,2,4,2", "-o", folder.path("c")]).isSuperset(of: ["libzip"]))

        try NPY.write(TinyLayer.random(TinyLayer.inputShape, seed: 1), to: folder.path("x.npy"))
        try NPZFile.write([("kernel", try TinyLayer.random(TinyLayer.kernelShape, seed: 2))], to: folder.path("w.npz"))
        let run = [
            "run", layer, "--input", folder.path("x.npy"), "--weights", folder.path("w.npz"), "--output", folder.path("y.npy"),
        ]
        #expect(try loadedLibraries(run) == ["libzip"])
    }

    @Test func oneLayerIsEmittedWithLittleWork() async throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let outcome = try await Child.run(["emit", layer])
        #expect(outcome.status == 0)
        // Some 0.04 s, starting included.
        #expect(outcome.processorSeconds > 0 && outcome.processorSeconds < 0.3, "\(outcome.processorSeconds)")
    }
}
